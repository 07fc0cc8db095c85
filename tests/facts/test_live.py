"""Questions as OVSDB conditions (RFC 7047 section 5.1)."""

from __future__ import annotations

import pytest

from tests.synthetic import PORTS, Served
from viftrail.facts import northbound, southbound
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.live import condition, this_host
from viftrail.facts.northbound import (
    DHCPOptions,
    LogicalRouter,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
    PortGroup,
)
from viftrail.facts.row import Row
from viftrail.facts.slice import DROP_GROUP
from viftrail.facts.source import Ask
from viftrail.facts.southbound import Chassis, PortBinding
from viftrail.facts.target import resolve

U = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (Ask(NBGlobal), ()),
        (Ask(LogicalSwitchPort, "name", "x"), (("name", "==", "x"),)),
        (Ask(LogicalSwitchPort, "type", ""), (("type", "==", ""),)),
        (Ask(LogicalSwitchPort, "uuid", U), (("_uuid", "==", ["uuid", U]),)),
        (Ask(LogicalSwitch, "ports", U), (("ports", "includes", ["set", [["uuid", U]]]),)),
        (Ask(LogicalRouter, "ports", U), (("ports", "includes", ["set", [["uuid", U]]]),)),
        (Ask(DHCPOptions, "cidr", "10.0.0.0/24"), (("cidr", "==", "10.0.0.0/24"),)),
        (
            Ask(LogicalSwitchPort, "external_ids", "neutron:cidrs=10.0.0.5/24"),
            (("external_ids", "includes", ["map", [["neutron:cidrs", "10.0.0.5/24"]]]),),
        ),
        (
            Ask(Chassis, "other_config", "k=a=b"),
            (("other_config", "includes", ["map", [["k", "a=b"]]]),),
        ),
        (Ask(PortBinding, "logical_port", "x"), (("logical_port", "==", "x"),)),
    ],
)
def test_a_question_as_a_condition(ask: Ask[Row], expected: object) -> None:
    assert condition(ask) == expected


def test_this_host_has_a_name() -> None:
    assert all(this_host())
    assert len(set(this_host())) == len(this_host())


def test_logical_flow_is_never_read() -> None:
    """The largest table by far, and the one whose reading hurts a server most."""
    read = {row.table for row in (*northbound.TABLES, *southbound.TABLES)}
    assert "Port_Binding" in read
    assert "Logical_Flow" not in read


def port_of(served: Served) -> LogicalSwitchPort:
    source = served.source()
    try:
        rows = source.ask([Ask(LogicalSwitchPort, "type", "")])[0]
    finally:
        source.close()
    row = next(row for row in rows if getattr(row, "port_security", ()))
    assert isinstance(row, LogicalSwitchPort)
    return row


def test_a_group_of_all_ports_is_not_fetched_with_them(served: Served) -> None:
    port, source = port_of(served), served.source()
    question = Ask(PortGroup, "ports", port.uuid, without="ports")
    inquiry = Inquiry(source)
    groups = inquiry.ask([question, Ask(PortGroup, "name", DROP_GROUP, without="ports")])
    source.close()
    assert {DROP_GROUP} < {group.name for group in groups}
    found = inquiry.facts().nb[PortGroup]
    for group in found:
        assert group.ports == (port.uuid,)
        assert group.acls
    assert found.absent("ports", port.uuid) is False


def test_a_group_that_does_not_hold_the_port_is_known_not_to(served: Served) -> None:
    port, source = port_of(served), served.source()
    inquiry = Inquiry(source)
    groups = inquiry.ask([Ask(PortGroup, without="ports")])
    held = inquiry.ask([Ask(PortGroup, "ports", port.uuid, without="ports")])
    source.close()
    assert len(groups) > len(held) > 0
    members = {group.name for group in inquiry.facts().nb[PortGroup] if group.ports}
    assert members == {group.name for group in held}


@pytest.mark.parametrize("how", ["mac", "tap", "ip"])
def test_a_port_is_found_by_what_only_a_walk_over_all_ports_shows(served: Served, how: str) -> None:
    port, source = port_of(served), served.source()
    mac, ip = port.addresses[0].split()
    text = {"mac": mac.upper(), "tap": "tap" + port.name[:11], "ip": ip}[how]
    inquiry = Inquiry(source)
    try:
        assert resolve(inquiry, text).port_id == port.name
    finally:
        source.close()
    kept = inquiry.facts().nb[LogicalSwitchPort]
    assert [row for row in kept if row.name == port.name] == [port], "whole, as a fact must be"
    assert len(kept) < PORTS // 2, "a glance leaves no facts"
