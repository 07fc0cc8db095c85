"""Records in a stream of bytes: those that hold a phrase, with all lines that belong to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from viftrail.facts.log.layout import OSLO, Layout, Parts
from viftrail.facts.log.moment import STAMP

Block = tuple[int, bytes]
"""Where bytes begin in their file, and the bytes."""

RECORD = 1 << 20
"""Bytes after which a record is cut: what follows is looked at as if it were another."""

_REPEATED = re.compile(
    STAMP + rb" (\d+) (?:ERROR|CRITICAL) ([\w.\-]+) ?(?:\[instance: [^\]\n]*\] ?)?(.*)"
)
"""A line of a traceback (oslo.log, logging_exception_prefix)."""


class Needles:
    """Byte strings to be found in a block, wherever they are."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = tuple(dict.fromkeys(p.encode() for p in phrases if p))

    def __call__(self, block: bytes) -> list[int]:
        """Where they stand, in order; of several in one line only the first of each."""
        hits: set[int] = set()
        for phrase in self._phrases:
            at = block.find(phrase)
            while at >= 0:
                hits.add(at)
                line_end = block.find(b"\n", at)
                at = block.find(phrase, line_end) if line_end >= 0 else -1
        return sorted(hits)


def records(
    blocks: Iterable[Block], layout: Layout, needles: Needles
) -> Iterator[tuple[int, bytes]]:
    """The records that hold a needle, each with its offset.

    Args:
        blocks: what follows each other, cut anywhere.
        layout: of the file.
        needles: what to look for.
    """
    carry = b""
    offset = 0
    for at, block in blocks:
        offset = offset if carry else at
        data = carry + block
        cut = _last_head(data, layout)
        if cut == 0 and len(data) > RECORD:
            cut = len(data)
        yield from _found(data[:cut], layout, needles, offset)
        carry = data[cut:]
        offset += cut
    yield from _found(carry, layout, needles, offset)


def _last_head(data: bytes, layout: Layout) -> int:
    """Where the last record begins whose head is whole."""
    whole = data.rfind(b"\n")
    if whole <= 0:
        return 0
    for near in (64 << 10, len(data)):
        start = max(0, whole - near)
        heads = [match.start() for match in layout.head.finditer(data, start, whole)]
        if heads:
            return heads[-1]
    return 0


def _found(
    data: bytes, layout: Layout, needles: Needles, offset: int
) -> Iterator[tuple[int, bytes]]:
    done = 0
    for hit in needles(data):
        if hit < done:
            continue
        start = _start(data, layout, hit, done)
        after = layout.head.search(data, max(hit, start + 1))
        done = after.start() if after else len(data)
        yield offset + start, data[start:done]


def _start(data: bytes, layout: Layout, hit: int, floor: int) -> int:
    """The head of the record that this byte is in, not before ``floor``."""
    at = data.rfind(b"\n", floor, hit) + 1 or floor
    while at > floor and not layout.head.match(data, at):
        at = data.rfind(b"\n", floor, at - 1) + 1 or floor
    return at


def parts_of(record: bytes, layout: Layout, utc_offset: float) -> list[Parts]:
    """A record's parts. Several where processes that share a file wrote into each other's."""
    if layout is OSLO:
        return _unmixed(record, utc_offset)
    parts = layout.parse(record.decode("utf-8", "replace"), utc_offset)
    return [parts] if parts else []


def _unmixed(record: bytes, utc_offset: float) -> list[Parts]:
    """An oslo record without what its traceback's lines repeat, and what is another process's."""
    first, *rest = record.splitlines()
    head = OSLO.parse(first.decode("utf-8", "replace"), utc_offset)
    own = first.split(b" ", 3)[2] if head else b""
    bodies: dict[bytes, list[bytes]] = {own: []} if head else {}
    others: dict[bytes, Parts] = {}
    for line in rest if head else [first, *rest]:
        repeated = _REPEATED.match(line)
        if repeated is None:
            if head:
                bodies[own].append(line)
            continue
        pid = repeated[2]
        if pid not in bodies:
            time = OSLO.stamp(repeated[1], utc_offset)
            if time is None:
                continue
            others[pid] = Parts(time, "", level="ERROR", logger=repeated[3].decode())
            bodies[pid] = []
        bodies[pid].append(repeated[4])
    made = {own: head, **others} if head else dict(others)
    return [
        replace(parts, message="\n".join([parts.message, *_decoded(bodies[pid])]).strip("\n"))
        for pid, parts in made.items()
    ]


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    return (line.decode("utf-8", "replace") for line in lines)
