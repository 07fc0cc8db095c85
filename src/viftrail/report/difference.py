"""What changed, for people and machines: the likely culprit first, on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from click import style

from viftrail.difference.change import Change, Difference, Side
from viftrail.difference.compare import ANEW, RARELY
from viftrail.report.text import wrap
from viftrail.verdict import Stage

SHOWN = 20
"""Lines of changes that the text has; JSON has all."""

_LONG = 60
_MEMBERS = 3
_COLOURS = {"healthy": "green", "broken": "red", "degraded": "yellow"}


def as_json(found: Difference) -> str:
    """Indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def as_text(found: Difference) -> str:
    """Both verdicts, then the changes; what changed alike in many places is one line."""
    return "\n".join(_lines(found)) + "\n"


def as_markdown(found: Difference) -> str:
    """GitHub-flavoured Markdown, with every change."""
    return "\n".join(" ".join(line.splitlines()) for line in _table(found)) + "\n"


def _lines(found: Difference) -> Iterator[str]:
    for letter, side in (("A", found.before), ("B", found.after)):
        yield from _side(letter, side)
    yield ""
    told = list(_told(found.changes))
    if found.blind:
        yield style("Nothing could be compared: there is nothing that both know.", fg="yellow")
    elif not told:
        yield f"Nothing differs in the {found.compared} things that both have."
    else:
        yield style(f"Changed from A to B ({len(found.changes)})", bold=True)
        broken = found.after.stage or found.before.stage
        for stage, line in told[:SHOWN]:
            number = style(f"{stage:<5}", fg="red") if stage == broken else f"{stage:<5}"
            yield from wrap(line, f"  {number}", " " * 9, plain_head=7)
        if len(told) > SHOWN:
            yield f"  … and {len(told) - SHOWN} more lines; -f json has all."
    new = sorted(set(found.after.findings) - set(found.before.findings))
    old = sorted(set(found.before.findings) - set(found.after.findings))
    for title, names in (("Broken in B only", new), ("Broken in A only", old)):
        if names:
            yield ""
            yield style(f"{title} ({len(names)})", bold=True)
            yield from (f"  {name}" for name in names[:SHOWN])
            if len(names) > SHOWN:
                yield f"  … and {len(names) - SHOWN} more; -f json has all."
    if found.unseen:
        yield ""
        yield style("Could not be compared", bold=True)
        for text in found.unseen[:SHOWN]:
            yield from wrap(text, "  - ", "    ")


def _side(letter: str, side: Side) -> Iterator[str]:
    word = style(side.state.upper(), fg=_COLOURS.get(side.state, "yellow"), bold=True)
    place = f" at {side.stage} {Stage(side.stage).title}" if side.stage else ""
    cause = f": {side.cause}" if side.cause else ""
    time = f" ({side.time})" if side.time else ""
    yield f"{letter}  {side.name}{time}: {word}{place}{cause}"
    if side.summary and side.state != "healthy":
        yield from wrap(side.summary, "   ", "   ")


def _told(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """A line for each change, or for each that came to several things alike."""
    for _, group in groupby(changes, key=_alike):
        same = list(group)
        if len(same) > _MEMBERS:
            names = ", ".join(_name(change) for change in same[:_MEMBERS])
            line = f"{len(same)} times {_words(same[0])} ({names} and more)"
            yield same[0].stage, line
        else:
            yield from ((each.stage, f"{_name(each)}: {_words(each)}") for each in same)


def _alike(change: Change) -> tuple[object, ...]:
    if change.trait in RARELY:
        return (change.trait,)
    return change.stage, change.kind, change.trait, change.presence, change.before, change.after


def _name(change: Change) -> str:
    return f"{change.host} {change.what}" if change.host else change.what


def _words(change: Change) -> str:
    if change.presence:
        return "is new" if change.presence == "new" else "is gone"
    if change.trait == ANEW:
        return "was made anew, with another id"
    if change.trait in RARELY:
        return f"{change.trait} anew, {' '.join(change.after)}"
    one, two = change.before, change.after
    if len(one) == len(two) == 1:
        return f"{change.trait} {_short(one[0])} → {_short(two[0])}"
    parts = [f"- {_short(each)}" for each in one[:_MEMBERS]]
    parts += [f"+ {_short(each)}" for each in two[:_MEMBERS]]
    left = len(one) + len(two) - len(parts)
    return f"{change.trait} {'; '.join(parts)}{f' and {left} more' if left else ''}"


def _short(text: str) -> str:
    """Its beginning and its end, where what matters stands of a rule."""
    half = _LONG // 2
    return text if len(text) <= _LONG else f"{text[:half]}…{text[-half:]}"


def _table(found: Difference) -> Iterator[str]:
    yield f"# What changed{f' for {found.target}' if found.target else ''}"
    yield ""
    for letter, side in (("A", found.before), ("B", found.after)):
        cause = f", `{side.cause}`" if side.cause else ""
        place = f" at {side.stage}" if side.stage else ""
        yield f"- {letter}: {side.name} {side.time}: **{side.state}**{place}{cause}. {side.summary}"
    if found.blind:
        yield from ("", "Nothing could be compared: there is nothing that both know.")
    yield from ("", "| stage | what | A | B |", "|---|---|---|---|")
    for change in found.changes:
        one = "; ".join(change.before) or ("" if change.presence == "new" else "there")
        two = "; ".join(change.after) or ("" if change.presence == "gone" else "there")
        if not change.presence:
            one, two = "; ".join(change.before), "; ".join(change.after)
        what = f"{_name(change)}{f', {change.trait}' if change.trait else ''}"
        yield f"| {change.stage} | {_cell(what)} | {_cell(one)} | {_cell(two)} |"
    yield from (f"- not compared: {text}" for text in found.unseen)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
