"""A verdict for a terminal: 80 columns, colour only where the terminal has it."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator

from click import style

from viftrail.verdict import Cause, Evidence, Finding, Moment, Remedy, State, Target, Verdict

WIDTH = 80
_COLOURS = {
    State.OK: "green",
    State.HEALTHY: "green",
    State.BROKEN: "red",
    State.DEGRADED: "yellow",
    State.UNKNOWN: "yellow",
    State.CONSEQUENCE: "bright_black",
    State.NOT_APPLICABLE: "bright_black",
}
_SHORT = {"infrastructure": "infra"}
"""Names of stages that the column is too narrow for."""

_NO_LIVE_STAGES = "not examined: no OpenStack credentials"


def render(verdict: Verdict) -> str:
    """The whole report, with ANSI colours; strip them where they are not wanted."""
    return "\n".join(_lines(verdict)) + "\n"


def _lines(verdict: Verdict) -> Iterator[str]:
    conclusion = verdict.verdict
    yield from _who(verdict.target)
    if verdict.other:
        yield from _who(verdict.other.target)
    yield ""
    yield from _headline(verdict)
    yield ""
    yield from _chain(verdict.stages)
    for index, cause in enumerate(verdict.causes):
        yield ""
        yield from _cause(cause, first=index == 0)
    if not verdict.causes and conclusion.state is not State.HEALTHY:
        bad = next((f for f in verdict.stages if f.id == conclusion.stage), None)
        if bad and bad.evidence:
            yield ""
            yield _title("Seen")
            yield from _evidence(bad.evidence)
    if verdict.timeline:
        yield ""
        yield _title("What happened (UTC)")
        yield from _story(verdict.timeline)
    if verdict.ruled_out:
        yield ""
        yield _title("Ruled out")
        for guess in verdict.ruled_out:
            yield from wrap(f"{guess.guess}: {guess.because}", "  - ", "    ")
            yield from _command("    ", (e.command for e in guess.evidence[:1]))
    if verdict.undecided:
        yield ""
        yield _title("Not decided")
        for open_guess in verdict.undecided:
            yield from wrap(
                f"{open_guess.guess}: {open_guess.why}; on {open_guess.where} it shows in "
                f"{open_guess.observation}",
                "  - ",
                "    ",
            )
            yield from _command("    ", [open_guess.command])
    if verdict.unknown:
        yield ""
        yield _title("Could not be looked at")
        for gap in verdict.unknown:
            yield from wrap(f"{gap.place}: {gap.why} {gap.how}", "  - ", "    ")


def _who(target: Target) -> Iterator[str]:
    yield from wrap(
        " · ".join(
            part
            for part in (
                style(target.server or target.asked, bold=True),
                f"port {target.port}" if target.port else "",
                target.mac,
                " ".join(target.addresses),
                f"floating {' '.join(target.floating_ips)}" if target.floating_ips else "",
                f"network {target.network}" if target.network else "",
                f"on {target.host}" if target.host else "",
            )
            if part
        )
    )


def _headline(verdict: Verdict) -> Iterator[str]:
    conclusion = verdict.verdict
    word = style(conclusion.state.value.upper(), fg=_COLOURS[conclusion.state], bold=True)
    if conclusion.state is State.UNKNOWN:
        word = style("COULD NOT TELL", fg="yellow", bold=True)
    stage = next((f for f in verdict.stages if f.id == conclusion.stage), None)
    place = f" at {stage.id} {stage.name}" if stage else ""
    cause = f": {conclusion.cause} ({conclusion.confidence})" if conclusion.cause else ""
    yield from wrap(f"{word}{place}{cause}")
    yield from wrap(sentence(conclusion.summary), "  ", "  ")
    for aside in verdict.asides:
        yield from wrap(aside, "  ", "  ")


def _chain(stages: tuple[Finding, ...]) -> Iterator[str]:
    for skipped, group in itertools.groupby(stages, lambda f: f.summary == _NO_LIVE_STAGES):
        findings = list(group)
        if skipped:
            number = "-".join(dict.fromkeys((findings[0].id, findings[-1].id)))
            yield from _stage_line(number, "OpenStack", State.UNKNOWN, _NO_LIVE_STAGES)
            continue
        for each in findings:
            name = _SHORT.get(each.name, each.name)
            yield from _stage_line(each.id, name, each.state, each.summary)


def _stage_line(number: str, name: str, state: State, summary: str) -> Iterator[str]:
    word = "follows" if state is State.CONSEQUENCE else state.value
    word = word.upper() if state in (State.BROKEN, State.DEGRADED) else word
    head = f"  {number:<6}{name:<12}" + style(f"{word:<9}", fg=_COLOURS[state]) + " "
    yield from wrap(summary, head, " " * 30, plain_head=30)


def _cause(cause: Cause, *, first: bool) -> Iterator[str]:
    if not first:
        yield _title("Also")
        yield from wrap(
            f"{cause.stage} {cause.id} ({cause.confidence.value}): {cause.summary}", "  ", "  "
        )
    yield _title("Proof")
    yield from _evidence(cause.evidence)
    yield ""
    yield _title("Mend")
    yield from _remedy(cause.remedy)


def _evidence(evidence: Iterable[Evidence]) -> Iterator[str]:
    for item in evidence:
        expected = f" (expected: {item.expected})" if item.expected else ""
        yield from wrap(f"{item.where}: {item.what}: {item.seen}{expected}", "  - ", "    ")
        yield from _command("    ", [item.command])


def _remedy(remedy: Remedy) -> Iterator[str]:
    for number, step in enumerate(remedy.steps, 1):
        yield f"  {number}. on {step.where} ({step.risk.value}):"
        yield from _command("     ", [step.command])
        yield f"     undo:   {step.undo}"
        yield f"     verify: {step.verify}"
        if step.lacks:
            yield from wrap(step.lacks, "     lacks:  ", " " * 13)
    if remedy.note:
        yield from wrap(remedy.note, "  ", "  ")


def _story(timeline: tuple[Moment, ...]) -> Iterator[str]:
    """A day is said once; what decides something says what it means."""
    day = ""
    for moment in timeline:
        date, _, clock = moment.time.rstrip("Z").partition("T")
        if date != day:
            yield f"  {date}"
            day = date
        head = f"  {clock} " + style(f"{moment.where}: ", fg="bright_black")
        yield from wrap(moment.what, head, " " * 15, plain_head=len(clock) + len(moment.where) + 5)
        if moment.means:
            yield from wrap(f"= {moment.means}", " " * 15, " " * 17)


def _command(indent: str, commands: Iterable[str]) -> Iterator[str]:
    """A command is never broken: it is there to be copied."""
    for command in commands:
        if command:
            yield style(f"{indent}$ {command}", fg="cyan")


def _title(text: str) -> str:
    return style(text, bold=True)


def sentence(text: str) -> str:
    """With a capital and a full stop; a name such as ovn-northd stays as it is written."""
    first = text.partition(" ")[0]
    start = text[:1].upper() if first.isalpha() else text[:1]
    return start + text[1:] + ("" if text.endswith(".") else ".")


def wrap(
    text: str, head: str = "", indent: str = "", *, plain_head: int | None = None
) -> list[str]:
    """Wrap to the width; ``plain_head`` is the head's length without colours."""
    length = len(head) if plain_head is None else plain_head
    lines = textwrap.wrap(text, WIDTH - length, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    return [head + lines[0].rstrip(), *(indent + line for line in lines[1:])]
