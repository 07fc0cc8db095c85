"""Finding a stretch of time in a log without reading the rest.

Records of a log are in the order of time, but not strictly: a helper process (oslo.privsep) or a
thread may hand a record on late. `SLACK` is how late; a clock that was set back by more than that
hides what it wrote in between.
"""

from __future__ import annotations

from collections.abc import Callable

from viftrail.facts.log.layout import Layout
from viftrail.facts.log.moment import Window

SLACK = 10.0
"""Seconds by which a record may stand too late or too early in its file."""

NEAR = 64 << 10
"""Bytes that are read on rather than halved again."""

_FIRST_LOOK = 8 << 10
_LOOK = 4 << 20
_LOST = 8 << 20
"""Bytes without the head of a record after which a place is given up: a hole of zeros, most likely."""

Read = Callable[[int, int], bytes]
"""``read(offset, size)``: bytes of the file, fewer only at its end."""


def stretch(
    read: Read, size: int, layout: Layout, window: Window, utc_offset: float = 0.0
) -> tuple[int, int]:
    """The bytes [begin, end) in which every record of the window begins; begin is a head or 0."""

    def halve(low: int, moment: float, *, included: bool) -> tuple[int, int]:
        high = size
        while high - low > NEAR:
            middle = (low + high) // 2
            found = _head(read, size, layout, utc_offset, middle, high)
            if found is None or (found[1] > moment if included else found[1] >= moment):
                high = middle
            else:
                low = found[0]
        return low, high

    begin = halve(0, window.start - SLACK, included=False)[0]
    return begin, halve(begin, window.end + SLACK, included=True)[1]


def _head(
    read: Read, size: int, layout: Layout, utc_offset: float, offset: int, limit: int
) -> tuple[int, float] | None:
    """The first record that begins at or after ``offset`` and before ``limit``, with its time."""
    look, at = _FIRST_LOOK, offset
    while at < limit and at - offset < _LOST:
        block = read(at, look)
        ends = at + len(block) >= size
        # What a block begins and ends with may be part of a line.
        start = block.find(b"\n") + 1 if at else 0
        last = len(block) if ends else block.rfind(b"\n")
        if start or not at:
            for match in layout.head.finditer(block, start, max(start, last)):
                time = layout.stamp(match[1], utc_offset)
                if time is not None:
                    return (at + match.start(), time) if at + match.start() < limit else None
        if ends or not block:
            return None
        # A head may be two lines long: the last whole one is looked at again.
        before = block.rfind(b"\n", 0, max(0, last))
        if before > 0:
            at += before
        elif len(block) >= _LOOK:
            at += len(block)
        look = min(look * 2, _LOOK)
    return None
