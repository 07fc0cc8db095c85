"""S4 and S8: ports that nobody wants, in OVN_Northbound and in the bridges of hosts."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import NAME_LENGTH, Cloud, Plug, Port
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.southbound import Chassis, PortBinding
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED, on_host, plug_again
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

PREFIX_LENGTH = 3
"""As of tap, qvo and vhu."""

METADATA_LENGTH = 10
"""The metadata agent names its device tap, the first 10 letters of the network's id, and 0."""


def _unowned(cloud: Cloud) -> Iterator[Case]:
    if not cloud.owner_told_all:
        return  # it may be a port that whoever asked is not told of
    lab = cloud.owner.kind == "lab"
    for port in cloud.ports.values():
        if port.row is None or port.owned is not None:
            continue
        binding = cloud.binding(port.id)
        holder = cloud.chassis_of(binding)
        yield Case(
            subject=subject.port(port.id),
            summary=f"Northbound has port {port.id} ({' '.join(port.addresses) or 'no address'}), "
            "which its owner does not know: a ghost that answers for its addresses",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port {port.id}",
                    seen="exists",
                    expected="a port of the owner's",
                    command=f"ovn-nbctl list Logical_Switch_Port {q(port.id)}",
                ),
            ),
            steps=(
                *(() if lab else _look(port.id)),
                *on_host(
                    cloud.central_name,
                    f"ovn-nbctl lsp-del {q(port.id)}",
                    undo="create the row again from the list above",
                    verify=f"ovn-nbctl find Logical_Switch_Port name={db(port.id)}",
                    risk=Risk.DESTROYS if holder or not lab else Risk.SAFE,
                ),
            ),
            # Neutron and Northbound are not read at one instant: it may be a port being made.
            certainty=Certainty.LIKELY if holder or not lab else Certainty.PROVEN,
            victims=None if holder else frozenset(_rivals(cloud, port)),
            note=("" if lab else "Delete it only if Neutron answers that there is no such port. ")
            + (
                f"It is claimed by {holder.hostname}: look there for a VM before deleting it."
                if holder
                else ""
            ),
        )


def _look(port_id: str) -> tuple[Step, ...]:
    """Whether Neutron has the port after all, asked with the rights to see any."""
    show = f"openstack port show {q(port_id)}"
    return on_host(ADMIN_SHELL, show, undo=NOTHING_CHANGED, verify=show)


def _rivals(cloud: Cloud, ghost: Port) -> Iterator[Subject]:
    """The ports of its network that have one of its addresses."""
    addresses, switch = set(ghost.addresses), cloud.switch_of(ghost)
    for member in cloud.members(switch) if switch else ():
        port = cloud.ports.get(member.name)
        if port and port.id != ghost.id and addresses & set(port.addresses):
            yield subject.port(port.id)


def _left_behind(cloud: Cloud) -> Iterator[Case]:
    rows, bindings = cloud.nb[LogicalSwitchPort], cloud.sb[PortBinding]
    owned = {port.id for port in cloud.owner.ports}
    if not owned and not rows.complete:
        return  # a port that was not read may be the one whose device this is
    unknown = {
        iface_id: [plug for plug in plugs if _is_chassis(cloud, plug)]
        for iface_id, plugs in cloud.plugs.items()
        if iface_id not in owned
        and rows.absent("name", iface_id)
        and bindings.absent("logical_port", iface_id)
    }
    names, macs = _meant_for(cloud) if any(unknown.values()) else (frozenset(), frozenset())
    for iface_id, plugs in unknown.items():
        left = [
            plug
            for plug in plugs
            if plug.interface.name[PREFIX_LENGTH:] not in names
            and plug.interface.external_ids.get("attached-mac", "").lower() not in macs
            # Without the owner's word it may be a VM's, and the row in Northbound what is missing.
            and (owned or not _device(cloud, plug))
        ]
        if left:
            yield _leftover(cloud, iface_id, left)


def _device(cloud: Cloud, plug: Plug) -> bool:
    """False where it is certain that no device is behind the plug."""
    host, row = cloud.hosts[plug.host], plug.interface
    return row.type != "" or not host.links or row.name in host.link_by_name


def _is_chassis(cloud: Cloud, plug: Plug) -> bool:
    """In the integration bridge of a host of this cloud."""
    host = cloud.hosts[plug.host]
    return plug.bridge == host.integration_bridge and bool(
        cloud.sb[Chassis].find("name", host.chassis_name)
    )


