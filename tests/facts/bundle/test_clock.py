"""Clocks of hosts against ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from viftrail.facts.bundle import clock
from viftrail.facts.bundle.clock import offset_of, offsets
from viftrail.facts.facts import Gap
from viftrail.facts.ways.carrier import Carrier, Local


@dataclass(frozen=True)
class Shell:
    """A host whose answer is what a shell prints."""

    script: str

    def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
        return ["sh", "-c", self.script]


def test_our_own_clock_is_right() -> None:
    own = offset_of(Local())
    assert own is not None
    assert abs(own.ahead) <= own.within + 0.05
    assert own.within > 0


@pytest.mark.parametrize("seconds", [3600, -90])
def test_a_clock_that_is_wrong_is_seen(seconds: int) -> None:
    script = f"echo a banner; echo clock $(($(date +%s) + {seconds})).5"
    seen = offset_of(Shell(script))
    assert seen is not None
    assert seen.ahead == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("script", ["exit 3", "echo clock", "echo clock noon", "true"])
def test_who_does_not_say_is_left_out(script: str) -> None:
    assert offset_of(Shell(script)) is None


def test_a_host_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TIMEOUT", 0.2)
    assert offset_of(Shell("sleep 60")) is None


def test_a_program_that_is_not_there_is_no_clock() -> None:
    class Nowhere:
        def command(self, program: Sequence[str]) -> list[str]:
            return ["/nowhere/ssh", *program]

    assert offset_of(Nowhere()) is None


def test_all_are_asked_and_gaps_are_passed_over() -> None:
    def ways(host: str) -> Carrier | Gap:
        return Gap("host b", "It is not to be reached.", "") if host == "b" else Local()

    assert set(offsets(["a", "b", "c"], ways)) == {"a", "c"}
