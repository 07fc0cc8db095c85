"""S12: bridge mappings that lead nowhere, and provider NICs without a link."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.physnet import mappings
from viftrail.chain.provider import linked, uplinks
from viftrail.chain.quoting import atom, q
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Bridge
from viftrail.faults.fault import Case, Fault
from viftrail.faults.provider import KEY, likely_bridge, lost, needed, users
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage, Step


def _bridgeless(cloud: Cloud) -> Iterator[Case]:
    for chassis, physnet in needed(cloud):
        text, name = chassis.bridge_mappings, chassis.hostname
        bridge = mappings(text).get(physnet, "")
        host = cloud.hosts.get(name)
        if not bridge or host is None or not host.conf[Bridge].absent("name", bridge):
            continue
        right = likely_bridge(cloud, host, physnet)
        names = sorted(row.name for row in host.conf[Bridge])
        yield Case(
            subject=subject.host(name),
            victims=users(cloud, chassis, physnet),
            summary=f"{name} maps {physnet} to {bridge}, and has no bridge of that name",
            evidence=(
                _mapping(chassis, text, f"{physnet}: and a bridge that exists"),
                Evidence(
                    where=name,
                    what="bridges",
                    seen=", ".join(names),
                    expected=f"{bridge} among them",
                    command="ovs-vsctl list-br",
                ),
            ),
            steps=_remap(chassis, text.replace(f"{physnet}:{bridge}", f"{physnet}:{right}"))
            if right
            else (),
            note=f"If {bridge} is the right name and the bridge was lost, make it instead: "
            f"`ovs-vsctl add-br {bridge}`, and add its NIC.",
        )


def _unreadable(cloud: Cloud) -> Iterator[Case]:
    for chassis, physnet in needed(cloud):
        text, name = chassis.bridge_mappings, chassis.hostname
        bridge = lost(text, physnet)
        if not bridge:
            continue
        read = mappings(text)
        mended = {**read, physnet: bridge}
        yield Case(
            subject=subject.host(name),
            victims=users(cloud, chassis, physnet),
            summary=f"{name} has ovn-bridge-mappings that ovn-controller cannot read up to "
            f"{physnet}, so it is not connected to the provider network",
            evidence=(
                _mapping(chassis, text, "NETWORK:BRIDGE[,NETWORK:BRIDGE], without a space"),
                Evidence(
                    where=name,
                    what="mappings that ovn-controller takes from that",
                    seen=", ".join(f"{k}:{v}" for k, v in read.items()) or "none",
                    expected=f"{physnet}:{bridge} among them",
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-bridge-mappings",
                ),
            ),
            steps=_remap(chassis, ",".join(f"{k}:{v}" for k, v in mended.items())),
            note="ovn-controller logs `Invalid ovn-bridge-mappings configuration` at the first entry "
            "that it cannot read, and takes none after it: put back what else was meant there.",
        )


def _mapping(chassis: Chassis, text: str, expected: str) -> Evidence:
    return Evidence(
        where=SOUTHBOUND,
        what=f"ovn-bridge-mappings of {chassis.hostname}",
        seen=text,
        expected=expected,
        command=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
    )


def _remap(chassis: Chassis, text: str) -> tuple[Step, ...]:
    return on_host(
        chassis.hostname,
        f"ovs-vsctl set Open_vSwitch . {q(f'{KEY}={atom(text)}')}",
        undo=f"ovs-vsctl set Open_vSwitch . {q(f'{KEY}={atom(chassis.bridge_mappings)}')}",
        verify=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
    )


def silent_nics(host: Host, bridge: str) -> tuple[str, ...]:
    """The bridge's NICs, where none of them has a link; empty when one has, or there is none."""
    nics = uplinks(host, bridge)
    return () if any(linked(host, nic) is not False for nic in nics) else nics


def link_evidence(name: str, host: Host, nics: tuple[str, ...]) -> tuple[Evidence, ...]:
    """What the kernel says of each of them."""
    return tuple(
        Evidence(
            where=name,
            what=f"link of {nic}",
            seen="no carrier" if host.link_by_name[nic].up else "down",
            expected="up, with carrier",
            command=f"ip link show {q(nic)}",
        )
        for nic in nics
    )


