"""What the ``show`` commands print: an overview for people, with a few columns of a few tables.

Sources: ovn-nbctl(8), ovn-sbctl(8) and ovs-vsctl(8), ``show``; utilities/ovn-nbctl.c and
ovn-sbctl.c (``cmd_show_tables``). Rows are named, and most have no UUID: each gets one made of its
name. A column that is not shown is not thereby empty. What one would take an empty column for a
fault of is filled with `UNTOLD`, and rows that cannot be told apart without it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from viftrail.facts.northbound import (
    NAT,
    GatewayChassis,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
)
from viftrail.facts.row import Row
from viftrail.facts.southbound import Chassis, Encap, PortBinding

UNTOLD = "not shown"
"""Stands in for a reference to another row of which nothing is known."""

Plugs = dict[str, dict[str, list[str]]]
"""Bridges, their ports, and the ports' interfaces, by name."""
Rows = dict[type[Row], list[Row]]

_NAMED = re.compile(r'(\w+) "?([^"\n]*?)"?(?: \(aka "?(.*?)"?\))?$')
_HEAD = re.compile(r"(switch|router) ([0-9a-f-]{36})(?: \((.*?)\))?(?: \(aka (.*)\))?$")
_VALUE = re.compile(r"([\w -]+): (.*)$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def switch(text: str) -> Plugs:
    """``ovs-vsctl show``."""
    found: Plugs = {}
    bridge = port = ""
    for depth, line in _lines(text):
        named = _NAMED.match(line)
        if depth == 4 and named and named[1] == "Bridge":
            bridge, port = named[2], ""
            found[bridge] = {}
        elif depth == 8 and bridge and named and named[1] == "Port":
            port = named[2]
            found[bridge][port] = []
        elif depth == 12 and port and named and named[1] == "Interface":
            found[bridge][port].append(named[2])
    return found


def north(text: str, uuids: Mapping[str, str]) -> Rows:
    """``ovn-nbctl show``; ``uuids`` are those of ports that are known by name."""
    found: Rows = {row: [] for row in (LogicalSwitch, LogicalSwitchPort, LogicalRouter)}
    found |= {row: [] for row in (LogicalRouterPort, GatewayChassis, NAT)}
    for head, parts in _blocks(text):
        told = _HEAD.match(head)
        if not told:
            continue
        uuid, name = told[2], told[3] or ""
        ports = {key: each for kind, key, each in parts if kind == "port"}
        members = tuple(uuids.get(port, f"port {port}") for port in ports)
        if told[1] == "switch":
            # Of a localnet port neither the network nor the VLAN is shown: it would lead nowhere.
            ports = {key: each for key, each in ports.items() if each.get("type") != "localnet"}
            alias = {"neutron:network_name": told[4]} if told[4] else {}
            found[LogicalSwitch].append(
                LogicalSwitch(uuid=uuid, name=name, ports=members, external_ids=alias)
            )
            found[LogicalSwitchPort] += [_port(port, each) for port, each in ports.items()]
            continue
        nats = [_nat(key, each) for kind, key, each in parts if kind == "nat"]
        found[LogicalRouter].append(
            LogicalRouter(
                uuid=uuid,
                name=name,
                ports=members,
                nat=tuple(row.uuid for row in nats),
                static_routes=(UNTOLD,),
            )
        )
        found[NAT] += nats
        for port, each in ports.items():
            found[LogicalRouterPort].append(_leg(port, each))
            found[GatewayChassis] += _gateways(port, each)
    return found


def _port(name: str, told: Mapping[str, str]) -> LogicalSwitchPort:
    peer = told.get("router-port", "")
    return LogicalSwitchPort(
        uuid=f"port {name}",
        name=name,
        type=told.get("type", ""),
        parent_name=told.get("parent"),
        addresses=_strings(told.get("addresses", "")) if "addresses" in told else (),
        options={"router-port": peer} if peer else {},
        dhcpv4_options=UNTOLD,
        dhcpv6_options=UNTOLD,
        external_ids={"neutron:port_name": told["aka"]} if "aka" in told else {},
    )


def _nat(uuid: str, told: Mapping[str, str]) -> NAT:
    kind, outer, inner = (
        _strings(told.get(key, ""))[0] for key in ("type", "external ip", "logical ip")
    )
    return NAT(uuid=uuid, type=kind, external_ip=outer, logical_ip=inner)


def _leg(name: str, told: Mapping[str, str]) -> LogicalRouterPort:
    return LogicalRouterPort(
        uuid=f"port {name}",
        name=name,
        mac=_strings(told.get("mac", ""))[0],
        networks=_strings(told.get("networks", "")),
        gateway_chassis=tuple(row.uuid for row in _gateways(name, told)),
    )


def _gateways(name: str, told: Mapping[str, str]) -> list[GatewayChassis]:
    """The chassis in the order of their priority, which is not shown itself."""
    chassis = told.get("gateway chassis", "").strip("[]").split()
    return [
        GatewayChassis(
            uuid=f"gateway {name} {each}",
            name=f"{name}_{each}",
            chassis_name=each,
            priority=len(chassis) - place,
        )
        for place, each in enumerate(chassis)
    ]


def south(text: str) -> Rows:
    """``ovn-sbctl show``: the chassis, and the ports that they claimed."""
    found: Rows = {Chassis: [], Encap: [], PortBinding: []}
    for head, parts in _blocks(text):
        named = _NAMED.match(head)
        if not named or named[1] != "Chassis":
            continue
        name = named[2]
        encaps: list[Row] = [
            Encap(
                uuid=f"encap {name} {kind} {number}",
                type=kind,
                ip=_strings(told.get("ip", ""))[0],
                chassis_name=name,
            )
            for number, (what, kind, told) in enumerate(parts)
            if what == "Encap"
        ]
        hostname = next((kind for what, kind, _ in parts if what == "hostname:"), "")
        found[Chassis].append(
            Chassis(
                uuid=f"chassis {name}",
                name=name,
                hostname=hostname,
                encaps=tuple(each.uuid for each in encaps),
            )
        )
        found[Encap] += encaps
        found[PortBinding] += [
            PortBinding(
                uuid=f"binding {port}",
                logical_port=port,
                chassis=f"chassis {name}",
                datapath=f"datapath of {port}",
            )
            for what, port, _ in parts
            if what == "Port_Binding"
        ]
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        bare = line.strip()
        if bare:
            yield len(line) - len(line.lstrip()), bare


def _blocks(text: str) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """Each line that is not indented, and its parts: kind, name, and what is told below."""
    head, parts = "", list[tuple[str, str, dict[str, str]]]()
    for depth, line in _lines(text):
        named, value = _NAMED.match(line), _VALUE.match(line)
        if depth == 0:
            if head:
                yield head, parts
            head, parts = line, []
        elif depth == 4 and value and value[1] == "hostname":
            parts.append(("hostname:", value[2].strip('"'), {}))
        elif depth == 4 and named:
            parts.append((named[1], named[2], {"aka": named[3]} if named[3] else {}))
        elif depth == 8 and parts and value:
            parts[-1][2][value[1]] = value[2]
    if head:
        yield head, parts


def _strings(text: str) -> tuple[str, ...]:
    """The strings of a value in quotes; the value itself where it has none."""
    quoted = _STRING.findall(text)
    return tuple(quoted) or (text.strip("[]"),)
