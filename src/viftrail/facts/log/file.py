"""The bytes of one log file, plain or gzipped, and how many of them were read."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator

from viftrail.facts.log.layout import SAMPLE, Layout
from viftrail.facts.log.moment import Window
from viftrail.facts.log.record import RECORD, Block
from viftrail.facts.log.seek import SLACK, stretch

BLOCK = 1 << 20
MOST = 256 << 20
"""Bytes of a plain file's window that are read; of more, the newest."""

MOST_UNPACKED = 1 << 30
"""Bytes of a gzipped file that are unpacked."""

_GZIP = b"\x1f\x8b"
_SKEW = 86400.0
"""A packed file that was last written this much before the window holds nothing of it."""


class LogBytes:
    """An open log file.

    Attributes:
        path: its name.
        size: as it lies there, in bytes.
        sample: its beginning, unpacked.
        count: bytes read of it by now.
        cut: why part of the window was left out; empty: none was.
    """

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            OSError: it is no plain file, or cannot be opened or read.
            zlib.error: it is packed and does not unpack.
        """
        self.path = path
        self.count = 0
        self.cut = ""
        # Without O_NONBLOCK a named pipe would wait for a writer.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(self._descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "it is no plain file")
            self.size, self._written = status.st_size, status.st_mtime
            beginning = self.read(0, SAMPLE)
            self.packed = beginning.startswith(_GZIP)
            self.sample = next(self._unpacked(), b"")[:SAMPLE] if self.packed else beginning
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> LogBytes:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file as it lies there."""
        data = os.pread(self._descriptor, size, offset)
        self.count += len(data)
        return data

    def blocks(self, layout: Layout, window: Window, utc_offset: float) -> Iterator[Block]:
        """What may hold records of the window, in order."""
        if self.packed:
            if window.start - _SKEW > self._written:
                return
            yield from self._unpacked_within(layout, window, utc_offset)
            return
        begin, end = stretch(self.read, self.size, layout, window, utc_offset)
        if end - begin > MOST:
            self.cut = (
                f"of {(end - begin) >> 20} MiB only the last {MOST >> 20} were looked through"
            )
            begin = end - MOST
        # The last record of the window may end a little later.
        last = min(self.size, end + RECORD)
        for offset in range(begin, last, BLOCK):
            yield offset, self.read(offset, min(BLOCK, last - offset))

    def _unpacked_within(
        self, layout: Layout, window: Window, utc_offset: float
    ) -> Iterator[Block]:
        offset = 0
        reached = False
        for block in self._unpacked():
            heads = layout.head.finditer(block)
            times = [time for m in heads if (time := layout.stamp(m[1], utc_offset)) is not None]
            if times and times[0] > window.end + SLACK:
                yield offset, block  # the rest of a record of the window may stand before it
                return
            reached = reached or not times or times[-1] >= window.start - SLACK
            if reached:
                yield offset, block
            offset += len(block)

    def _unpacked(self) -> Iterator[bytes]:
        """Unpacked, block by block; of a file that was cut off, what is there."""
        # Not the gzip module: of a file cut short it gives an error instead of the last bytes.
        member = zlib.decompressobj(wbits=31)
        offset = total = 0
        while data := self.read(offset, 256 << 10):
            offset += len(data)
            while data:
                if member.eof:
                    if data.startswith(b"\0"):
                        return  # padding
                    member = zlib.decompressobj(wbits=31)
                block = member.decompress(data, BLOCK)
                data = member.unused_data if member.eof else member.unconsumed_tail
                total += len(block)
                if total > MOST_UNPACKED:
                    self.cut = f"only the first {MOST_UNPACKED >> 20} MiB of it were unpacked"
                    return
                if block:
                    yield block
