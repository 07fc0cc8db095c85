"""chassis-stale-same-hostname, chassis-private-ghost, controller-flow-lag."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, healthy, without
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.southbound import Chassis, ChassisPrivate, SBGlobal
from viftrail.faults.chassis import LAG
from viftrail.verdict import Certainty, State

STALE = Chassis(uuid="stale", name="old-system-id", hostname="compute1")


def test_the_row_that_is_not_the_system_id_is_the_stale_one() -> None:
    (cause,) = audit(add(healthy(), STALE)).causes
    assert (cause.id, cause.subject) == ("chassis-stale-same-hostname", "host compute1")
    assert cause.state is State.DEGRADED
    (step,) = cause.remedy.steps
    assert "chassis-del old-system-id " in step.command


def test_without_the_host_its_counter_tells() -> None:
    (cause,) = audit(without(add(healthy(), STALE), "compute1")).causes
    assert "chassis-del old-system-id " in cause.remedy.steps[0].command
    equal = add(healthy(), STALE, ChassisPrivate(uuid="p", name=STALE.name, chassis=STALE.uuid))
    (cause,) = audit(without(equal, "compute1")).causes
    assert cause.remedy.steps == (), "which one is stale is not known"
    assert "system-id" in cause.remedy.note


@pytest.mark.parametrize(("lag", "steps"), [(LAG - 1, 0), (LAG, 1)])
def test_a_twin_that_is_one_step_behind_may_be_the_living_one(lag: int, steps: int) -> None:
    facts = behind(lag)
    late = facts.sb[Chassis].one("hostname", "compute1")
    assert late is not None
    private = ChassisPrivate(uuid="p", name=STALE.name, chassis=STALE.uuid, nb_cfg=lag)
    causes = audit(without(add(facts, STALE, private), "compute1")).causes
    (cause,) = (cause for cause in causes if cause.id == "chassis-stale-same-hostname")
    assert len(cause.remedy.steps) == steps
    assert all(f"chassis-del {late.name} " in step.command for step in cause.remedy.steps)
    assert ("system-id" in cause.remedy.note) is not bool(steps)


def test_two_rows_without_a_hostname_are_not_one_host() -> None:
    nameless = [Chassis(uuid=name, name=name) for name in ("a", "b")]
    assert "chassis-stale-same-hostname" not in {
        c.id for c in audit(add(healthy(), *nameless)).causes
    }


def test_a_private_row_without_its_chassis() -> None:
    (cause,) = audit(add(healthy(), ChassisPrivate(uuid="ghost", name="gone"))).causes
    assert (cause.id, cause.subject) == ("chassis-private-ghost", "host gone")
    assert cause.state is State.DEGRADED


def behind(steps: int) -> Facts:
    """Only compute1 has not followed."""
    newer = edit(healthy(), SBGlobal, lambda row: msgspec.structs.replace(row, nb_cfg=steps))
    late = healthy().sb[Chassis].one("hostname", "compute1")
    assert late is not None
    return edit(
        newer,
        ChassisPrivate,
        lambda row: row if row.name == late.name else msgspec.structs.replace(row, nb_cfg=steps),
    )


def test_two_steps_behind_is_late() -> None:
    (cause,) = audit(behind(LAG)).causes
    assert (cause.id, cause.subject) == ("controller-flow-lag", "host compute1")
    assert cause.confidence is Certainty.LIKELY
    assert cause.state is State.DEGRADED, "its ports were claimed before"


@pytest.mark.parametrize("steps", [0, LAG - 1])
def test_one_step_behind_is_not(steps: int) -> None:
    assert audit(behind(steps)).causes == ()


def test_a_paused_one_is_proven_and_resumed() -> None:
    (cause,) = ask(facts_of("controller-flow-lag")).causes
    assert cause.confidence is Certainty.PROVEN
    assert cause.remedy.steps[0].command.endswith("debug/resume")


@pytest.mark.parametrize("row_type", [NBGlobal, SBGlobal])
def test_where_nobody_writes_nb_cfg_nobody_is_behind(row_type: type[NBGlobal | SBGlobal]) -> None:
    off = {"enable_chassis_nb_cfg_update": "false"}
    facts = edit(behind(7), row_type, lambda row: msgspec.structs.replace(row, options=off))
    assert audit(facts).causes == ()
    assert accused(ask(without(facts, "compute1"))) == set()
    older = ChassisPrivate(uuid="p", name=STALE.name, chassis=STALE.uuid)
    (cause,) = audit(without(add(facts, STALE, older), "compute1")).causes
    assert cause.remedy.steps == (), "the lower counter is not the older one"
