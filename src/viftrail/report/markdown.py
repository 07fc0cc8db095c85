"""A verdict to be pasted into an incident note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from viftrail.report.text import sentence
from viftrail.verdict import Cause, Evidence, Moment, State, Verdict


def render(verdict: Verdict) -> str:
    """GitHub-flavoured Markdown."""
    # A name with a line break in it must not begin a line of its own.
    return "\n".join(" ".join(line.splitlines()) for line in _lines(verdict)) + "\n"


def _lines(verdict: Verdict) -> Iterator[str]:
    target, conclusion = verdict.target, verdict.verdict
    place = f" at {conclusion.stage}" if conclusion.stage else ""
    yield f"# {verdict.heading}: {conclusion.state.value}{place}"
    yield ""
    yield f"**{_cell(conclusion.summary)}**"
    yield ""
    for aside in verdict.asides:
        yield from (_cell(aside), "")
    for name, value in (
        ("cause", f"`{conclusion.cause}` ({conclusion.confidence})" if conclusion.cause else ""),
        ("port", f"`{target.port}`" if target.port else ""),
        ("addresses", " ".join((target.mac, *target.addresses)).strip()),
        ("floating IP", " ".join(target.floating_ips)),
        ("host", target.host),
        ("looked at", verdict.time),
        ("tool", verdict.tool),
    ):
        if value:
            yield f"- {name}: {value}"
    yield ""
    yield "## Chain"
    yield ""
    yield "| stage | state | |"
    yield "|---|---|---|"
    for finding in verdict.stages:
        strong = "**" if finding.state in (State.BROKEN, State.DEGRADED) else ""
        yield (
            f"| {finding.id} {finding.name} | {strong}{finding.state.value}{strong} "
            f"| {_cell(finding.summary)} |"
        )
    for cause in verdict.causes:
        yield from _cause(cause)
    yield from _story(verdict.timeline)
    if verdict.ruled_out:
        yield from ("", "## Ruled out", "")
        for guess in verdict.ruled_out:
            yield f"- **{_cell(guess.guess)}**: {_cell(guess.because)}"
    if verdict.undecided:
        yield from ("", "## Not decided", "")
        for item in verdict.undecided:
            yield (
                f"- **{_cell(item.guess)}**: {_cell(item.why)}; on {_cell(item.where)} it shows in "
                f"{_cell(item.observation)}: `{_cell(item.command)}`"
            )
    if verdict.unknown:
        yield from ("", "## Could not be looked at", "")
        for gap in verdict.unknown:
            yield f"- **{_cell(gap.place)}**: {_cell(gap.why)} {_cell(gap.how)}"


def _cause(cause: Cause) -> Iterator[str]:
    yield from ("", f"## {cause.stage}: {cause.title} (`{cause.id}`)", "")
    yield sentence(cause.summary)
    yield ""
    yield from _evidence(cause.evidence)
    if cause.remedy.steps:
        yield from ("", "### Mend", "")
    for number, step in enumerate(cause.remedy.steps, 1):
        yield f"{number}. On {step.where} ({step.risk.value}):"
        yield from ("   ```", f"   {step.command}", "   ```")
        lacks = f"; lacks {step.lacks}" if step.lacks else ""
        yield f"   undo: `{step.undo}`; verify: `{step.verify}`{lacks}"
    if cause.remedy.note:
        yield from ("", cause.remedy.note)


def _story(timeline: tuple[Moment, ...]) -> Iterator[str]:
    if timeline:
        yield from ("", "## What happened", "", "| UTC | where | what |", "|---|---|---|")
    for moment in timeline:
        means = f" _({_cell(moment.means)})_" if moment.means else ""
        yield f"| {moment.time} | {_cell(moment.where)} | {_cell(moment.what)}{means} |"


def _evidence(evidence: Iterable[Evidence]) -> Iterator[str]:
    yield "| where | what | seen | expected | command |"
    yield "|---|---|---|---|---|"
    for item in evidence:
        cells = (item.where, item.what, item.seen, item.expected)
        command = f"`{_cell(item.command)}`" if item.command else ""
        yield f"| {' | '.join(map(_cell, cells))} | {command} |"


def _cell(text: str) -> str:
    """Text that cannot end a table cell."""
    return text.replace("|", "\\|").replace("\n", " ")
