"""The catalogue of faults, printed from the definitions themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import msgspec
from click import style

from viftrail.faults.fault import Fault

WIDTH = 80


def index(faults: Iterable[Fault]) -> str:
    """One line a fault, or two where its title is long."""
    return "".join(
        textwrap.fill(
            f.title,
            WIDTH,
            initial_indent=f"{f.stage.value:<4}{f.id:<31}",
            subsequent_indent=" " * 35,
            break_on_hyphens=False,
        )
        + "\n"
        for f in faults
    )


def entry(fault: Fault) -> str:
    """One fault for a terminal."""
    return "\n".join(_entry(fault)) + "\n"


def _entry(fault: Fault) -> Iterator[str]:
    yield style(fault.id, bold=True) + f"  {fault.stage.value} {fault.stage.title}"
    yield fault.title
    for heading, text in _parts(fault):
        yield ""
        yield style(heading, bold=True)
        for paragraph in text:
            yield from textwrap.wrap(
                paragraph,
                WIDTH,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
            )


def _parts(fault: Fault) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The five headings that every entry has."""
    yield "What it is", (fault.what,)
    yield "How it shows", (fault.shows,)
    unlike = tuple(f"Not {other}: {difference}." for other, difference in fault.unlike.items())
    made = (f"Tested from made facts only: {fault.unprovoked}",) if fault.unprovoked else ()
    yield "Decisive evidence", (fault.decisive, *unlike, *made)
    yield f"Remedy and its risk ({fault.risk.value})", (fault.remedy,)
    yield "References", fault.references
    if fault.unprovoked:
        yield "Not provoked in the lab", (fault.unprovoked,)


def as_markdown(faults: Iterable[Fault]) -> str:
    """The page of docs/faults.md."""
    return "\n".join(_page(tuple(faults))) + "\n"


def _page(faults: tuple[Fault, ...]) -> Iterator[str]:
    yield "# Faults"
    yield ""
    yield "Printed by `viftrail faults -f markdown`; do not edit by hand."
    for fault in faults:
        yield ""
        yield f"## {fault.id}"
        yield ""
        yield f"**{fault.title}** ({fault.stage.value} {fault.stage.title})"
        for heading, text in _parts(fault):
            yield ""
            yield f"### {heading}"
            for paragraph in text:
                yield ""
                yield f"- {paragraph}" if heading == "References" else paragraph


def as_json(faults: Iterable[Fault]) -> str:
    """Every field of every entry."""
    rows = [
        {
            "id": f.id,
            "stage": f.stage.value,
            "title": f.title,
            "what": f.what,
            "shows": f.shows,
            "decisive": f.decisive,
            "unlike": dict(f.unlike),
            "remedy": f.remedy,
            "risk": f.risk.value,
            "references": f.references,
        }
        for f in faults
    ]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"
