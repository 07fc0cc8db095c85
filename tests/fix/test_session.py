"""The loop, over recordings that heal, and steps that are real processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.recordings import HEALTHY, VICTIM, source_of
from viftrail.errors import CannotWrite
from viftrail.fix.plan import plan_of
from viftrail.fix.proof import Proof
from viftrail.fix.session import Ending, Session
from viftrail.verdict import Risk, Verdict
from viftrail.why import why


class Pretend:
    """A carrier that runs ``program`` instead."""

    def __init__(self, *program: str) -> None:
        self.program = list(program)
        self.ran: list[str] = []

    def command(self, program: Sequence[str]) -> list[str]:
        self.ran.append(program[-1])
        return self.program


class Lines:
    def __init__(self, full_after: int = 1 << 20) -> None:
        self.events: list[str] = []
        self.full_after = full_after

    def write(self, event: str, **fields: object) -> None:
        if len(self.events) >= self.full_after:
            raise CannotWrite("full")
        assert fields["target"] == VICTIM
        self.events.append(event)


def verdict(name: str) -> Verdict:
    return why(source_of(name), VICTIM)


def session(
    fault: str,
    carrier: Any,
    *looks: str,
    ok: bool = True,
    log: Lines | None = None,
    allow: frozenset[Risk] = frozenset(),
    look: Callable[[], Verdict] | None = None,
) -> Session:
    left = [verdict(name) for name in looks or (HEALTHY,)]
    return Session(
        verdict(fault),
        look=look or (lambda: left.pop(0) if len(left) > 1 else left[0]),
        plan=lambda seen: plan_of(seen, unreachable={}, allow=allow),
        ways=lambda _: carrier,
        prove=lambda _: Proof(ok=ok, summary="pretended"),
        log=log or Lines(),
        wait=lambda _: time.sleep(0.02),
        patience=0.2,
    )


def test_it_stops_when_healthy() -> None:
    carrier, log = Pretend("true"), Lines()
    mend = session("vif-tap-down", carrier, log=log)
    assert mend.apply() is Ending.MENDED
    assert log.events == ["start", "step", "ran", "verify", "look", "proof", "end"]
    report = mend.report(Ending.MENDED)
    assert [done.after for done in report.done] == ["healthy"]
    assert carrier.ran == [report.plan.steps[0].step.command, report.plan.steps[0].step.verify]


def test_what_settles_is_waited_for() -> None:
    mend = session("vif-tap-down", Pretend("true"), "vif-tap-down", "vif-tap-down", HEALTHY)
    assert mend.apply() is Ending.MENDED
    assert len(mend.done) == 1


def test_a_step_that_does_not_help_is_run_once() -> None:
    mend = session("vif-tap-down", Pretend("true"), "vif-tap-down")
    assert mend.apply() is Ending.UNCHANGED
    assert len(mend.done) == 1


def test_a_cause_that_was_not_shown_is_left_alone() -> None:
    mend = session("vif-tap-down", Pretend("true"), "northd-paused")
    assert mend.apply() is Ending.UNCHANGED
    assert len(mend.done) == 1


def test_a_remedy_that_was_begun_is_run_to_its_end() -> None:
    first = "router-interface-missing"
    mend = session(first, Pretend("true"), "router-peer-mismatch", HEALTHY)
    assert len(mend.plan.steps) == 2
    assert mend.apply() is Ending.MENDED
    assert [done.planned.cause for done in mend.done] == [first, first]


def test_a_failing_step_is_the_last() -> None:
    mend = session("tunnel-not-made", Pretend("false"), allow=frozenset(Risk))
    assert mend.apply() is Ending.FAILED
    assert [done.ran.exit for done in mend.done] == [1]


def test_packets_that_fail_are_no_mend() -> None:
    assert session("vif-tap-down", Pretend("true"), ok=False).apply() is Ending.UNPROVEN


def test_a_risk_that_was_not_allowed_is_not_run() -> None:
    carrier = Pretend("true")
    mend = session("vif-netdev-missing", carrier)
    assert mend.apply() is Ending.REFUSED
    assert carrier.ran == []
    assert mend.report(Ending.REFUSED).next == mend.plan.steps[0]


def test_healthy_needs_nothing() -> None:
    assert session(HEALTHY, Pretend("false")).apply() is Ending.HEALTHY


@pytest.mark.parametrize("full_after", [0, 1])
def test_nothing_is_run_that_cannot_be_noted(full_after: int) -> None:
    carrier = Pretend("true")
    with pytest.raises(CannotWrite):
        session("vif-tap-down", carrier, log=Lines(full_after)).apply()
    assert carrier.ran == []


def test_interrupted_in_a_step_it_may_have_had_effect() -> None:
    class Interrupts(Pretend):
        def command(self, program: Sequence[str]) -> list[str]:
            self.ran.append(program[-1])
            raise KeyboardInterrupt

    mend = session("vif-tap-down", Interrupts())
    with pytest.raises(KeyboardInterrupt):
        mend.apply()
    (done,) = mend.report(Ending.INTERRUPTED).done
    assert "may have taken effect" in done.ran.output
    assert done.planned.step.undo


def test_interrupted_in_a_look_the_step_is_told() -> None:
    def look() -> Verdict:
        raise KeyboardInterrupt

    mend = session("vif-tap-down", Pretend("true"), look=look)
    with pytest.raises(KeyboardInterrupt):
        mend.apply()
    (done,) = mend.report(Ending.INTERRUPTED).done
    assert done.ran.ok
