"""What was kept of the logs, and what was looked through for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from viftrail.facts.log.line import LogLine
from viftrail.facts.log.moment import Window


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A record that one of the decisive patterns matches (`viftrail.facts.log.pattern`)."""

    pattern: str
    line: LogLine
    groups: dict[str, str] = {}

    def tells(self, name: str, value: str) -> bool:
        """Whether its group of this name is this; where it has none, whether the record names it."""
        return self.groups[name] == value if name in self.groups else value in self.line.ids

    @property
    def time(self) -> float:
        """When it was written."""
        return self.line.time


class LogFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was looked through."""

    path: str
    layout: str
    service: str = ""
    host: str = ""
    first: float | None = None
    """The time of its first record, None where it has none."""
    size: int = 0
    read: int = 0
    """Bytes that were read of it."""
    cut: str = ""
    """Why not all of the window was looked through; empty: it was."""


class Logs(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Lines of one target and signs of known trouble, from every log that was given.

    Not the logs: no more than a window of time, the records that match a decisive pattern, and
    those above DEBUG that carry an id of the target.
    """

    window: Window = Window()
    lines: tuple[LogLine, ...] = ()
    """Those that carry an id of the target, in the order of time."""
    all_signals: tuple[Signal, ...] = ()
    """In the order of time."""
    files: tuple[LogFile, ...] = ()
    unreadable: dict[str, str] = {}
    """Files that could not be read, and why."""

    def __bool__(self) -> bool:
        return bool(self.files)

    @cached_property
    def _by_pattern(self) -> Mapping[str, tuple[Signal, ...]]:
        found: dict[str, list[Signal]] = {}
        for signal in self.all_signals:
            found.setdefault(signal.pattern, []).append(signal)
        return {pattern: tuple(signals) for pattern, signals in found.items()}

    @cached_property
    def _by_id(self) -> Mapping[str, tuple[LogLine, ...]]:
        found: dict[str, list[LogLine]] = {}
        for line in self.lines:
            for each in line.ids:
                found.setdefault(each, []).append(line)
        return {each: tuple(lines) for each, lines in found.items()}

    def signals(self, pattern: str, **wanted: str) -> tuple[Signal, ...]:
        """The signals of a pattern, oldest first, that tell all of this.

        ``port=P`` means the pattern's group ``port``; where it has no such group, that P is among
        the ids of the record.
        """
        return tuple(
            signal
            for signal in self._by_pattern.get(pattern, ())
            if all(signal.tells(name, value) for name, value in wanted.items())
        )

    def last(self, pattern: str, **wanted: str) -> Signal | None:
        """The latest of `signals`."""
        found = self.signals(pattern, **wanted)
        return found[-1] if found else None

    def about(self, *ids: str) -> tuple[LogLine, ...]:
        """The lines that carry any of these ids, in the order of time."""
        found = {id(line): line for each in ids for line in self._by_id.get(each, ())}
        return tuple(sorted(found.values(), key=lambda line: line.time))

    def covers(self, service: str, since: float, host: str = "") -> bool:
        """Whether a sign that this daemon did not log since then was not overlooked.

        True when a log of it (of this host, if given) was read without a cut, begins before that
        moment, and the window does too.
        """
        return self.window.start <= since and any(
            file.service == service
            and (not host or file.host == host)
            and not file.cut
            and file.first is not None
            and file.first <= since
            for file in self.files
        )

    def joined(self, others: Iterable[Logs]) -> Logs:
        """These and others as one."""
        every = (self, *others)
        window = Window(
            min(each.window.start for each in every), max(each.window.end for each in every)
        )
        return merged(every, window)


def merged(every: Iterable[Logs], window: Window) -> Logs:
    """Several that were read for one window."""
    every = tuple(every)
    return Logs(
        window=window,
        lines=_ordered(line for each in every for line in each.lines),
        all_signals=tuple(
            sorted((s for each in every for s in each.all_signals), key=lambda s: s.time)
        ),
        files=tuple(file for each in every for file in each.files),
        unreadable={path: why for each in every for path, why in each.unreadable.items()},
    )


def _ordered(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    return tuple(sorted(lines, key=lambda line: line.time))
