"""Which chassis make tunnels to each other, and which hosts need one.

ovn-controller makes a tunnel to every chassis that it can, whether or not any
VM needs it (controller/encaps.c). What needs one are hosts with VMs of the same
overlay network, or of networks that a router joins, and the hosts of that
router's gateways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from viftrail.chain.cloud import Cloud, Port
from viftrail.facts.northbound import LogicalSwitch
from viftrail.facts.southbound import Chassis, Encap


def apart(one: Chassis, other: Chassis) -> bool:
    """They share no transport zone (controller/encaps.c chassis_tzones_overlap)."""
    return one.zones.isdisjoint(other.zones)


def encaps(cloud: Cloud, chassis: Chassis) -> tuple[Encap, ...]:
    """The known tunnel endpoints of a chassis."""
    rows = cloud.sb[Encap].by("uuid")
    return tuple(row for uuid in chassis.encaps for row in rows.get(uuid, ()))


def is_remote(chassis: Chassis) -> bool:
    """A gateway of another cloud, made known by ovn-ic (ovn-sb(5), is-remote)."""
    return chassis.other_config.get("is-remote") == "true"


def is_overlay(cloud: Cloud, switch: LogicalSwitch) -> bool:
    """A network whose packets travel between hosts in tunnels, not on a physical network."""
    physnet = switch.external_ids.get("neutron:provnet-physical-network")
    return not physnet and cloud.localnet_of(switch) is None


@dataclass(frozen=True)
class Realm:
    """Overlay networks that routers join, and who takes part in them."""

    ports: Mapping[str, tuple[tuple[Port, LogicalSwitch], ...]]
    """The VMs' ports, each with its network, by the host where the VM runs."""

    gateways: frozenset[str]
    """The hosts of the gateways that lead out, or that would host them."""

    @property
    def hosts(self) -> frozenset[str]:
        """All that need a tunnel to each other."""
        return self.gateways | self.ports.keys()


def realms(cloud: Cloud) -> tuple[Realm, ...]:
    """Every overlay network that has VMs, together with those that it is routed to."""
    leader: dict[str, str] = {}

    def lead(uuid: str) -> str:
        while leader.setdefault(uuid, uuid) != uuid:
            leader[uuid] = uuid = leader[leader[uuid]]
        return uuid

    switches = [switch for switch in cloud.nb[LogicalSwitch] if is_overlay(cloud, switch)]
    for switch in switches:
        for router in cloud.routers_of(switch):
            leader[lead(router.uuid)] = lead(switch.uuid)
    gateways: dict[str, set[str]] = {}
    for gateway in cloud.gateways:
        if gateway.expected:
            hosts_of = gateways.setdefault(lead(gateway.router.uuid), set())
            hosts_of.add(gateway.expected.hostname)
    guests = {port.row.uuid: port for port in cloud.ports.values() if port.row}
    ports: dict[str, dict[str, list[tuple[Port, LogicalSwitch]]]] = {}
    for switch in switches:
        for guest in filter(None, map(guests.get, switch.ports)):
            if host := cloud.host_of(guest):
                here = ports.setdefault(lead(switch.uuid), {}).setdefault(host, [])
                here.append((guest, switch))
    return tuple(
        Realm(
            ports={host: tuple(members) for host, members in hosts.items()},
            gateways=frozenset(gateways.get(uuid, ())),
        )
        for uuid, hosts in ports.items()
    )


def need_each_other(cloud: Cloud, one: str, other: str) -> bool:
    """Some VM's traffic passes between these hosts."""
    return any({one, other} <= realm.hosts for realm in realms(cloud))
