"""The router, and who hosts its gateway."""

from __future__ import annotations

import msgspec

from tests.chain.test_cloud import grouped
from tests.cloud import accused, add, ask, edit, healthy, stage
from viftrail.facts.northbound import (
    HAChassis,
    HAChassisGroup,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitchPort,
)
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import State


def test_a_disabled_router_breaks_what_is_behind_it() -> None:
    facts = edit(healthy(), LogicalRouter, lambda r: msgspec.structs.replace(r, enabled=False))
    assert ask(facts).verdict.stage == "S11"


def test_a_gateway_that_nobody_claimed_is_broken() -> None:
    facts = edit(
        healthy(),
        PortBinding,
        lambda row: (
            msgspec.structs.replace(row, chassis=None) if row.type == "chassisredirect" else row
        ),
    )
    verdict = ask(facts)
    assert verdict.verdict.stage == "S11"
    assert "no chassis hosts the gateway" in verdict.verdict.summary


def test_a_gateway_in_a_group_is_as_healthy() -> None:
    (gateway,) = grouped(()).gateways
    assert gateway.chassis is not None
    member = HAChassis(uuid="m", chassis_name=gateway.chassis.name, priority=1)
    cloud = grouped((HAChassisGroup(uuid="g", ha_chassis=("m",)),))
    assert ask(add(cloud.facts, member)).verdict.state is State.HEALTHY


def test_an_empty_group_is_as_bad_as_no_gateway_chassis() -> None:
    assert accused(ask(grouped((HAChassisGroup(uuid="g"),)).facts)) == {"router-no-gateway-chassis"}


def test_a_network_without_a_router_has_no_way_out_and_that_is_right() -> None:
    facts = edit(healthy(), LogicalSwitchPort, lambda row: None if row.type == "router" else row)
    facts = edit(facts, LogicalRouterPort, lambda _: None)
    verdict = ask(facts, "vm3")
    assert (stage(verdict, "S11"), stage(verdict, "S12")) == ("n/a", "n/a")
    assert verdict.verdict.state is State.HEALTHY
