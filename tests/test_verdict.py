"""The words of a verdict."""

from __future__ import annotations

import msgspec

from tests.recordings import source_of
from viftrail.verdict import Certainty, Risk, Stage, State, Verdict
from viftrail.why import why


def test_stages_are_numbered_in_order() -> None:
    assert [stage.number for stage in Stage] == list(range(14))
    assert [stage.value for stage in Stage] == [f"S{number}" for number in range(14)]
    assert Stage.FLOATING_IP.title == "floating ip"


def test_certainty_and_risk_are_ordered_best_first() -> None:
    assert [c.value for c in Certainty] == ["proven", "likely", "possible"]
    assert [r.value for r in Risk] == ["safe", "blinks", "disruptive", "destroys"]


def test_a_verdict_survives_json() -> None:
    verdict = why(source_of("northd-paused"), "vm1")
    again = msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict)
    assert again == verdict
    assert again.verdict.state is State.BROKEN


def test_a_verdict_cannot_be_changed() -> None:
    verdict = why(source_of("healthy"), "vm1")
    assert hash(verdict) == hash(why(source_of("healthy"), "vm1"))
