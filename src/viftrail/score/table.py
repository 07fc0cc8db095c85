"""The scoreboard for a terminal, for docs/ and for machines."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from viftrail.score.tally import TOP_CAUSE_GOAL, Round, Score


def as_json(score: Score) -> str:
    """Every round, and the sums."""
    body = msgspec.to_builtins(score)
    body["sums"] = {
        "rounds": len(score.rounds),
        "provoked": len(score.played),
        "first_stage": score.first_stage,
        "top_cause": score.top_cause,
        "top_three": score.top_three,
        "all_named": score.all_named,
        "alarms": score.alarms,
        "mended": score.mended,
        "median_seconds": score.median_seconds,
        "reached": score.reached,
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def as_text(score: Score) -> str:
    """Aligned columns, then the sums."""
    rows = [_cells(each) for each in score.rounds]
    titles = ("FAULT", "STAGE", "RANK", "ALARMS", "MENDED", "SECONDS", "")
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [titles, *rows]
    ]
    return "\n".join([*lines, "", *_sums(score)]) + "\n"


def as_markdown(score: Score) -> str:
    """The page of docs/score.md."""
    lines = [
        "# Score",
        "",
        "Printed by `viftrail lab score -f markdown`; do not edit by hand.",
        "",
        f"Measured on {score.date} with {score.tool} and {score.versions}.",
        "",
        *(f"- {line}" for line in _sums(score)),
        "",
        "| fault | first stage | rank | false alarms | mended | seconds | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(_cells(each))} |" for each in score.rounds),
    ]
    return "\n".join(lines) + "\n"


def _cells(each: Round) -> tuple[str, ...]:
    if not each.provoked:
        return (each.name, "-", "-", "-", "-", "-", f"not provoked: {each.note}")
    notes = [each.note, *each.alarms]
    if not each.first_stage:
        notes.insert(0, f"found {each.found_stage or 'nothing'}, not {each.stage}")
    if each.rank != 1:
        notes.insert(0, f"named {', '.join(each.found_causes[:3]) or 'no cause'}")
    if not each.all_named:
        notes.insert(0, f"not named: {', '.join(set(each.faults) - set(each.found_causes))}")
    mended = {True: "yes", False: "NO", None: "by hand"}[each.mended]
    return (
        each.name,
        each.found_stage or "none",
        str(each.rank or "none"),
        str(len(each.alarms)),
        mended,
        f"{each.seconds:.2f}",
        "; ".join(filter(None, notes)),
    )


def _sums(score: Score) -> Iterator[str]:
    played = len(score.played)
    yield f"provoked: {played} of {len(score.rounds)}"
    yield f"first broken stage: {score.first_stage:.1%} (goal 100 %)"
    yield (
        f"first cause: {score.top_cause:.1%} (goal {TOP_CAUSE_GOAL:.0%}), "
        f"among the first three: {score.top_three:.1%}"
    )
    if any(len(each.faults) > 1 for each in score.rounds):
        yield f"both faults named: {score.all_named:.1%}"
    yield f"false alarms: {score.alarms} (goal 0)"
    automatic = [one for one in score.played if one.mended is not None]
    yield (
        f"mended by fix: {score.mended:.1%} of {len(automatic)} whose remedy is automatic (goal 100 %)"
    )
    for each in score.left_out:
        yield f"left out: {' + '.join(each.faults)}: {each.reason}"
    yield f"viftrail why: {score.median_seconds:.2f} s in the median, the whole process"
