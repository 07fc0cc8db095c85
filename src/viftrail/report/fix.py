"""A mend for a terminal: the plan, what was done, before and after, and the proof."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from click import style

from viftrail.fix.plan import Handling, Planned
from viftrail.fix.session import Done, Ending, Fix, state_of
from viftrail.report.text import wrap
from viftrail.verdict import Verdict

_ENDINGS = {
    Ending.PLANNED: "Nothing was changed. Add --apply to run it.",
    Ending.HEALTHY: "It is healthy: there is nothing to mend.",
    Ending.MENDED: "Mended.",
    Ending.UNPROVEN: "Every link looks healthy, but packets do not pass.",
    Ending.UNCHANGED: "Every step was run, and it is not healthy. The cause may be another one, "
    "which the first one hid: run it again for its plan.",
    Ending.TOLD: "The next step is yours.",
    Ending.REFUSED: "The next step was not allowed.",
    Ending.FAILED: "A step failed; nothing was run after it.",
    Ending.INTERRUPTED: "Interrupted.",
    Ending.HELPLESS: "No step is known that would mend it.",
}
_WELL = (Ending.HEALTHY, Ending.MENDED)


def render_json(fix: Fix) -> str:
    """Indented JSON with a final newline; docs/json.md describes it."""
    return msgspec.json.format(msgspec.json.encode(fix), indent=2).decode() + "\n"


def render(fix: Fix) -> str:
    """The whole report, with ANSI colours; strip them where they are not wanted."""
    return "\n".join(_lines(fix)) + "\n"


def _lines(fix: Fix) -> Iterator[str]:
    yield _title("Before")
    yield from _state(fix.before)
    for cause in fix.before.causes[:1]:
        for item in cause.evidence:
            yield from wrap(f"{item.where}: {item.what}: {item.seen}", "  - ", "    ")
    if fix.plan.steps:
        yield ""
        yield _title("Plan")
        for number, planned in enumerate(fix.plan.steps, 1):
            yield from _planned(number, planned)
        for note in fix.plan.notes:
            yield from wrap(note, "  ", "  ")
    if fix.done:
        yield ""
        yield _title("Done")
        for number, done in enumerate(fix.done, 1):
            yield from _done(number, done)
    if fix.after:
        yield ""
        yield _title("After")
        yield from _state(fix.after)
        yield from _after(fix)
    if fix.proof:
        yield ""
        yield _title("Proof")
        yield from wrap(f"{_PROVED[fix.proof.ok]}: {fix.proof.summary}", "  ", "  ")
        for item in fix.proof.evidence:
            yield from wrap(f"{item.where}: {item.what}: {item.seen}", "  - ", "    ")
    yield ""
    yield from _end(fix)


_PROVED = {True: "proved with packets", False: "packets fail", None: "not proved"}


def _state(verdict: Verdict) -> Iterator[str]:
    text = f"{verdict.heading}: {state_of(verdict)}: {verdict.verdict.summary}"
    yield from wrap(text, "  ", "  ")


def _after(fix: Fix) -> Iterator[str]:
    """What the stage that was broken shows now."""
    stage = fix.before.verdict.stage
    for finding in fix.after.stages if fix.after else ():
        if finding.id == stage:
            yield from wrap(f"{stage} {finding.name}: {finding.summary}", "  - ", "    ")
            for item in finding.evidence:
                yield from wrap(f"{item.where}: {item.what}: {item.seen}", "  - ", "    ")


def _planned(number: int, planned: Planned) -> Iterator[str]:
    step = planned.step
    yield f"  {number}. on {step.where} ({step.risk.value}), against {planned.cause}:"
    yield style(f"     $ {step.command}", fg="cyan")
    yield from wrap(planned.blinks, "     blinks: ", "             ")
    yield from wrap(planned.tenant, "     tenant: ", "             ")
    if step.lacks:
        yield from wrap(step.lacks, "     lacks:  ", " " * 13)
    yield f"     undo:   {step.undo}"
    if planned.handling is not Handling.RUN:
        word = "not run: " if planned.handling is Handling.REFUSED else "for you: "
        yield from wrap(planned.reason, f"     {word}", "              ")


def _done(number: int, done: Done) -> Iterator[str]:
    ran = done.ran
    result = "ok" if ran.ok else "cut short" if ran.exit is None else f"exit {ran.exit}"
    yield f"  {number}. on {ran.where}: {result}"
    yield style(f"     $ {ran.command}", fg="cyan")
    yield from (f"     {line}" for line in ran.output.splitlines())
    if done.verified:
        yield style(f"     $ {done.verified.command}", fg="cyan")
        yield from (f"     {line}" for line in done.verified.output.splitlines())
    if done.after:
        yield f"     then:   {done.after}"


def _end(fix: Fix) -> Iterator[str]:
    colour = "green" if fix.ending in _WELL else "yellow"
    text = _ENDINGS[fix.ending]
    if fix.ending is Ending.PLANNED and fix.recorded:
        text = "Nothing was changed. This is a recording: run it on the live cloud."
    elif fix.ending is Ending.PLANNED and not fix.plan.runs:
        text = "Nothing was changed. --apply would stop at the first step."
    yield style(text, fg=colour, bold=True)
    if fix.ending is Ending.HEALTHY and fix.before.verdict.caveat:
        yield from wrap(fix.before.verdict.caveat, "  ", "  ")
    if fix.next:
        yield from wrap(f"on {fix.next.step.where}: {fix.next.reason}", "  ", "  ")
        yield style(f"  $ {fix.next.step.command}", fg="cyan")
    if fix.done and fix.ending not in _WELL:
        yield "To undo what was done, in this order:"
        for done in reversed(fix.done):
            yield f"  on {done.ran.where}: {done.planned.step.undo}"
    if fix.log:
        yield f"Audit trail: {fix.log}"


def _title(text: str) -> str:
    return style(text, bold=True)
