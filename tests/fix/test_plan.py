"""Plans from verdicts: pure, so every recording gives one in milliseconds."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, neutron_only
from tests.recordings import HARMFUL, HEALTHY, VICTIM, facts_of, source_of
from viftrail.faults.fault import Fault
from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED
from viftrail.fix.plan import ASKS, EFFECTS, Handling, Plan, plan_of
from viftrail.verdict import Remedy, Risk, Step, Target, Verdict
from viftrail.why import why

EVERYTHING = frozenset(Risk)


def of(fault: str, allow: frozenset[Risk] = frozenset()) -> Plan:
    return plan_of(why(source_of(fault), VICTIM), unreachable={}, allow=allow)


def made(owner: str, **changes: object) -> Plan:
    """The plan of a verdict with one step, changed."""
    verdict = why(source_of("vif-tap-down"), VICTIM)
    (cause,) = verdict.causes
    step: Step = msgspec.structs.replace(cause.remedy.steps[0], **changes)
    cause = msgspec.structs.replace(cause, remedy=Remedy(steps=(step,)))
    target: Target = msgspec.structs.replace(verdict.target, owner=owner)
    changed: Verdict = msgspec.structs.replace(verdict, causes=(cause,), target=target)
    return plan_of(changed, unreachable={})


@pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.id)
def test_every_fault_of_the_lab_has_a_plan_that_runs(fault: Fault) -> None:
    plan = of(fault.id, allow=EVERYTHING)
    if fault.id in (
        "sg-ingress-missing",
        "sg-remote-group-empty",
    ):  # what shall be let in is the tenant's to say
        assert not plan.runs
        return
    assert plan.runs
    for planned in plan.steps:
        assert planned.handling is Handling.RUN
        assert planned.blinks
        assert planned.tenant


def test_what_is_healthy_needs_no_plan() -> None:
    assert of(HEALTHY) == Plan()


def test_every_risk_says_what_it_does() -> None:
    assert set(EFFECTS) == set(Risk)


@pytest.mark.parametrize("risk", list(Risk))
def test_only_what_hurts_needs_consent(risk: Risk) -> None:
    (planned,) = made("lab", risk=risk).steps
    refused = risk in ASKS
    assert (planned.handling is Handling.REFUSED) == refused
    assert (f"--allow {risk.value}" in planned.reason) == refused


def test_consent_to_one_risk_is_none_to_the_other() -> None:
    assert not of("vif-netdev-missing", allow=frozenset({Risk.DESTROYS})).runs
    assert of("vif-netdev-missing", allow=frozenset({Risk.DISRUPTIVE})).runs


def test_what_neutron_owns_is_told() -> None:
    verdict = ask(neutron_only(facts_of("port-admin-down")))
    assert verdict.target.owner == "neutron"
    (planned,) = plan_of(verdict, unreachable={}, allow=EVERYTHING).steps
    assert planned.handling is Handling.TOLD
    assert planned.step.where == ADMIN_SHELL
    assert planned.step.command.startswith("openstack ")


@pytest.mark.parametrize(("owner", "told"), [("neutron", True), ("ovn", False), ("lab", False)])
def test_northbound_is_written_only_where_nobody_else_does(owner: str, told: bool) -> None:
    (planned,) = made(owner, command="ovn-nbctl lsp-del x").steps
    assert (planned.handling is Handling.TOLD) == told


def test_the_guest_is_the_operators_except_in_the_lab() -> None:
    assert made("ovn", where="vm1").steps[0].handling is Handling.TOLD
    assert made("lab", where="vm1").steps[0].handling is Handling.RUN


def test_what_only_looks_is_the_operators_to_judge() -> None:
    assert made("lab", undo=NOTHING_CHANGED).steps[0].handling is Handling.TOLD


def test_a_command_with_a_strange_name_is_read_by_a_human_first() -> None:
    (planned,) = made("ovn", command="ip link set x;reboot up").steps
    assert planned.handling is Handling.TOLD
    assert "by hand" in planned.reason


def test_a_host_out_of_reach_is_told_with_the_reason() -> None:
    verdict = why(source_of("vif-tap-down"), VICTIM)
    (planned,) = plan_of(verdict, unreachable={"compute1": "Add --ssh."}).steps
    assert (planned.handling, planned.reason) == (Handling.TOLD, "Add --ssh.")
