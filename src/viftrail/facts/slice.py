"""The few rows and hosts that one port's trail runs over.

For a cloud of any size this sends a handful of requests, each of conditional
selects only, and looks at two or three hosts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from itertools import combinations
from math import inf

from viftrail.facts.host import Host
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.log.moment import Window, parse
from viftrail.facts.northbound import (
    ACL,
    NAT,
    DHCPOptions,
    GatewayChassis,
    HAChassis,
    HAChassisGroup,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
    PortGroup,
    StaticRoute,
)
from viftrail.facts.openstack import COMPUTE
from viftrail.facts.source import Ask
from viftrail.facts.southbound import (
    Chassis,
    ChassisPrivate,
    Encap,
    MACBinding,
    PortBinding,
    SBGlobal,
)
from viftrail.facts.target import Found
from viftrail.facts.vswitch import Interface

DROP_GROUP = "neutron_pg_drop"
GATEWAY_OPTION = "ovn-cms-options=enable-chassis-as-gw"
_FIXTURES = ("router", "localnet", "localport")
SOME = 3
"""Hosts that are looked at of many that are down."""

FEW = 32
"""Rows of a large table that may be looked for without an index in one go."""

MANY = 256
"""A switch or router with more members is not read member by member."""


def follow_found(inquiry: Inquiry, end: Found) -> None:
    """Ask for what one end of a question depends on: a port, or a server without one."""
    if end.port_id:
        follow(inquiry, end.port_id)
    else:
        follow_server(inquiry, end.server_id)


def follow(inquiry: Inquiry, port_id: str) -> None:
    """Ask for everything that the chain of this port depends on, then look at its hosts."""
    inquiry.fetch(
        [
            Ask(NBGlobal),
            Ask(LogicalSwitchPort, "name", port_id),
            Ask(LogicalRouterPort, "name", port_id),
            Ask(SBGlobal),
            Ask(PortBinding, "logical_port", port_id),
        ]
    )
    ports = inquiry.ask([Ask(LogicalSwitchPort, "name", port_id)])
    parents = [port.parent_name for port in ports if port.parent_name]
    inquiry.fetch(
        (Ask(LogicalSwitchPort, "name", parent) for parent in parents),
        (Ask(PortBinding, "logical_port", parent) for parent in parents),
    )
    # Rare: a router's port of the same name, and then northd takes one of the two only.
    rivals = inquiry.ask([Ask(LogicalRouterPort, "name", port_id)])
    inquiry.fetch(Ask(LogicalRouter, "ports", leg.uuid) for leg in rivals)
    switches = _switches(inquiry, port_id, ports)
    members = _members(inquiry, switches)
    gateways = _routers(inquiry, members)
    _security_groups(inquiry, port_id, ports)
    _dhcp(inquiry, port_id, ports, members)
    chassis = _bindings(inquiry, port_id, ports, members, gateways)
    _hosts(inquiry, port_id, ports, chassis)
    owned = inquiry.source.owner.port(port_id)
    _read_logs(inquiry, [owned.server_id] if owned and owned.server_id else [], [port_id])


def follow_server(inquiry: Inquiry, server_id: str) -> None:
    """Ask for what a server without a port depends on: the chassis, and the host it was tried on.

    Chassis are few, and which of them is the host under another name only all of them tell.
    """
    openstack = inquiry.source.openstack
    servers = [row for row in openstack.servers or () if row.id == server_id]
    named = [port_id for server in servers for port_id in server.ports_named]
    inquiry.fetch(
        [Ask(NBGlobal), Ask(SBGlobal), Ask(Chassis), Ask(ChassisPrivate), Ask(Encap)],
        (Ask(LogicalSwitchPort, "name", port_id) for port_id in named),
        (Ask(PortBinding, "logical_port", port_id) for port_id in named),
    )
    tried = {server.host for server in servers} | {
        event.host
        for action in openstack.actions or ()
        if action.server_id == server_id
        for event in action.events
        if event.event.startswith("compute_")
    }
    # Why they are down is known to them alone; where many are, a few will do.
    down = [
        row for row in openstack.services or () if row.binary == COMPUTE and row.state == "down"
    ]
    tried |= {row.host for row in down[:SOME]}
    known = inquiry.ask([Ask(Chassis)])
    otherwise = _spelled_otherwise(known, tried)
    _promised_to(inquiry, otherwise)
    hosts = [*(row.hostname for row in known if row.hostname in tried), *otherwise]
    inquiry.look([*inquiry.source.central_hosts(), *hosts])
    _read_logs(inquiry, [server_id], named)


HOUR = 3600.0
RECENTLY = 24 * HOUR
"""Seconds that logs are read back where nothing tells when it was that something went wrong."""
HINDSIGHT = 7 * 24 * HOUR
"""Seconds that logs are read back: of a server that is a year old, its last week matters."""


def _read_logs(inquiry: Inquiry, server_ids: Iterable[str], port_ids: Iterable[str]) -> None:
    """What logs say of these, from shortly before it was asked for to shortly after it ended.

    Where nothing tells when that was, it is the last day before the facts were taken.
    """
    openstack = inquiry.source.openstack
    ids, ports = set(server_ids), set(port_ids)
    servers = [row for row in openstack.servers or () if row.id in ids]
    rows = [row for row in openstack.ports or () if row.id in ports or row.device_id in ids]
    actions = [row for row in openstack.actions or () if row.server_id in ids]
    names = {*ids, *ports, *(port for server in servers for port in server.ports_named)}
    names |= {row.id for row in rows} | {row.mac_address for row in rows}
    names |= {fixed.ip_address for row in rows for fixed in row.fixed_ips}
    names |= {row.request_id for row in actions} | {row.domain for row in servers}
    taken = parse(inquiry.source.taken) if inquiry.source.taken else None
    begun = [parse(text) for row in servers for text in (row.created,)]
    begun += [parse(row.start) for row in actions]
    ended = [parse(text) for row in servers for text in (row.updated,)]
    ended += [parse(row.updated) for row in actions] + [taken]
    starts, ends = [each for each in begun if each], [each for each in ended if each]
    end = max(ends, default=inf)
    start = min(starts, default=end - RECENTLY if ends else -inf)
    start = max(start, end - HINDSIGHT) if ends else start
    inquiry.read_logs(Window(start - HOUR / 60, end + HOUR / 60), sorted(filter(None, names)))


def _spelled_otherwise(chassis: Iterable[Chassis], names: Collection[str]) -> list[str]:
    """Hostnames of chassis that may be these hosts, under another spelling."""
    short = {name.partition(".")[0].lower() for name in names if name}
    return [
        row.hostname
        for row in chassis
        if row.hostname not in names
        and not short.isdisjoint({row.hostname.partition(".")[0].lower(), row.name.lower()})
    ]


def _promised_to(inquiry: Inquiry, hostnames: Iterable[str]) -> None:
    """Ask which ports would lose their claim if a chassis of this hostname took another."""
    inquiry.fetch(
        Ask(LogicalSwitchPort, "options", f"requested-chassis={name}") for name in hostnames
    )


def _switches(
    inquiry: Inquiry, port_id: str, ports: list[LogicalSwitchPort]
) -> list[LogicalSwitch]:
    owned = inquiry.source.owner.port(port_id)
    asks = [Ask(LogicalSwitch, "ports", port.uuid) for port in ports]
    if not asks and owned:
        asks = [Ask(LogicalSwitch, "name", owned.switch)]
    return inquiry.ask(asks)


def _members(inquiry: Inquiry, switches: Iterable[LogicalSwitch]) -> list[LogicalSwitchPort]:
    """The ports of these switches; of a large switch only those that are not VMs."""
    asks: list[Ask[LogicalSwitchPort]] = []
    wanted: set[str] = set()
    for switch in switches:
        wanted.update(switch.ports)
        if len(switch.ports) <= MANY:
            asks += [Ask(LogicalSwitchPort, "uuid", port) for port in switch.ports]
        else:
            asks += [Ask(LogicalSwitchPort, "type", kind) for kind in _FIXTURES]
    return [port for port in inquiry.ask(asks) if port.uuid in wanted]


def _routers(inquiry: Inquiry, members: Iterable[LogicalSwitchPort]) -> list[LogicalRouterPort]:
    """Routers of the network, their floating IPs, and the provider side of their gateways."""
    sides = [port for port in members if port.type == "router"]
    legs = inquiry.ask(
        Ask(LogicalRouterPort, "name", name)
        for port in sides
        for name in (port.options.get("router-port", ""), leg_name(port))
    )
    found = {leg.name for leg in legs}
    routers = inquiry.ask(
        [
            *(Ask(LogicalRouter, "ports", leg.uuid) for leg in legs),
            # Its leg is lost; the router itself may be there.
            *(
                Ask(LogicalRouter, "name", router_name(port))
                for port in sides
                if leg_name(port) not in found and router_name(port)
            ),
        ]
    )
    fips = [owned.ip for owned in inquiry.source.owner.floating_ips]
    fips += [port.external_ids.get("neutron:port_fip", "") for port in members]
    nats = [Ask(NAT, "external_ip", address) for fip in fips for address in fip.split()]
    own = [Ask(LogicalRouterPort, "uuid", leg) for router in routers for leg in router.ports]
    inquiry.fetch(
        own,
        # A network's port of the same name makes northd leave the router's out.
        (Ask(LogicalSwitchPort, "name", leg.name) for leg in legs),
        (Ask(PortBinding, "logical_port", leg.name) for leg in legs),
        (Ask(StaticRoute, "uuid", route) for router in routers for route in router.static_routes),
        (Ask(NAT, "uuid", nat) for router in routers for nat in router.nat[:MANY]),
        nats,
    )
    neighbours(inquiry, inquiry.ask(nats))
    # A floating IP may be in a router that its port's network has nothing to do with.
    inquiry.fetch(Ask(LogicalRouter, "nat", row.uuid) for row in inquiry.ask(nats))
    gateways = [leg for leg in inquiry.ask(own) if is_gateway(leg)]
    groups = [Ask(HAChassisGroup, "uuid", leg.ha_chassis_group or "") for leg in gateways]
    inquiry.fetch(
        (Ask(MACBinding, "logical_port", leg.name) for leg in gateways[:FEW]),
        (Ask(GatewayChassis, "uuid", row) for leg in gateways for row in leg.gateway_chassis),
        groups,
    )
    inquiry.fetch(
        Ask(HAChassis, "uuid", row) for group in inquiry.ask(groups) for row in group.ha_chassis
    )
    peers = inquiry.ask(
        ask
        for leg in gateways
        for ask in (
            Ask(LogicalSwitchPort, "options", f"router-port={leg.name}"),
            # By its own name too: it may name another peer.
            Ask(LogicalSwitchPort, "name", leg.name.removeprefix("lrp-")),
        )
    )
    own_names = {leg.name for leg in gateways}
    named = {peer.options.get("router-port", "") for peer in peers} - own_names
    inquiry.fetch(Ask(LogicalRouterPort, "name", name) for name in sorted(named))
    _members(inquiry, inquiry.ask(Ask(LogicalSwitch, "ports", peer.uuid) for peer in peers))
    return gateways


def leg_name(port: LogicalSwitchPort) -> str:
    """How Neutron names the router's side of this port of a network."""
    return f"lrp-{port.name}"