def _meant_for(cloud: Cloud) -> tuple[frozenset[str], frozenset[str]]:
    """What devices of known ports and networks are called, and the MACs of unplugged ports."""
    ids = [*cloud.ports, *(port.id for port in cloud.owner.ports)]
    networks = [switch.name.removeprefix("neutron-") for switch in cloud.nb[LogicalSwitch]]
    unplugged = [
        *(port.mac for port in cloud.ports.values() if port.id not in cloud.plugs),
        *(port.mac.lower() for port in cloud.owner.ports if port.id not in cloud.plugs),
    ]
    return (
        frozenset([port_id[:NAME_LENGTH] for port_id in ids])
        | {network[:METADATA_LENGTH] + "0" for network in networks},
        frozenset(filter(None, unplugged)),
    )


def _leftover(cloud: Cloud, iface_id: str, plugs: list[Plug]) -> Case:
    first = plugs[0]
    device = any(_device(cloud, plug) for plug in plugs)
    return Case(
        subject=subject.port(iface_id),
        summary=f"{first.interface.name} in {first.bridge} of {first.host} carries an iface-id that "
        "is no port's: a VM was deleted, and its plug was left",
        evidence=(
            *(_carried(plug, iface_id) for plug in plugs),
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Switch_Port name={iface_id}",
                seen="no such row",
                expected="one row",
                command=f"ovn-nbctl --columns=_uuid find Logical_Switch_Port name={db(iface_id)}",
            ),
        ),
        steps=tuple(
            step
            for plug in plugs
            for step in on_host(
                plug.host,
                f"ovs-vsctl --if-exists del-port {q(plug.bridge)} {q(plug.interface.name)}",
                undo=plug_again(plug.bridge, plug.interface),
                verify=f"ovs-vsctl find Interface external_ids:iface-id={db(iface_id)}",
            )
        ),
        # Rows and hosts are not read at one instant: with a device it may be a VM being made.
        certainty=Certainty.LIKELY if device else Certainty.PROVEN,
        victims=frozenset(),
        note="It is left by a VM that was deleted while its host was away. "
        + (
            "Its device may still exist: look first whether a VM holds it (`virsh domiflist`); that "
            "VM has no network either way."
            if device
            else "Its device is gone, so no VM holds it."
        ),
    )


def _carried(plug: Plug, iface_id: str) -> Evidence:
    return Evidence(
        where=plug.host,
        what=f"Interface {plug.interface.name} external_ids:iface-id",
        seen=iface_id,
        expected="the id of a port",
        command=f"ovs-vsctl get Interface {q(plug.interface.name)} external_ids",
    )


FAULTS = (
    Fault(
        id="nb-orphan-lsp",
        stage=Stage.NORTHBOUND,
        title="Northbound has a port that its owner does not know",
        what="A Logical_Switch_Port was left behind when its owner deleted the port, or was made by "
        "hand.",
        shows="A new VM with the same address behaves as if the address were in use: OVN answers ARP "
        "and DHCP for the ghost.",
        decisive="The row's name is not among the owner's ports, which were listed for all projects.",
        remedy="Ask the owner for that one port, as an admin; delete the row only if there is none, "
        "after making sure that no chassis claims it.",
        risk=Risk.DESTROYS,
        references=("neutron: ovn_db_sync.py",),
        unlike={"nb-duplicate-address": "there the owner knows both ports"},
        find=_unowned,
    ),
    Fault(
        id="vif-orphan",
        stage=Stage.VIF,
        title="An Interface in br-int is of a port that does not exist",
        what="A VM was deleted while its host was away, or its unplugging failed, so its Interface "
        "is still in br-int under the id of a port that is gone.",
        shows="Nothing: ovn-controller claims no port for it, and no VM suffers. It stays in listings, "
        "and every start of ovs-vswitchd tries to open its device.",
        decisive="An iface-id in br-int that neither Northbound, nor Southbound, nor the ports' owner "
        "knows, on a device that is not named after another port and has no other port's MAC.",
        remedy="Delete the OVS port, after making sure that no VM holds its device. ovn-controller "
        "sends it nothing, so no traffic is lost.",
        risk=Risk.SAFE,
        references=("os-vif: vif_plug_ovs/ovs.py unplug", "ovn: controller/binding.c"),
        unlike={
            "vif-iface-id-wrong": "there the device is plainly a known port's, and its VM suffers",
            "an Interface without iface-id": "it is nothing of OVN's, and nothing is wrong",
        },
        find=_left_behind,
    ),
)
