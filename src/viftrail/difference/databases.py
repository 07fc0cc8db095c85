"""Both databases as things: rows by their lasting names, references by what they lead to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from viftrail.difference.picture import Entry, Heard, Picture, Thing, Trait, nothing, words
from viftrail.facts.facts import Facts
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
from viftrail.facts.row import Row
from viftrail.facts.southbound import (
    Chassis,
    ChassisPrivate,
    Encap,
    MACBinding,
    PortBinding,
    SBGlobal,
)
from viftrail.verdict import Stage

_NOISE = frozenset({
    "uuid", "name", "nb_cfg", "sb_cfg", "hv_cfg", "nb_cfg_timestamp", "tunnel_key", "datapath",
    "logical_port", "cidr",
})  # fmt: skip
_NOISY_KEYS = re.compile(
    r"neutron:revision_number|neutron:project_id|neutron:availability_zone_hints|e2e_timestamp|svc_monitor_mac"
    r"|mac_prefix|max_tunid|ovn-installed-ts|neutron_lsp_mac|neutron:liveness_check_at|.*nb_cfg.*|.*_at"
)
_STAGES: Mapping[str, Stage] = {
    "port_security": Stage.LOCAL,
    "ipv6_ra_configs": Stage.LOCAL,
    "nat_addresses": Stage.ROUTER,
    "transport_zones": Stage.TUNNEL,
    "up": Stage.SOUTHBOUND,
    "other_config:ovn-bridge-mappings": Stage.PROVIDER,
    "external_ids:ovn-bridge-mappings": Stage.PROVIDER,
    "options:network_name": Stage.PROVIDER,
    "options:northd_internal_version": Stage.NORTHD,
}
"""Columns, and keys of columns, that another stage depends on than their row's."""


@dataclass(frozen=True)
class World:
    """What the rows of one side refer to."""

    facts: Facts
    chassis_by_id: Mapping[str, str]
    chassis_by_name: Mapping[str, str]
    switch_of: Mapping[str, str]
    groups_of: Mapping[str, tuple[str, ...]]
    dhcp: Mapping[str, str]
    servers: Mapping[str, str]
    """Names of servers, by port."""


def draw(picture: Picture, facts: Facts, servers: Mapping[str, str]) -> None:
    """Add every row that means something."""
    world = _world(facts, servers)
    nb, sb = facts.nb, facts.sb
    known: Mapping[str, tuple[Any, str]] = {
        "port": (nb[LogicalSwitchPort], "name"),
        "network": (nb[LogicalSwitch], "name"),
        "router": (nb[LogicalRouter], "name"),
        "router port": (nb[LogicalRouterPort], "name"),
        "security group": (nb[PortGroup], "name"),
        "DHCP options": (nb[DHCPOptions], "cidr"),
        "binding": (sb[PortBinding], "logical_port"),
        "chassis": (sb[Chassis], "name"),
        "chassis' progress": (sb[ChassisPrivate], "name"),
    }
    for kind, (table, column) in known.items():
        picture.knows[kind] = partial(_absent, table, column)
    for add in (_ports, _networks, _routers, _groups, _bindings, _chassis):
        for thing, entry in add(world):
            picture.add(thing, entry)


def _absent(table: Any, column: str, thing: Thing) -> bool:
    return bool(table.knows(column, thing.name))


def _world(facts: Facts, servers: Mapping[str, str]) -> World:
    nb = facts.nb
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for group in nb[PortGroup]:
        for port in group.ports:
            groups[port].append(group.name)
    return World(
        facts=facts,
        chassis_by_id={row.uuid: row.hostname or row.name for row in facts.sb[Chassis]},
        chassis_by_name={row.name: row.hostname or row.name for row in facts.sb[Chassis]},
        switch_of={port: row.name for row in nb[LogicalSwitch] for port in row.ports},
        groups_of={port: tuple(sorted(names)) for port, names in groups.items()},
        dhcp={row.uuid: row.cidr for row in nb[DHCPOptions]},
        servers=servers,
    )


def columns(stage: Stage, row: Row) -> Iterator[Trait]:
    """Every column that means something by itself; of a map every key."""
    for name in row.__struct_fields__:
        if name in _NOISE or name in row.references:
            continue
        value = getattr(row, name)
        if isinstance(value, dict):
            for key, each in value.items():
                if not _NOISY_KEYS.fullmatch(key):
                    label = f"{name}:{key}"
                    yield Trait(_STAGES.get(label, stage), label, words(each))
        else:
            yield Trait(_STAGES.get(name, stage), name, words(value))


_Things = Iterator[tuple[Thing, Entry]]


def describe_in(stage: Stage) -> Callable[[Row], Iterator[Trait]]:
    """How the rows of a table are described, the stage being that which depends on it."""
    return _DESCRIBE[stage]


