"""The target's own path through the cloud: what each stage has to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway, Port
from viftrail.chain.failure import Kind, failure_of, tried_on
from viftrail.chain.once import once
from viftrail.chain.subject import Subject
from viftrail.facts.northbound import NAT, LogicalRouter, LogicalSwitch, LogicalSwitchPort
from viftrail.facts.openstack import Server
from viftrail.facts.owner import OwnedPort


class Role(Enum):
    """Why something is on the trail."""

    OWN = "own"
    """The target itself, its host, its network."""
    PATH = "path"
    """Passed by traffic that leaves the host: gateways, peers, tunnels."""
    AWAITED = "awaited"
    """The host, and the cloud around it, that should have plugged the port of a server, which Nova
    gave up waiting for."""
    CARRIER = "carrier"
    """The parent whose plug carries a trunk's subport: how it is plugged, not what it may send."""


@dataclass(frozen=True)
class Trail:
    """One port's path. Names are those of the databases and hosts."""

    asked: str
    port: Port
    host: str
    switch: LogicalSwitch | None
    routers: tuple[LogicalRouter, ...]
    gateways: tuple[Gateway, ...]
    floating_ips: tuple[str, ...]
    peers: tuple[str, ...]
    """Hosts at the other end of the tunnels that its traffic takes."""
    subjects: dict[Subject, Role]
    server: Server | None = None
    """As Nova has it, where Nova was asked."""
    direct: LogicalSwitchPort | None = None
    """The localnet port of its own network, which is a provider network then."""
    paired: bool = False
    """The other end of a pair is to reach it."""

    @property
    def tunnelled(self) -> bool:
        """Something of its traffic may take a tunnel; what leaves by a localnet port does not."""
        return self.direct is None or bool(self.peers)


def trail_of(cloud: Cloud, port: Port, asked: str, also: tuple[str, ...] = ()) -> Trail:
    """Follow one port. ``also`` names further hosts that it shall reach (a pair)."""
    host = cloud.host_of(port)
    switch = cloud.switch_of(port)
    routers = cloud.routers_of(switch) if switch else ()
    gateways = tuple(
        gateway for gateway in cloud.gateways if any(gateway.router.uuid == r.uuid for r in routers)
    )
    # Where a gateway is hosted by nobody, the trail goes on where it would be.
    ways_out = [gateway.expected.hostname for gateway in gateways if gateway.expected]
    direct = cloud.localnet_of(switch, cloud.chassis_named(host)) if switch else None
    ends = ways_out if direct else (*ways_out, *also)
    peers = tuple(dict.fromkeys(name for name in ends if name and name != host))
    fips = floating_ips_of(cloud, port)
    subjects = {
        subject.CLOUD: Role.OWN,
        subject.port(port.id): Role.OWN,
        subject.host(host): Role.OWN,
        **({subject.network(switch.name): Role.OWN} if switch else {}),
        **{subject.router(row.name): Role.PATH for row in routers},
        **{subject.network(side[0].name): Role.PATH for side in _outside(cloud, gateways)},
        **{subject.floating_ip(address): Role.OWN for address in fips},
        **{subject.tunnel(host, peer): Role.PATH for peer in peers},
        **{subject.host(peer): Role.PATH for peer in peers},
        **{subject.host(name): Role.PATH for name in (*ways_out, *also) if name and name != host},
    }
    if port.row and port.row.parent_name:
        subjects[subject.port(port.row.parent_name)] = Role.CARRIER
    server = cloud.server_of(port)
    if server:
        subjects[subject.server(server.id)] = Role.OWN
    return Trail(
        *(asked, port, host, switch, routers, gateways, fips, peers, subjects),
        server=server,
        direct=direct,
        paired=bool(also),
    )


def trail_of_server(cloud: Cloud, server: Server, asked: str) -> Trail:
    """A server without a port: it was never scheduled, or its port went with the failed build."""
    openstack = cloud.openstack
    failure = failure_of(openstack, server, cloud.facts.logs)
    name = tried_on(openstack, server)
    chassis = cloud.chassis_like(name)
    host = chassis.hostname if chassis else name
    role = Role.AWAITED if failure and failure.kind is Kind.PLUG else Role.OWN
    subjects = {
        subject.CLOUD: role,
        subject.server(server.id): Role.OWN,
        **{subject.port(port_id): Role.OWN for port_id in server.ports_named},
        **{subject.host(each): role for each in (host, name) if each},
    }
    owned = OwnedPort(id="", mac="", server=server.name, server_id=server.id, host=host)
    port = Port("", None, owned)
    return Trail(asked, port, host, None, (), (), (), (), subjects, server=server)


def _outside(
    cloud: Cloud, gateways: tuple[Gateway, ...]
) -> list[tuple[LogicalSwitch, LogicalSwitchPort | None]]:
    """The provider networks that these gateways lead to."""
    return [side for side in map(cloud.outside, gateways) if side]


def floating_ips_of(cloud: Cloud, port: Port) -> tuple[str, ...]:
    """Every floating IP that the owner, the port or a NAT row gives it."""
    found = list(_owned(cloud).get(port.id, ()))
    if port.row:
        found += port.row.external_ids.get("neutron:port_fip", "").split()
    found += _translated(cloud).get(port.id, ())
    return tuple(dict.fromkeys(found))


@once
def _owned(cloud: Cloud) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fip in cloud.owner.floating_ips:
        found.setdefault(fip.port_id, []).append(fip.ip)
    return found


@once
def _translated(cloud: Cloud) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in cloud.nb[NAT]:
        if row.type == "dnat_and_snat":
            for port_id in {row.logical_port, row.external_ids.get("neutron:fip_port_id")}:
                if port_id:
                    found.setdefault(port_id, []).append(row.external_ip)
    return found
