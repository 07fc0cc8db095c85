"""S6: a host that cannot register, because another Chassis row holds its tunnel address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import connection, controller_state, unclaimed
from viftrail.chain.daemon import RUNNING
from viftrail.chain.mesh import encaps
from viftrail.chain.quoting import db
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, Encap
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, unregister
from viftrail.faults.tunnel import own_address
from viftrail.verdict import Certainty, Evidence, Risk, Stage

_CONTROL = "ovn-appctl -t ovn-controller"
_RESUME, _STATUS = f"{_CONTROL} debug/resume", f"{_CONTROL} debug/status"


@dataclass(frozen=True)
class _Conflict:
    """A host whose ovn-encap-ip is in Southbound under another Chassis' name."""

    name: str
    host: Host
    ip: str
    holder: Chassis
    own: Chassis | None
    """The host's own row: with an old address, or none."""


def _conflicts(cloud: Cloud) -> Iterator[_Conflict]:
    for name, host in cloud.hosts.items():
        ip, system_id = host.settings.get("ovn-encap-ip", ""), host.chassis_name
        if not ip or not system_id or controller_state(host) != RUNNING:
            continue
        if connection(host) != "connected":
            continue
        own = cloud.sb[Chassis].one("name", system_id)
        if own is None and not cloud.sb[Chassis].absent("name", system_id):
            continue
        if own and (ip in [encap.ip for encap in encaps(cloud, own)] or not encaps(cloud, own)):
            continue
        wanted = host.settings.get("ovn-encap-type", "").split(",")
        for row in cloud.sb[Encap].find("ip", ip):
            holder = cloud.sb[Chassis].one("name", row.chassis_name)
            if holder is not None and holder.name != system_id and row.type in wanted:
                yield _Conflict(name, host, ip, holder, own)
                break


def _alive(cloud: Cloud, conflict: _Conflict) -> bool | None:
    """Whether the holder is a host of its own that lives; None when nobody looked there."""
    holder = conflict.holder
    if any(host.chassis_name == holder.name for host in cloud.hosts.values()):
        return True
    if holder.hostname == conflict.name or holder.hostname in cloud.hosts:
        return False  # the host of that name has another system-id now
    return None


def _stale(cloud: Cloud) -> Iterator[Case]:
    for conflict in _conflicts(cloud):
        alive = _alive(cloud, conflict)
        if alive:
            continue
        name, host, holder = conflict.name, conflict.host, conflict.holder
        yield Case(
            subject=subject.host(name),
            summary=f"{name} cannot register as {host.chassis_name}: its tunnel address "
            f"{conflict.ip} belongs to Chassis {holder.name}, which it was before",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Encap ip={conflict.ip}",
                    seen=f"of Chassis {holder.name}",
                    expected=f"of Chassis {host.chassis_name}; one address can be in one row only",
                    command=f"ovn-sbctl --columns=chassis_name,type find Encap ip={db(conflict.ip)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis name={host.chassis_name}",
                    seen="no such row",
                    expected="one row",
                    command=f"ovn-sbctl find Chassis name={db(host.chassis_name)}",
                ),
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:system-id",
                    seen=host.chassis_name,
                    expected=f"the name of the Chassis with hostname {name}",
                    command="ovs-vsctl get Open_vSwitch . external_ids:system-id",
                ),
            ),
            steps=(
                # Its peers shall have let go of the old tunnel before the new one, to the same
                # address, is made: ovs-vswitchd refuses the second of two (File exists), and
                # nobody asks it again.
                *on_host(name, f"{_CONTROL} debug/pause", undo=_RESUME, verify=_STATUS),
                *unregister(cloud, holder.name),
                *on_host(
                    name,
                    _RESUME,
                    undo=f"{_CONTROL} debug/pause",
                    verify=f"ovn-sbctl find Chassis name={db(host.chassis_name)}",
                ),
            ),
            certainty=Certainty.POSSIBLE if alive is None else Certainty.PROVEN,
            note="If the new system-id was a mistake, put the old one back instead: "
            f"ovs-vsctl set Open_vSwitch . external_ids:system-id={holder.name}, on {name}.",
        )