_DESCRIBE = {stage: partial(columns, stage) for stage in Stage}


def port_label(port_id: str, servers: Mapping[str, str]) -> str:
    """A port as people know it: by its server."""
    server = servers.get(port_id, "")
    return f"port {port_id[:8]} of {server}" if server else f"port {port_id}"


_PORT_STAGES = {
    "localnet": Stage.PROVIDER,
    "router": Stage.ROUTER,
    "localport": Stage.LOCAL,
}


def _ports(world: World) -> _Things:
    switch_of, groups_of, dhcp = world.switch_of.get, world.groups_of.get, world.dhcp.get
    for row in world.facts.nb[LogicalSwitchPort]:
        stage = _PORT_STAGES.get(row.type, Stage.NORTHBOUND)
        related = (
            row,
            switch_of(row.uuid),
            groups_of(row.uuid),
            dhcp(row.dhcpv4_options or ""),
            dhcp(row.dhcpv6_options or ""),
            _agrees(row, world.facts),
        )
        label = port_label(row.name, world.servers)
        yield Thing("port", row.name), Entry(label, stage, related, _port)


def _agrees(row: LogicalSwitchPort, facts: Facts) -> bool | None:
    """Whether it is of the revision that its owner has by now; None where nobody said."""
    owned = facts.owner.port(row.name)
    revision = row.external_ids.get("neutron:revision_number")
    if owned is None or owned.revision is None or revision is None:
        return None
    return revision == str(owned.revision)


def _port(
    related: tuple[LogicalSwitchPort, str, tuple[str, ...], str, str, bool | None],
) -> Iterator[Trait]:
    """A port, and what it is in; made only of one that changed, as there are very many."""
    row, switch, groups, dhcpv4, dhcpv6, agrees = related
    yield from columns(_PORT_STAGES.get(row.type, Stage.NORTHBOUND), row)
    yield Trait(Stage.NORTHBOUND, "network", words(switch))
    if agrees is not None:  # that it agrees is nothing new where nobody could say before
        revision = Heard(("its owner's",)) if agrees else "not its owner's"
        yield Trait(Stage.NORTHBOUND, "revision", revision)
    yield Trait(Stage.LOCAL, "security groups", words(groups))
    yield Trait(Stage.LOCAL, "DHCP options", words(dhcpv4))
    yield Trait(Stage.LOCAL, "DHCPv6 options", words(dhcpv6))


def _networks(world: World) -> _Things:
    for switch in world.facts.nb[LogicalSwitch]:
        label = f"network {switch.external_ids.get('neutron:network_name') or switch.name}"
        stage = Stage.NORTHBOUND
        yield Thing("network", switch.name), Entry(label, stage, switch, describe_in(stage))
    for options in world.facts.nb[DHCPOptions]:
        stage, label = Stage.LOCAL, f"DHCP options of {options.cidr}"
        yield Thing("DHCP options", options.cidr), Entry(label, stage, options, describe_in(stage))
    for row in (*world.facts.nb[NBGlobal], *world.facts.sb[SBGlobal]):
        thing, label = Thing(row.table, ""), row.table
        if isinstance(row, SBGlobal):  # its options are northd's copy of Northbound's
            version = Heard(tuple(row.options.get("northd_internal_version", "").split()))
            told = (Trait(Stage.NORTHD, "version of northd", version),)
            yield thing, Entry(label, Stage.NORTHD, None, nothing, told)
        else:
            describe = describe_in(Stage.NORTHD)
            yield thing, Entry(label, Stage.NORTHD, row, describe, _progress(world))


def _progress(world: World) -> tuple[Trait, ...]:
    nb = next(iter(world.facts.nb[NBGlobal]), None)
    sb = next(iter(world.facts.sb[SBGlobal]), None)
    if nb is None or sb is None:
        return ()
    behind = "behind" if sb.nb_cfg < nb.nb_cfg else "keeps up"
    return (Trait(Stage.NORTHD, "northd", behind),)


def _routers(world: World) -> _Things:
    nb = world.facts.nb
    legs = {row.uuid: row for row in nb[LogicalRouterPort]}
    nats = {row.uuid: row for row in nb[NAT]}
    routes = {row.uuid: f"{row.ip_prefix} via {row.nexthop}" for row in nb[StaticRoute]}
    for router in nb[LogicalRouter]:
        own = [nats[uuid] for uuid in router.nat if uuid in nats]
        floating = (row for row in own if row.type == "dnat_and_snat")
        others = (row for row in own if row.type != "dnat_and_snat")
        relations = (
            Trait(Stage.ROUTER, "ports", _named(legs[p].name for p in router.ports if p in legs)),
            Trait(
                Stage.ROUTER,
                "routes",
                _named(routes[r] for r in router.static_routes if r in routes),
            ),
            Trait(Stage.FLOATING_IP, "source NAT", _named(map(_translation, others))),
            Trait(Stage.FLOATING_IP, "floating IPs", _named(map(_translation, floating))),
        )
        label = f"router {router.external_ids.get('neutron:router_name') or router.name}"
        yield (
            Thing("router", router.name),
            Entry(label, Stage.ROUTER, router, describe_in(Stage.ROUTER), relations),
        )
    for leg in legs.values():
        context = (Trait(Stage.ROUTER, "gateway chassis", _gateways(world, leg)),)
        yield (
            Thing("router port", leg.name),
            Entry(f"router port {leg.name}", Stage.ROUTER, leg, describe_in(Stage.ROUTER), context),
        )


