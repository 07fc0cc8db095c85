"""router-gateway-chassis-gone."""

from __future__ import annotations

import msgspec

from tests.cloud import add, edit, healthy, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import GatewayChassis, LogicalRouter, LogicalRouterPort
from viftrail.verdict import State

GONE = "reinstalled-long-ago"


def scheduled_to_nobody() -> Facts:
    return edit(
        healthy(), GatewayChassis, lambda row: msgspec.structs.replace(row, chassis_name=GONE)
    )


def with_a_dead_standby() -> Facts:
    facts = add(healthy(), GatewayChassis(uuid="second", name="x", chassis_name=GONE, priority=2))
    return edit(
        facts,
        LogicalRouterPort,
        lambda row: (
            msgspec.structs.replace(row, gateway_chassis=(*row.gateway_chassis, "second"))
            if row.gateway_chassis
            else row
        ),
    )


def test_the_only_candidate_is_no_chassis() -> None:
    (router,) = healthy().nb[LogicalRouter]
    (group,) = [
        g for g in audit(scheduled_to_nobody()).groups if g.id == "router-gateway-chassis-gone"
    ]
    assert group.subjects == (f"router {router.name}",)
    assert (group.state, group.victims) == (State.BROKEN, 3)
    (step,) = group.example.remedy.steps
    assert f"lrp-del-gateway-chassis {step.command.split()[-2]} {GONE}" in step.command
    assert "lrp-set-gateway-chassis" in step.command, "network1 is eligible"


def test_another_candidate_keeps_the_gateway_working() -> None:
    (cause,) = audit(with_a_dead_standby()).causes
    assert (cause.id, cause.state) == ("router-gateway-chassis-gone", State.DEGRADED)


def test_who_did_not_see_the_chassis_accuses_nobody() -> None:
    found = audit(without(scheduled_to_nobody(), SOUTHBOUND)).causes
    assert "router-gateway-chassis-gone" not in {cause.id for cause in found}
