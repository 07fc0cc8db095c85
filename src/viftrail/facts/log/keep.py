"""What is kept of the records that were found: signals, and the lines of one target."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterator

from viftrail.facts.log.layout import Parts
from viftrail.facts.log.line import LogLine, ids_in, shortened
from viftrail.facts.log.logs import Signal
from viftrail.facts.log.moment import Window
from viftrail.facts.log.patterns import patterns_of
from viftrail.facts.log.record import Needles
from viftrail.facts.log.service import service_named, service_of
from viftrail.facts.redaction import hidden

LINES = 2000
"""Lines of a file that carry an id of the target; of more, the newest."""

SIGNALS = 200
"""Records of a file that match one pattern and carry no such id; of more, the newest."""

_MESSAGE = 64 << 10
"""Characters of a record that are matched."""


class Target:
    """What the target is called, as it stands in texts."""

    def __init__(self, ids: Collection[str]) -> None:
        self.ids = tuple(dict.fromkeys(each for each in ids if each))
        # 10.0.0.1 is not meant where 10.0.0.12 or 10.0.0.1.5 stands.
        words = "|".join(map(re.escape, sorted(self.ids, key=len, reverse=True)))
        self._words = re.compile(rf"(?<![0-9A-Za-z])(?:{words})(?![0-9A-Za-z]|\.\d)")

    def named_in(self, text: str) -> tuple[str, ...]:
        """Those of its ids that the text holds."""
        return tuple(dict.fromkeys(self._words.findall(text))) if self.ids else ()


class Keep:
    """What is kept of one file."""

    def __init__(self, target: Target, window: Window, path: str, service: str, host: str) -> None:
        self._target, self._window = target, window
        self._path, self._service, self._host = path, service, host
        self._patterns = patterns_of(service)
        self._lines: deque[LogLine] = deque(maxlen=LINES)
        self._own: deque[Signal] = deque(maxlen=LINES)
        self._other: defaultdict[str, deque[Signal]] = defaultdict(lambda: deque(maxlen=SIGNALS))
        self._dropped = 0

    def needles(self) -> Needles:
        """What a record has to hold to be looked at."""
        return Needles((*(pattern.phrase for pattern in self._patterns), *self._target.ids))

    def take(self, parts: Parts, offset: int) -> None:
        """Keep a record if it is of the window and says something."""
        if parts.time not in self._window:
            return
        message = parts.message[:_MESSAGE]
        if len(parts.message) > _MESSAGE:
            message += parts.message[-_MESSAGE:]
        service = service_of(parts.logger) or service_named(parts.unit) or self._service
        told = [
            (pattern.id, groups)
            for pattern in self._patterns
            if (groups := pattern.match(message, parts.level)) is not None
            and (not pattern.services or not service or service in pattern.services)
        ]
        whole = f"{parts.context} {message}"
        named = self._target.named_in(whole)
        if not told and (not named or parts.level == "DEBUG"):
            return
        line = LogLine(
            time=parts.time,
            host=parts.host or self._host,
            service=service,
            level=parts.level,
            logger=parts.logger,
            text=shortened(hidden(message)),  # before a secret can be cut in two
            source=f"{self._path}@{offset}",
            ids=tuple(dict.fromkeys((*named, *ids_in(whole)))),
        )
        for pattern_id, groups in told:
            made = Signal(pattern=pattern_id, line=line, groups=groups)
            self._add(self._own if named else self._other[pattern_id], made)
        if named and parts.level != "DEBUG":
            self._dropped += len(self._lines) == LINES
            self._lines.append(line)

    def _add(self, queue: deque[Signal], signal: Signal) -> None:
        self._dropped += len(queue) == queue.maxlen
        queue.append(signal)

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The lines of the target."""
        return tuple(self._lines)

    def signals(self) -> Iterator[Signal]:
        """The signals, the target's own first."""
        yield from self._own
        for queue in self._other.values():
            yield from queue

    @property
    def cut(self) -> str:
        """How much was found and not kept; empty: nothing."""
        return f"{self._dropped} older records were found and not kept" if self._dropped else ""