def neighbours(inquiry: Inquiry, floating_ips: Iterable[NAT]) -> None:
    """Whether routers learned that somebody else has one of these addresses.

    Each takes the server a walk over MAC_Binding, so of very many none is asked for.
    """
    wanted = {row.external_ip for row in floating_ips if row.type == "dnat_and_snat"}
    if len(wanted) <= FEW:
        inquiry.fetch(Ask(MACBinding, "ip", address) for address in sorted(wanted))


def router_name(port: LogicalSwitchPort) -> str:
    """How Neutron names the router that this port of a network leads to; empty: it does not say."""
    device = port.external_ids.get("neutron:device_id", "")
    return f"neutron-{device}" if device else ""


def is_gateway(leg: LogicalRouterPort) -> bool:
    """The leg towards the provider network: it has, or should have, a gateway chassis."""
    return bool(
        leg.gateway_chassis
        or leg.ha_chassis_group
        or leg.external_ids.get("neutron:is_ext_gw", "").lower() == "true"
    )


def _security_groups(inquiry: Inquiry, port_id: str, ports: list[LogicalSwitchPort]) -> None:
    owned = inquiry.source.owner.port(port_id)
    names = {DROP_GROUP, *(owned.port_groups if owned else ())}
    for port in ports:
        ids = port.external_ids.get("neutron:security_group_ids", "").split()
        names.update("pg_" + group.replace("-", "_") for group in ids)
    holding = [Ask(PortGroup, "ports", port.uuid, without="ports") for port in ports]
    groups = inquiry.ask(
        [
            *holding,
            *(Ask(PortGroup, "name", name, without="ports") for name in sorted(names)),
        ]
    )
    rules = inquiry.ask(Ask(ACL, "uuid", acl) for group in groups for acl in group.acls)
    own = {group.name for group in inquiry.ask(holding)}
    remote = {rule.source_set.rpartition("_ip")[0] for rule in rules} - own
    # Its ports tell whether anybody is in it; of a group that holds the port one is known.
    inquiry.fetch(Ask(PortGroup, "name", name) for name in sorted(remote))