def _duplicate(cloud: Cloud) -> Iterator[Case]:
    for conflict in _conflicts(cloud):
        if not _alive(cloud, conflict):
            continue
        name, host, holder, ip = conflict.name, conflict.host, conflict.holder, conflict.ip
        right = own_address(cloud, host, ip)
        yield Case(
            subject=subject.host(name),
            summary=f"{name} is configured with tunnel address {ip}, which is that of "
            f"{holder.hostname}: Southbound refuses all that its ovn-controller writes",
            evidence=(
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-encap-ip",
                    seen=ip,
                    expected=right or "an address of its own",
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-encap-ip",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Encap ip={ip}",
                    seen=f"of {holder.hostname}, a host that lives",
                    expected=f"of {name}, if it were its own",
                    command=f"ovn-sbctl --columns=chassis_name,type find Encap ip={db(ip)}",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-ip={db(right)}",
                undo=f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-ip={db(ip)}",
                verify=f"ovn-sbctl --columns=ip find Encap chassis_name={db(host.chassis_name)}",
                risk=Risk.BLINKS,
            )
            if right
            else (),
            # Where it is registered still, what it claimed before goes on working.
            victims=unclaimed(cloud, name, host) if conflict.own else None,
        )


FAULTS = (
    Fault(
        id="chassis-stale-same-encap",
        stage=Stage.SOUTHBOUND,
        title="A host cannot register beside its own old Chassis row",
        what="The host has a new system-id (a new installation, an emptied conf.db) and its old "
        "address. Its old Chassis row, which a crash or a reinstallation left, holds that address, "
        "and Southbound takes a pair of address and type once only.",
        shows="Old flows and bindings may go on working through the old row; DHCP is not answered and "
        'no port is claimed. ovn-controller logs `multiple rows in "Encap" table to have '
        "identical values` and `OVNSB commit failed` without end.",
        decisive="The Encap with the host's address names another Chassis, which no living host has "
        "as its system-id, and the host's own system-id has no Chassis.",
        remedy="Delete the old Chassis row and its Chassis_Private; the host registers at once and "
        "claims its ports anew.",
        risk=Risk.BLINKS,
        references=(
            "ovn: ovn-sb.ovsschema, index of Encap",
            "ovn: controller/chassis.c chassis_build_encaps",
        ),
        unlike={
            "encap-duplicate-ip": "there the other chassis is another host, and lives",
            "chassis-stale-same-hostname": "there the addresses differ, and both are registered",
            "controller-sb-unreachable": "there ovn-controller is not connected",
        },
        find=_stale,
    ),
    Fault(
        id="encap-duplicate-ip",
        stage=Stage.SOUTHBOUND,
        title="Two hosts are configured with one tunnel address",
        what="ovn-encap-ip was copied from another host. Southbound takes a pair of address and type "
        "once only, so it refuses the second host's every transaction.",
        shows="A new host never registers. One that was registered keeps its old address and "
        'bindings, and can claim nothing more. Its ovn-controller logs `multiple rows in "Encap" '
        "table` and `OVNSB commit failed` without end.",
        decisive="The Encap with the host's ovn-encap-ip belongs to the Chassis of another host that "
        "lives.",
        remedy="Give the second host its own address.",
        risk=Risk.BLINKS,
        references=("ovn: ovn-sb.ovsschema, index of Encap", "ovn-controller(8), ovn-encap-ip"),
        unlike={
            "chassis-stale-same-encap": "there the other Chassis is the host's own old one",
            "tunnel-wrong-encap-ip": "there the address is nobody's",
        },
        find=_duplicate,
        on_path_freezes=True,
    ),
)
