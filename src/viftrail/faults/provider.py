"""S12: faults between the gateway chassis and the provider network."""

from __future__ import annotations

import re
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, is_vm_port
from viftrail.chain.physnet import mappings
from viftrail.chain.provider import routed, uplinks
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Bridge
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage, Step

PHYSNET = "neutron:provnet-physical-network"
KEY = "external_ids:ovn-bridge-mappings"
PSEUDO_DEVICES = ("lo", "ovs-netdev", "ovs-system")
VIRTUAL_PREFIXES = ("tap", "qvo", "qvb", "qbr", "vhu", "genev_sys", "ovn-")


def needed(cloud: Cloud) -> Iterator[tuple[Chassis, str]]:
    """Chassis that have to reach a physical network: they host a gateway to it, or a VM on it."""
    found: dict[tuple[str, str], tuple[Chassis, str]] = {}
    for gateway in cloud.gateways:
        side = cloud.provider_side(gateway)
        physnet = _physnet(*side) if side else ""
        if gateway.expected and physnet:
            found[gateway.expected.name, physnet] = gateway.expected, physnet
    for switch in cloud.nb[LogicalSwitch]:
        for member in cloud.members(switch) if cloud.localnets_of(switch) else ():
            chassis = cloud.chassis_of(cloud.binding(member.name)) if is_vm_port(member) else None
            localnet = cloud.localnet_of(switch, chassis)
            physnet = _physnet(switch, localnet) if localnet else ""
            if chassis and physnet:
                found[chassis.name, physnet] = chassis, physnet
    yield from found.values()


def users(cloud: Cloud, chassis: Chassis, physnet: str) -> frozenset[Subject]:
    """The ports that reach a physical network by this chassis: behind its gateways, or on it.

    A VM that merely runs there, on another network, does not.
    """
    routers: set[str] = set()
    for gateway in cloud.gateways:
        side = cloud.provider_side(gateway)
        if side and gateway.expected is chassis and _physnet(*side) == physnet:
            routers.add(gateway.router.uuid)
    served: set[str] = set()
    direct: set[str] = set()
    for switch in cloud.nb[LogicalSwitch]:
        localnet = cloud.localnet_of(switch, chassis)
        if localnet and _physnet(switch, localnet) == physnet:
            direct.add(switch.uuid)
        if any(router.uuid in routers for router in cloud.routers_of(switch)):
            served.add(switch.uuid)
    return frozenset(
        subject.port(port.id)
        for port in cloud.ports.values()
        if (own := cloud.switch_of(port)) is not None
        and (own.uuid in served or (own.uuid in direct and cloud.host_of(port) == chassis.hostname))
    )


def lost(text: str, physnet: str) -> str:
    """The bridge that was meant for it in a mapping that ovn-controller cannot read, or after one.

    Which is a fault of its own (prov-mapping-syntax).
    """
    entries = (re.split("[:=]", entry, maxsplit=1) for entry in re.split(r"[,;\s]+", text))
    meant = {entry[0]: entry[1] for entry in entries if len(entry) == 2}
    return "" if physnet in mappings(text) else meant.get(physnet, "")


def _physnet(switch: LogicalSwitch, localnet: LogicalSwitchPort) -> str:
    """The physical network; empty when the localnet port is of another one than the switch.

    That is its own fault (prov-localnet-wrong), not the mapping's.
    """
    name = localnet.options.get("network_name", "")
    return name if switch.external_ids.get(PHYSNET, name) == name else ""


def _unmapped(cloud: Cloud) -> Iterator[Case]:
    for chassis, physnet in needed(cloud):
        text = chassis.bridge_mappings
        if not physnet or physnet in mappings(text) or lost(text, physnet):
            continue
        name = chassis.hostname
        host = cloud.hosts.get(name)
        bridge = likely_bridge(cloud, host, physnet) if host else ""
        mended = ",".join(part for part in (text, f"{physnet}:{bridge}") if part)
        yield Case(
            subject=subject.host(name),
            victims=users(cloud, chassis, physnet),
            summary=f"{name} has to reach {physnet}, but maps no bridge to it, so it is not "
            "connected to the provider network",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis.other_config:ovn-bridge-mappings of {name}",
                    seen=text or "empty",
                    expected=f"{physnet}:BRIDGE",
                    command=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
                ),
                Evidence(
                    where=name,
                    what="bridges with a NIC that could carry it",
                    seen=bridge or ("none found" if host else "not looked at"),
                    expected="one",
                    command="ovs-vsctl show",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . {KEY}={db(mended)}",
                undo=f"ovs-vsctl set Open_vSwitch . {KEY}={db(text)}"
                if text
                else "ovs-vsctl remove Open_vSwitch . external_ids ovn-bridge-mappings",
                verify=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
            )
            if bridge
            else (),
            note=""
            if bridge
            else f"Which bridge of {name} leads to {physnet} cannot be seen; set {KEY} to "
            f"{physnet}: and its name.",
        )


