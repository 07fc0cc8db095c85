"""What daemons logged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import Logs, Signal
from viftrail.facts.log.patterns import pattern
from viftrail.facts.names import Names
from viftrail.history.event import Event

_LONG = 200
_READS = re.compile(r'"(?:GET|HEAD|OPTIONS) [^"]*"(?: status:)? [1-4]')
"""A request that only read, in the words of nova, neutron, placement and eventlet.wsgi."""

_INSTANCE = re.compile(r"\[instance: [0-9a-f-]{36}\] ")
_QUIET = frozenset({"connection-failed", "reconnect-waits", "bfd-state", "interface-changed"})
"""Signs of trouble for somebody only where they name the target, or come with nothing else."""


def logged(logs: Logs, names: Names) -> Iterator[Event]:
    """Lines that carry an id of the target, and what daemons said of themselves meanwhile.

    A record that names somebody else is left out, whatever it is a sign of.
    """
    own = set(names.ids)
    told: dict[str, list[Signal]] = {}
    for signal in logs.all_signals:
        told.setdefault(signal.line.source, []).append(signal)
    seen: set[str] = set()
    for signal in logs.all_signals:
        line = signal.line
        if line.source in seen or not _concerns(signal, own):
            continue
        seen.add(line.source)
        yield _event(line, told[line.source])
    for line in logs.lines:
        if line.source not in seen and _tells(line, own):
            seen.add(line.source)
            yield _event(line, [])


def _concerns(signal: Signal, own: set[str]) -> bool:
    ids = signal.line.ids
    if own.intersection(ids):
        return True
    about_others = any(not each.startswith("req-") for each in ids)
    return not about_others and signal.pattern not in _QUIET


def _tells(line: LogLine, own: set[str]) -> bool:
    """Not that somebody merely looked, nor what only belongs to the same request."""
    if _READS.search(line.text):
        return False
    return line.level != "INFO" or any(each in line.text for each in own)


def _event(line: LogLine, signals: list[Signal]) -> Event:
    where = line.service or line.logger or "log"
    text = _INSTANCE.sub("", line.text.partition("\n")[0], count=1)
    means = dict.fromkeys(pattern(signal.pattern).means for signal in signals)
    return Event(
        line.time,
        "log",
        f"{where} of {line.host}" if line.host else where,
        text if len(text) <= _LONG else text[: _LONG - 3] + "...",
        means="; ".join(means),
        pattern=" ".join(signal.pattern for signal in signals),
        source=line.source,
    )