def _dhcp(
    inquiry: Inquiry,
    port_id: str,
    ports: list[LogicalSwitchPort],
    members: list[LogicalSwitchPort],
) -> None:
    owned = inquiry.source.owner.port(port_id)
    cidrs = list(owned.cidrs) if owned else []
    for port in ports:
        cidrs += port.external_ids.get("neutron:cidrs", "").split()
    networks = {network for network in map(network_of, cidrs) if network}
    inquiry.fetch(
        (Ask(DHCPOptions, "uuid", port.dhcpv4_options or "") for port in [*ports, *members]),
        (Ask(DHCPOptions, "uuid", port.dhcpv6_options or "") for port in [*ports, *members]),
        (Ask(DHCPOptions, "cidr", network) for network in sorted(networks)),
    )


def network_of(cidr: str) -> str:
    """``10.0.0.5/24`` → ``10.0.0.0/24``; empty when it is no address with a prefix."""
    try:
        return str(ipaddress.ip_interface(cidr).network)
    except ValueError:
        return ""


def _bindings(
    inquiry: Inquiry,
    port_id: str,
    ports: list[LogicalSwitchPort],
    members: list[LogicalSwitchPort],
    gateways: list[LogicalRouterPort],
) -> list[Chassis]:
    owned = inquiry.source.owner.port(port_id)
    wanted = {port.options.get("requested-chassis", "").partition(",")[0] for port in ports}
    if owned:
        wanted.add(owned.host)
    bindings = inquiry.ask(
        [
            Ask(PortBinding, "logical_port", port_id),
            *(Ask(PortBinding, "logical_port", f"cr-{leg.name}") for leg in gateways),
            *(Ask(PortBinding, "logical_port", p.name) for p in members if p.type == "router"),
        ]
    )
    names = sorted({*_candidates(inquiry, gateways), *wanted})
    chassis = inquiry.ask(
        [
            *(Ask(Chassis, "uuid", row.chassis or "") for row in bindings),
            *(Ask(Chassis, "uuid", row.requested_chassis or "") for row in bindings),
            *(Ask(Chassis, "hostname", name) for name in sorted(wanted)),
            *(Ask(Chassis, "name", name) for name in names),
        ]
    )
    neutrons = owned is not None and inquiry.source.owner.kind == "neutron"
    if neutrons and owned and not any(row.hostname == owned.host for row in chassis):
        # It may be there under another spelling of its name, and chassis are few.
        _promised_to(inquiry, _spelled_otherwise(inquiry.ask([Ask(Chassis)]), {owned.host}))
    # A second chassis of the same hostname is a fault of its own.
    chassis = inquiry.ask(
        [
            *(Ask(Chassis, "uuid", row.uuid) for row in chassis),
            *(Ask(Chassis, "hostname", row.hostname) for row in chassis),
        ]
    )
    kinds = {row.zones for row in chassis}
    if any(one.isdisjoint(other) for one, other in combinations(kinds, 2)):
        # Rare, and chassis are few: which zone the others are in tells whose is the odd one.
        inquiry.fetch([Ask(Chassis)])
    missing = set(_candidates(inquiry, gateways)) - {row.name for row in chassis}
    unhosted = any(not leg.gateway_chassis and not leg.ha_chassis_group for leg in gateways)
    if missing or unhosted:
        # Who else could host it; the only one that could is where the trail goes on.
        able = inquiry.ask([Ask(Chassis, "other_config", GATEWAY_OPTION)])
        known = {row.uuid for row in chassis}
        chassis += [row for row in able if len(able) == 1 and row.uuid not in known]
    ends = [Ask(Encap, "uuid", uuid) for row in chassis for uuid in row.encaps]
    inquiry.fetch(ends, (Ask(ChassisPrivate, "name", row.name) for row in chassis))
    if len({end.type for end in inquiry.ask(ends)}) > 1:
        # Of two that differ only the others tell which is the odd one.
        inquiry.fetch([Ask(Chassis), Ask(Encap)])
    return chassis