def likely_bridge(cloud: Cloud, host: Host, physnet: str) -> str:
    """As the other chassis map it, if that bridge exists here; else one with a NIC and no address."""
    names = [row.name for row in host.conf[Bridge]]
    for chassis in cloud.sb[Chassis]:
        bridge = mappings(chassis.bridge_mappings).get(physnet, "")
        if bridge in names:
            return bridge
    outward = [
        name
        for name in names
        if name != host.integration_bridge and uplinks(host, name) and not routed(host, name)
    ]
    taken = set(mappings(host.settings.get("ovn-bridge-mappings", "")).values())
    # A bridge that is mapped under another name, perhaps a wrong one, comes second.
    for likely in ([name for name in outward if name not in taken], outward):
        if len(likely) == 1:
            return likely[0]
    return ""


def _no_nic(cloud: Cloud) -> Iterator[Case]:
    told: set[tuple[str, str]] = set()
    for chassis, physnet in needed(cloud):
        host = cloud.hosts.get(chassis.hostname)
        bridge = mappings(chassis.bridge_mappings).get(physnet, "")
        if host is None or not host.conf[Bridge].find("name", bridge):
            continue
        if uplinks(host, bridge) or routed(host, bridge):
            continue
        if (chassis.hostname, bridge) in told:
            continue
        told.add((chassis.hostname, bridge))
        free = _free_nics(host)
        yield Case(
            subject=subject.host(chassis.hostname),
            victims=users(cloud, chassis, physnet),
            summary=f"{bridge} of {chassis.hostname} has no NIC in it, so {physnet} ends inside the "
            "host",
            evidence=(
                Evidence(
                    where=chassis.hostname,
                    what=f"ports of {bridge} that leave the host",
                    seen="none",
                    expected="the provider NIC",
                    command=f"ovs-vsctl list-ports {q(bridge)}",
                ),
                Evidence(
                    where=chassis.hostname,
                    what="NICs without a bridge and without an address",
                    seen=", ".join(free) or "none",
                    expected="the provider NIC is in the bridge",
                    command="ip -brief link; ovs-vsctl show",
                ),
            ),
            steps=_insert(chassis.hostname, host, bridge, free),
            note=(
                "" if len(free) == 1 else "Which NIC leads to the provider network cannot be seen. "
            )
            + "A NIC that carries the host's own address must not be put into the bridge: the host "
            "would be cut off.",
        )


def _insert(name: str, host: Host, bridge: str, free: list[str]) -> tuple[Step, ...]:
    if len(free) != 1:
        return ()
    nic = free[0]
    # Where no other device has the host's own address, this may be the one that carries it.
    reached = any(link.addressed for link in host.links if link.ifname not in (nic, "lo"))
    return on_host(
        name,
        f"ovs-vsctl --may-exist add-port {q(bridge)} {q(nic)}",
        undo=f"ovs-vsctl del-port {q(bridge)} {q(nic)}",
        verify=f"ovs-vsctl list-ports {q(bridge)}",
        risk=Risk.SAFE if reached else Risk.DISRUPTIVE,
    )


def _free_nics(host: Host) -> list[str]:
    """Devices that look like an unused NIC: no address, nothing on top, in no bridge or bond."""
    under = {link.link for link in host.links}
    bridges = {row.name for row in host.conf[Bridge]}
    return sorted(
        link.ifname
        for link in host.links
        if link.ifname not in PSEUDO_DEVICES
        and not link.ifname.startswith(VIRTUAL_PREFIXES)
        and link.ifname not in host.bridge_of
        and link.ifname not in bridges
        and not link.master
        and link.ifname not in under
        and not link.addressed
    )


FAULTS = (
    Fault(
        id="prov-mapping-missing",
        stage=Stage.PROVIDER,
        title="A chassis maps no bridge to the provider network",
        what="The chassis that hosts the router's gateway, or a VM directly on the provider network, "
        "has no ovn-bridge-mappings entry for the physical network, so ovn-controller makes no "
        "patch port to the provider bridge.",
        shows="North-south traffic and floating IPs are dead, while Port_Binding of the gateway "
        "port shows the right chassis. ovn-controller logs once `bridge not found for localnet "
        "port …`.",
        decisive="Chassis.other_config:ovn-bridge-mappings of that chassis lacks the localnet "
        "port's network_name; of a routed network, that of every segment.",
        remedy="Set the mapping; it takes effect live.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-bridge-mappings", "ovn: controller/patch.c"),
        unlike={
            "prov-nic-not-in-bridge": "there the mapping is right and the bridge is empty",
            "the same log line on a chassis that does not host the network": "that is normal",
        },
        find=_unmapped,
        spares_others=True,
    ),
    Fault(
        id="prov-nic-not-in-bridge",
        stage=Stage.PROVIDER,
        title="The provider bridge has no NIC",
        what="The mapping leads to a bridge whose physical NIC is not, or no longer, its port; often "
        "after a reboot or a change of the host's network configuration.",
        shows="North-south traffic and floating IPs are dead. Every OVN row is green, nothing is "
        "logged.",
        decisive="The bridge has only patch and internal ports.",
        remedy="Add the NIC to the bridge.",
        risk=Risk.SAFE,
        references=("ovs-vsctl(8), add-port",),
        unlike={"prov-mapping-missing": "there no patch port leads to the bridge"},
        find=_no_nic,
        spares_others=True,
    ),
)
