"""What an audit found, for people and machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import msgspec
from click import style

from viftrail.audit import Findings
from viftrail.verdict import Cause, State

WIDTH = 80


def as_json(found: Findings) -> str:
    """Indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def as_text(found: Findings) -> str:
    """Grouped by cause, with the number of occurrences and one example each."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Findings) -> Iterator[str]:
    yield f"{found.ports} ports of VMs and {found.hosts} hosts looked at"
    groups: dict[str, list[Cause]] = {}
    for cause in found.causes:
        groups.setdefault(cause.id, []).append(cause)
    if not groups:
        yield style("nothing wrong found", fg="green")
    for fault_id, causes in groups.items():
        example = causes[0]
        colour = "red" if example.state is State.BROKEN else "yellow"
        yield ""
        yield (
            f"{example.stage:<4} "
            + style(fault_id, fg=colour, bold=True)
            + f"  {len(causes)} found"
        )
        yield from textwrap.wrap(
            example.summary, WIDTH, initial_indent="     ", subsequent_indent="     "
        )
        yield f"     subject: {example.subject}"
        for step in example.remedy.steps:
            yield style(f"     {step.where} $ {step.command}", fg="cyan")
    if found.unknown:
        yield ""
        yield style("Could not be looked at", bold=True)
        for gap in found.unknown:
            yield from textwrap.wrap(
                f"{gap.place}: {gap.why} {gap.how}",
                WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
            )
