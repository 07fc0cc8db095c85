"""Real processes: one that ends well, fails, hangs, is missing, floods."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence

from viftrail.facts.ways.carrier import Local
from viftrail.fix.runner import run


class Nowhere:
    def command(self, program: Sequence[str]) -> list[str]:
        return ["/no/such/ssh", *program]


def test_what_it_says_is_kept() -> None:
    ran = run("echo out; echo err >&2", "here", Local())
    assert (ran.exit, ran.ok, ran.output, ran.where) == (0, True, "out\nerr", "here")


def test_a_failing_command_is_an_answer() -> None:
    ran = run("echo no >&2; exit 3", "here", Local())
    assert (ran.exit, ran.ok, ran.output) == (3, False, "no")


def test_a_missing_command_is_an_answer() -> None:
    assert run("viftrail-no-such-program", "here", Local()).exit == 127


def test_a_missing_carrier_is_an_answer() -> None:
    ran = run("true", "there", Nowhere())
    assert (ran.exit, ran.ok) == (None, False)
    assert "/no/such/ssh cannot be run here" in ran.output


def test_what_hangs_is_cut_off_and_may_have_had_effect() -> None:
    began = time.monotonic()
    ran = run("echo begun; exec sleep 30", "here", Local(), timeout=0.5)
    assert time.monotonic() - began < 5
    assert ran.exit is None
    assert ran.output.startswith("begun\n")
    assert "may have taken effect" in ran.output


def test_only_the_end_of_a_long_answer_is_kept() -> None:
    ran = run(f"seq 5000; echo {shlex.quote('the end')}", "here", Local())
    assert ran.output.endswith("the end")
    assert len(ran.output) <= 2000