def _named(names: Iterable[str | None]) -> object:
    return words(tuple(filter(None, names)))


def _translation(row: NAT) -> str:
    mac = f" as {row.external_mac}" if row.external_mac else ""
    port = f" on port {row.logical_port}" if row.logical_port else ""
    return f"{row.external_ip} for {row.logical_ip}{port}{mac}"


def _gateways(world: World, leg: LogicalRouterPort) -> object:
    nb = world.facts.nb
    single = [nb[GatewayChassis].one("uuid", uuid) for uuid in leg.gateway_chassis]
    group = nb[HAChassisGroup].one("uuid", leg.ha_chassis_group or "")
    members = [nb[HAChassis].one("uuid", uuid) for uuid in (group.ha_chassis if group else ())]
    return words(
        tuple(
            f"{world.chassis_by_name.get(row.chassis_name, row.chassis_name)} ({row.priority})"
            for row in (*single, *members)
            if row
        )
    )


def _groups(world: World) -> _Things:
    rules = {row.uuid: _rule(row) for row in world.facts.nb[ACL]}
    for group in world.facts.nb[PortGroup]:
        context = (
            Trait(Stage.LOCAL, "rules", words(tuple(rules[a] for a in group.acls if a in rules))),
            Trait(Stage.LOCAL, "members", "some" if group.ports else "none"),
        )
        label = group.external_ids.get("neutron:security_group_name", "") or group.name
        yield (
            Thing("security group", group.name),
            Entry(f"security group {label}", Stage.LOCAL, group, nothing, context),
        )


def _rule(row: ACL) -> str:
    return f"{row.direction} {row.priority} {row.action}: {row.match}"


_GATEWAYS = ("chassisredirect", "patch", "l3gateway")


def _bindings(world: World) -> _Things:
    chassis = world.chassis_by_id.get
    for row in world.facts.sb[PortBinding]:
        stage = Stage.ROUTER if row.type in _GATEWAYS else Stage.SOUTHBOUND
        related = (row, chassis(row.chassis or ""), chassis(row.requested_chassis or ""))
        label = f"binding of {port_label(row.logical_port, world.servers)}"
        yield Thing("binding", row.logical_port), Entry(label, stage, related, _binding)
    for learned in world.facts.sb[MACBinding]:
        thing = Thing("learned address", f"{learned.ip} {learned.logical_port}")
        label = f"address {learned.ip} as {learned.logical_port} learned it"
        mac = (Trait(Stage.PROVIDER, "MAC", learned.mac),)
        yield thing, Entry(label, Stage.PROVIDER, None, nothing, mac)


def _binding(related: tuple[PortBinding, str, str]) -> Iterator[Trait]:
    row, bound, requested = related
    stage = Stage.ROUTER if row.type in _GATEWAYS else Stage.SOUTHBOUND
    yield from columns(stage, row)
    yield Trait(stage, "bound to", words(bound))
    yield Trait(stage, "requested chassis", words(requested))


def _chassis(world: World) -> _Things:
    sb = world.facts.sb
    ends = {row.uuid: f"{row.type} {row.ip}" for row in sb[Encap]}
    latest = max((row.nb_cfg for row in world.facts.nb[NBGlobal]), default=0)
    for row in sb[Chassis]:
        encaps = words(tuple(ends[uuid] for uuid in row.encaps if uuid in ends))
        context = (Trait(Stage.TUNNEL, "tunnel endpoints", encaps),)
        yield (
            Thing("chassis", row.name),
            Entry(
                f"chassis {row.hostname or row.name}",
                *(Stage.SOUTHBOUND, row, describe_in(Stage.SOUTHBOUND), context),
            ),
        )
    for each in sb[ChassisPrivate]:
        host = world.chassis_by_name.get(each.name, each.name)
        follows = "behind" if each.nb_cfg < latest else "keeps up"
        progress = (
            Trait(Stage.CONTROLLER, "ovn-controller", follows),
            Trait(Stage.SOUTHBOUND, "its chassis row", "there" if each.chassis else "none"),
        )
        yield (
            Thing("chassis' progress", each.name),
            Entry(f"progress of chassis {host}", Stage.CONTROLLER, None, nothing, progress),
        )
