"""Questions as OVSDB conditions (RFC 7047 section 5.1)."""

from __future__ import annotations

import pytest

from viftrail.facts.live import condition, this_host
from viftrail.facts.northbound import (
    DHCPOptions,
    LogicalRouter,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
)
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.southbound import Chassis, PortBinding

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
