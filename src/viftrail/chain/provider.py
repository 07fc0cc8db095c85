"""S12: from the gateway chassis to the provider network's wire."""

from __future__ import annotations

from viftrail.chain.checks import Checks, not_applicable
from viftrail.chain.cloud import Cloud
from viftrail.chain.northbound import enabled
from viftrail.chain.physnet import mappings
from viftrail.chain.quoting import q
from viftrail.chain.router import unread
from viftrail.chain.sounding import check_outside
from viftrail.chain.switch import check_switch
from viftrail.chain.trail import Trail
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Bridge, Interface, Port
from viftrail.verdict import Evidence, Finding, Stage


def uplinks(host: Host, bridge: str) -> tuple[str, ...]:
    """The bridge's ports that lead on: NICs, bonds, and patches to other bridges than br-int."""
    ports = host.conf[Port].by("uuid")
    interfaces = host.conf[Interface].by("uuid")
    found: list[str] = []
    for owner in host.conf[Bridge].find("name", bridge):
        for port in (port for uuid in owner.ports for port in ports.get(uuid, ())):
            # ovn-controller marks the patch ports that it makes (controller/patch.c).
            if "ovn-localnet-port" in port.external_ids or port.name == bridge:
                continue
            rows = [row for uuid in port.interfaces for row in interfaces.get(uuid, ())]
            found += [row.name for row in rows if row.type != "internal"]
    return tuple(found)


def linked(host: Host, nic: str) -> bool | None:
    """Up, with carrier; None where the kernel has no such device, as with DPDK and patches."""
    link = host.link_by_name.get(nic)
    return None if link is None else link.up and link.carrier


def routed(host: Host, bridge: str) -> bool:
    """The bridge has an address of its own: the host itself may be its way out."""
    link = host.link_by_name.get(bridge)
    return link is not None and link.addressed


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Where the trail meets a provider network: the mapping, the bridge, the NIC.

    That is on the chassis that hosts each gateway, and, for a VM directly on a
    provider network, on its own host.
    """
    direct = trail.direct
    if not trail.gateways and direct is None:
        return not_applicable(Stage.PROVIDER, "no router leads to a provider network")
    checks = Checks(Stage.PROVIDER)
    if direct is not None:
        own = cloud.chassis_named(trail.host)
        if own is None:
            checks.unknown(f"the chassis of {trail.host or 'its host'} is not known")
        else:
            _left(checks, cloud, own, direct)
    for gateway in trail.gateways:
        side = cloud.provider_side(gateway)
        if side is None:
            checks.unknown(f"the provider network of {gateway.leg.name} was not found")
        elif gateway.expected is None:
            checks.unknown(unread(cloud, gateway) or "no chassis hosts the gateway")
        else:
            _left(checks, cloud, gateway.expected, side[1])
    check_outside(checks, cloud, "next hop")
    return checks.finding()


def _left(checks: Checks, cloud: Cloud, chassis: Chassis, localnet: LogicalSwitchPort) -> None:
    """By this localnet port frames leave the logical network, on this chassis."""
    if localnet.enabled is False:
        checks.check(False, enabled(localnet), bad=f"the localnet port {localnet.name} is disabled")
    physnet = localnet.options.get("network_name", "")
    text = chassis.bridge_mappings
    bridge = mappings(text).get(physnet, "")
    checks.check(
        bool(bridge),
        Evidence(
            where=SOUTHBOUND,
            what=f"ovn-bridge-mappings of {chassis.hostname}",
            seen=text or "empty",
            expected=f"a bridge for {physnet}",
            command=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
        ),
        good=f"{physnet} is mapped on {chassis.hostname}",
        bad=f"{chassis.hostname} maps no bridge to {physnet}",
    )
    if bridge:
        _bridge(checks, cloud, chassis.hostname, bridge)


def _bridge(checks: Checks, cloud: Cloud, name: str, bridge: str) -> None:
    host = cloud.hosts.get(name)
    if host is None or not host.vswitch:
        checks.unseen(name)
        return
    check_switch(checks, host, name)
    nics = uplinks(host, bridge)
    checks.check(
        bool(nics) or routed(host, bridge),
        Evidence(
            where=name,
            what=f"ports of {bridge} that leave the host",
            seen=", ".join(nics) or "none",
            expected="the provider NIC",
            command=f"ovs-vsctl list-ports {q(bridge)}",
        ),
        good=f"{bridge} has its NIC",
        bad=f"no NIC is in {bridge} of {name}",
    )
    # Of a bond one member is enough.
    states = {nic: linked(host, nic) for nic in nics}
    if nics and None not in states.values():
        checks.check(
            any(states.values()),
            Evidence(
                where=name,
                what=f"devices {', '.join(nics)}" if len(nics) > 1 else f"device {nics[0]}",
                seen="up" if any(states.values()) else "no link",
                expected="up, with carrier",
                command=f"ip link show {q(nics[0])}",
            ),
            good=f"{', '.join(nics)} is up",
            bad=f"the provider NIC {', '.join(nics)} of {name} has no link",
        )