def _candidates(inquiry: Inquiry, gateways: list[LogicalRouterPort]) -> list[str]:
    """Chassis.name of every chassis that may host one of these gateways."""
    single = inquiry.ask(
        Ask(GatewayChassis, "uuid", uuid) for leg in gateways for uuid in leg.gateway_chassis
    )
    groups = inquiry.ask(
        Ask(HAChassisGroup, "uuid", leg.ha_chassis_group or "") for leg in gateways
    )
    members = inquiry.ask(
        Ask(HAChassis, "uuid", uuid) for group in groups for uuid in group.ha_chassis
    )
    return [row.chassis_name for row in single] + [row.chassis_name for row in members]


def _hosts(
    inquiry: Inquiry, port_id: str, ports: list[LogicalSwitchPort], chassis: list[Chassis]
) -> None:
    owned = inquiry.source.owner.port(port_id)
    names = [row.hostname for row in chassis]
    promised = [port.options.get("requested-chassis", "") for port in ports]
    spelled = [name for wanted in promised for name in wanted.split(",")]
    if owned:
        spelled.append(owned.host)
    hostname = {row.name: row.hostname for row in chassis}
    inquiry.look(
        [*inquiry.source.central_hosts(), *names, *(n for n in spelled if n not in hostname)]
    )
    # A chassis that is called by name was looked at by hostname; if in vain, it may go by this one.
    inquiry.look(name for name in spelled if hostname.get(name, name) not in inquiry.hosts)
    names += spelled
    own = [host.settings for host in inquiry.hosts.values() if host.settings.get("system-id")]
    # A chassis row may be missing although the host knows its own name.
    inquiry.fetch(
        (Ask(Chassis, "name", settings["system-id"]) for settings in own),
    )
    ends = inquiry.ask(Ask(Encap, "ip", settings.get("ovn-encap-ip", "")) for settings in own)
    # Who else announces a host's tunnel address: its own old row, or a host that lives.
    holders = inquiry.ask(Ask(Chassis, "name", end.chassis_name) for end in ends)
    inquiry.look(row.hostname for row in holders)
    entries = [entry for port in ports for entry in port.addresses if ":" in entry]
    macs = {entry.split()[0].lower() for entry in entries}
    macs.add(owned.mac.lower() if owned else "")
    # Of an Interface with its MAC and another id: whether that id is another port's.
    inquiry.fetch(
        Ask(LogicalSwitchPort, "name", iface_id)
        for host in inquiry.hosts.values()
        for row in host.conf[Interface]
        if row.external_ids.get("attached-mac", "").lower() in macs - {""}
        and (iface_id := row.external_ids.get("iface-id", port_id)) != port_id
    )
    # Where the port's own host does not tell, its absence there is no reason to search.
    silent = any(name in inquiry.hosts and not inquiry.hosts[name].vswitch for name in names)
    nowhere = not silent and not any(plugs(host, port_id) for host in inquiry.hosts.values())
    # Neutron names a host for every VM's port; where it does not, several may claim it.
    unnamed = "" in promised and any(_neutrons(port) for port in ports)
    if nowhere or unnamed:
        inquiry.look(inquiry.source.other_hosts())


def _neutrons(port: LogicalSwitchPort) -> bool:
    return any(key.startswith("neutron:") for key in port.external_ids)


def plugs(host: Host, port_id: str) -> bool:
    """True when one of the host's Interfaces carries this port's iface-id."""
    return bool(host.conf[Interface].find("external_ids", f"iface-id={port_id}"))