def _linkless(cloud: Cloud) -> Iterator[Case]:
    spare = {  # where another gateway is idle, that this one keeps the port is the fault
        gateway.host
        for gateway in cloud.gateways
        if len(gateway.candidates) < max(1, len(gateway.leg.gateway_chassis))  # not all are known
        or any(cloud.sb[Chassis].find("name", other) for other in gateway.candidates[1:])
    }
    for chassis, physnet in needed(cloud):
        name = chassis.hostname
        host = cloud.hosts.get(name)
        bridge = mappings(chassis.bridge_mappings).get(physnet, "")
        nics = silent_nics(host, bridge) if host and name not in spare else ()
        if not host or not nics:
            continue
        down = [nic for nic in nics if not host.link_by_name[nic].up]
        yield Case(
            subject=subject.host(name),
            victims=users(cloud, chassis, physnet),
            summary=f"{' and '.join(nics)} in {bridge} of {name}, which leads to {physnet}, "
            + ("is down" if down else "has no link"),
            evidence=link_evidence(name, host, nics),
            steps=tuple(
                step
                for nic in down
                for step in on_host(
                    name,
                    f"ip link set dev {q(nic)} up",
                    undo=f"ip link set dev {q(nic)} down",
                    verify=f"ip link show {q(nic)}",
                )
            ),
            note=""
            if down
            else "Nothing on the host brings a link back: look at the cable and at the switch port.",
        )


_DEAD = (
    "North-south traffic and floating IPs are dead, while Port_Binding of the gateway port shows the "
    "right chassis. "
)

FAULTS = (
    Fault(
        id="prov-mapping-bridge-missing",
        stage=Stage.PROVIDER,
        title="A bridge mapping names a bridge that does not exist",
        what="ovn-bridge-mappings of the chassis maps the physical network to a bridge that the host "
        "does not have: it was renamed, deleted, or never made.",
        shows=_DEAD + "ovn-controller logs `Bridge '…' not found for network '…'` again and again. "
        "Neutron still takes the chassis for connected, because it reads the mapping only.",
        decisive="No Bridge of the mapped name in the host's conf.db.",
        remedy="Map the bridge that has the provider NIC, or make the bridge that is mapped.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-bridge-mappings", "ovn: controller/patch.c"),
        unlike={
            "prov-mapping-missing": "there the physical network is not mapped at all",
            "prov-nic-not-in-bridge": "there the bridge exists",
        },
        find=_bridgeless,
        spares_others=True,
    ),
    Fault(
        id="prov-mapping-syntax",
        stage=Stage.PROVIDER,
        title="A bridge mapping cannot be read",
        what="ovn-bridge-mappings has an entry that is no NETWORK:BRIDGE, or spaces; ovn-controller "
        "takes what comes before it and nothing after it.",
        shows=_DEAD + "ovn-controller logs `Invalid ovn-bridge-mappings configuration: '…'`.",
        decisive="The physical network stands in the text, and not among the mappings that "
        "ovn-controller takes from it.",
        remedy="Write it as NETWORK:BRIDGE[,NETWORK:BRIDGE]; it takes effect live.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-bridge-mappings", "ovn: controller/patch.c"),
        unlike={"prov-mapping-missing": "there the text does not name the physical network"},
        find=_unreadable,
        spares_others=True,
    ),
    Fault(
        id="prov-nic-down",
        stage=Stage.PROVIDER,
        title="The provider NIC has no link",
        what="The NIC is in the provider bridge, and is administratively down or has no carrier; of a "
        "bond, every member.",
        shows=_DEAD + "Every OVN row is green, nothing is logged by OVN.",
        decisive="No NIC of the mapped bridge is up with carrier.",
        remedy="Set it up; without carrier the cable or the switch port is to be repaired.",
        risk=Risk.SAFE,
        references=("ip-link(8)",),
        unlike={
            "prov-nic-not-in-bridge": "there the bridge has no NIC at all",
            "router-gw-nic-down-no-failover": "there another gateway could take over",
        },
        find=_linkless,
        spares_others=True,
    ),
)
