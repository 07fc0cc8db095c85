"""Times as logs and APIs write them, in seconds since 1970 (UTC)."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from math import inf

import msgspec

STAMP = (
    rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"  # ISO 8601, widely
)

_PARTS = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?"
)


class Window(msgspec.Struct, frozen=True):
    """A stretch of time, both ends included."""

    start: float = -inf
    end: float = inf

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment <= self.end

    def around(self, other: Window) -> Window:
        """From the earlier beginning of both to the later end."""
        return Window(min(self.start, other.start), max(self.end, other.end))


@lru_cache(maxsize=64)
def _midnight(day: str) -> float | None:
    try:
        return datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def parse(text: str, utc_offset: float = 0.0) -> float | None:
    """The moment that a time stamp means, or None when it is none.

    Args:
        text: ISO 8601, with a blank or T before the time, any fraction, any zone.
        utc_offset: seconds east of UTC of a clock that names no zone (oslo.log writes the
            local time of its host; OVS and OVN write UTC and say so with a Z).
    """
    found = _PARTS.match(text)
    day = _midnight(found[1]) if found else None
    if found is None or day is None:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    zone = found[6]
    east = utc_offset
    if zone == "Z":
        east = 0.0
    elif zone:
        digits = zone[1:].replace(":", "")
        east = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)
    return day + seconds - east + (float(f"0.{found[5]}") if found[5] else 0.0)


def iso(moment: float) -> str:
    """A moment for people: UTC with milliseconds."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
