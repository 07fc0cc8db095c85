"""A mend in text and JSON."""

from __future__ import annotations

import json

import pytest
from click import unstyle

from tests.recordings import HEALTHY, VICTIM, source_of
from viftrail.fix.plan import plan_of
from viftrail.fix.runner import Ran
from viftrail.fix.session import Done, Ending, Fix
from viftrail.report.fix import render, render_json
from viftrail.why import UNSENT, qualified, why


def made(ending: Ending, *, done: bool = False) -> Fix:
    before = why(source_of("vif-tap-down"), VICTIM)
    plan = plan_of(before, unreachable={})
    step = plan.steps[0].step
    ran = Ran(command=step.command, where=step.where, exit=0)
    return Fix(
        ending=ending,
        applied=done,
        before=before,
        plan=plan,
        done=(Done(planned=plan.steps[0], ran=ran, after="healthy"),) if done else (),
        after=why(source_of(HEALTHY), VICTIM) if done else None,
    )


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_has_its_words(ending: Ending) -> None:
    assert render(made(ending)).strip()


def test_a_plan_says_what_it_does() -> None:
    text = unstyle(render(made(Ending.PLANNED)))
    for word in ("on compute1 (safe)", "blinks:", "tenant:", "undo:", "Nothing was changed"):
        assert word in text


def test_interrupted_it_says_what_was_done_and_how_to_undo_it() -> None:
    text = unstyle(render(made(Ending.INTERRUPTED, done=True)))
    assert "To undo what was done" in text
    assert text.count("ip link set tap") == 4


def test_mended_it_shows_before_and_after() -> None:
    text = unstyle(render(made(Ending.MENDED, done=True)))
    assert text.index("Before") < text.index("Plan") < text.index("Done") < text.index("After")
    assert "To undo" not in text


def test_json_has_the_same() -> None:
    told = json.loads(render_json(made(Ending.MENDED, done=True)))
    assert (told["format"], told["ending"]) == (1, "mended")
    assert told["plan"]["steps"][0]["handling"] == "run"


def test_healthy_without_packets_says_how_far_that_goes() -> None:
    before = qualified(why(source_of(HEALTHY), VICTIM), UNSENT)
    fix = Fix(
        ending=Ending.HEALTHY, applied=False, before=before, plan=plan_of(before, unreachable={})
    )
    text = " ".join(unstyle(render(fix)).split())
    assert text.endswith(f"there is nothing to mend. {UNSENT}")
