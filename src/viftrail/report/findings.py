"""What an audit found, for people and machines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from html import escape
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

import msgspec
from click import style

from viftrail.audit import Findings, Group
from viftrail.report.html import STYLE
from viftrail.verdict import State

WIDTH = 80
SHOWN = 5
"""Subjects that the text names one by one."""


def as_json(found: Findings) -> str:
    """Indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def as_text(found: Findings) -> str:
    """Grouped by cause, with the number of victims and one example each."""
    return "\n".join(_lines(found)) + "\n"


def summary(found: Findings) -> str:
    """What was looked at."""
    hosts = f"{found.hosts} host{'s' * (found.hosts != 1)}" if found.hosts else "no host itself"
    return (
        f"{found.ports} port{'s' * (found.ports != 1)} of VMs, {found.chassis} chassis and {hosts} "
        f"looked at, for {len(found.checked)} fault{'s' * (len(found.checked) != 1)}"
    )


def nothing_found(found: Findings) -> str:
    """What it means that there is no finding."""
    if not (found.ports or found.hosts):
        return "nothing could be judged"
    return f"nothing wrong found{', as far as it could be looked at' if found.blind else ''}"


def _lines(found: Findings) -> Iterator[str]:
    yield summary(found)
    if not found.groups:
        yield style(nothing_found(found), fg="yellow" if found.blind else "green")
    for group in found.groups:
        yield ""
        yield from _group(group)
    if found.unknown:
        yield ""
        yield style("Could not be looked at", bold=True)
        for gap in found.unknown:
            yield from _wrap(f"{gap.place}: {gap.why} {gap.how}", "  - ", "    ")


def _group(group: Group) -> Iterator[str]:
    colour = "red" if group.state is State.BROKEN else "yellow"
    name = style(group.id, fg=colour, bold=True)
    yield f"{group.stage:<4} {name}: {_places(group)}, {_victims(group)}"
    example = group.example
    yield from _wrap(example.summary, "     ", "     ")
    for step in example.remedy.steps:
        yield from _wrap(f"mend: {step.where} ({step.risk.value}):", "     ", "     ")
        yield style(f"       $ {step.command}", fg="cyan")
    if example.remedy.note:
        yield from _wrap(example.remedy.note, "     ", "     ")
    # What was told and is mended like this comes first.
    names = list(dict.fromkeys((example.subject, *group.subjects)))
    for number, subject in enumerate(names[:SHOWN]):
        yield f"     {'' if number else 'at:':<4}{subject}"
    if len(names) > SHOWN:
        yield f"         and {len(names) - SHOWN} more (-f json names all)"


def _places(group: Group) -> str:
    kinds = Counter(_kind(subject) for subject in group.subjects)
    return ", ".join(f"{n} {kind}{'s' * (n != 1)}" for kind, n in kinds.items())


def _kind(subject: str) -> str:
    """``router`` of ``router neutron-…``; the cloud has no name."""
    return "floating IP" if subject.startswith("floating IP") else subject.partition(" ")[0]


def _victims(group: Group) -> str:
    if not group.victims:
        servers = all(_kind(name) == "server" for name in group.subjects)
        return "without a port" if servers else "nobody affected"
    return f"{group.victims} port{'s' * (group.victims != 1)} affected"


def _wrap(text: str, head: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def as_html(found: Findings) -> str:
    """One page: no script, no font, nothing from elsewhere."""
    return "\n".join(_page(found)) + "\n"


def _page(found: Findings) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>viftrail audit</title><style>{STYLE}</style></head><body><h1>Audit</h1>"
    yield f'<p class="quiet">{escape(summary(found))} · {escape(found.time)}</p>'
    if not found.groups:
        yield f'<p class="lead{"" if found.blind else " ok"}">{nothing_found(found)}</p>'
    for group in found.groups:
        name = group.state.value
        yield f'<h2 class="{name}"><span class="word">{group.stage}</span> {escape(group.title)} '
        yield f"<code>{group.id}</code></h2>"
        yield f"<p>{_places(group)}, {_victims(group)}. "
        yield f"{escape(group.example.summary)}</p>"
        for step in group.example.remedy.steps:
            yield f"<pre>{escape(step.where)} $ {escape(step.command)}</pre>"
        subjects = "<br>".join(escape(name) for name in group.subjects)
        yield f"<details><summary>all {len(group.subjects)}</summary>{subjects}</details>"
    if found.unknown:
        yield "<h2>Could not be looked at</h2><ul>"
        for gap in found.unknown:
            yield f"<li><b>{escape(gap.place)}</b>: {escape(gap.why)} {escape(gap.how)}</li>"
        yield "</ul>"
    yield "</body></html>"


def as_junit(found: Findings) -> str:
    """One test case a fault, for whatever shows test results over time."""
    failed = {group.id: group for group in found.groups}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="viftrail audit" tests="{len(found.checked)}" failures="{len(failed)}">',
    ]
    for fault_id in found.checked:
        group = failed.get(fault_id)
        if group is None:
            lines.append(f'<testcase classname="viftrail.audit" name={quoteattr(fault_id)}/>')
            continue
        lines += [
            f"<testcase classname={quoteattr('viftrail.audit')} name={quoteattr(fault_id)}>",
            f"<failure message={quoteattr(group.example.summary)}>",
            escape_xml("\n".join(group.subjects)),
            "</failure></testcase>",
        ]
    lines.append("</testsuite>")
    return "\n".join(lines) + "\n"
