"""router-gateway-chassis-gone."""

from __future__ import annotations

import msgspec

from tests.cloud import add, ask, edit, grouped, healthy, neutron_only, vm, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import (
    GatewayChassis,
    LogicalRouter,
    LogicalRouterPort,
)
from viftrail.facts.southbound import Chassis
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


def test_who_takes_its_place_has_its_priority_and_the_undo_knows_it() -> None:
    facts = edit(
        scheduled_to_nobody(),
        GatewayChassis,
        lambda row: msgspec.structs.replace(row, priority=7),
    )
    (fresh,) = [row.name for row in facts.sb[Chassis] if row.hostname == "network1"]
    (step,) = ask(facts).remedy.steps
    assert f"{fresh} 7 -- " in step.command
    assert step.undo.startswith("ovn-nbctl lrp-del-gateway-chassis ")
    assert f" {fresh} -- lrp-set-gateway-chassis " in step.undo
    assert step.undo.endswith(f" {GONE} 7")


def test_a_group_of_neutron_29_is_changed_as_a_group() -> None:
    (step,) = ask(grouped(scheduled_to_nobody(), priority=4)).remedy.steps
    assert step.command.startswith("ovn-nbctl ha-chassis-group-add-chassis router1 ")
    assert step.command.endswith(f"ha-chassis-group-remove-chassis router1 {GONE}")
    assert step.undo.endswith(f"ha-chassis-group-add-chassis router1 {GONE} 4")


def test_no_agent_is_deleted_that_neutron_does_not_list_any_more() -> None:
    (cause,) = ask(neutron_only(scheduled_to_nobody()), vm(healthy())).causes
    (step,) = cause.remedy.steps
    assert "openstack" not in step.command
    assert "by itself" in cause.remedy.note
