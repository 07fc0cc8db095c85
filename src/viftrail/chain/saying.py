"""What a log says, as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from viftrail.chain.cloud import Cloud
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import Signal
from viftrail.facts.log.moment import parse
from viftrail.facts.openstack import Server
from viftrail.verdict import Evidence

ASIDE = 30.0
"""Seconds by which the clocks of two hosts, or of a host and Nova's database, may differ."""

_SHOWN = 240


def said(line: LogLine, expected: str = "") -> Evidence:
    """A line of a log, and how to find it again."""
    first = line.text.partition("\n")[0]
    shown = first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…"
    when = datetime.fromtimestamp(line.time, timezone.utc).isoformat(" ", timespec="seconds")
    path = line.source.rpartition("@")[0]
    words = first.partition("'")[0][:60].strip()
    return Evidence(
        where=line.host or path.rpartition("/")[2],
        what=f"{line.service or 'log'}, {when.removesuffix('+00:00')} UTC",
        seen=shown,
        expected=expected,
        command=f"grep -hF '{words}' {path.rpartition('/')[2]}",
    )


def told(cloud: Cloud, *patterns: str, **wanted: str) -> Signal | None:
    """The latest line of any of these kinds that tells all of this."""
    found = [
        signal
        for pattern in patterns
        if (signal := cloud.facts.logs.last(pattern, **wanted)) is not None
    ]
    return max(found, key=lambda signal: signal.time, default=None)


def told_during(cloud: Cloud, server: Server, *patterns: str) -> Signal | None:
    """The latest line of these kinds that is about this server's build, or of its time.

    What names no server may be of any other build; where nothing tells when this one was, all count.
    """
    found = [
        signal
        for pattern in patterns
        for signal in cloud.facts.logs.signals(pattern)
        if server.id in signal.line.ids or is_during(server, signal.time)
    ]
    return max(found, key=lambda signal: signal.time, default=None)


def is_during(server: Server, time: float) -> bool:
    """Whether that was while the server was built, as far as Nova tells when that was."""
    began, ended = parse(server.created), parse(server.updated or "")
    return (began is None or began - ASIDE <= time) and (ended is None or time <= ended + ASIDE)


def evidence_of(signals: Iterable[Signal | None]) -> tuple[Evidence, ...]:
    """Those that were found, as evidence."""
    return tuple(said(signal.line) for signal in signals if signal is not None)
