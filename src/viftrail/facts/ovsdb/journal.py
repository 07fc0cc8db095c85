"""The record layer that both OVSDB file formats share (ovsdb(5)).

A file is a series of records of two lines each: ``OVSDB MAGIC LENGTH SHA1``
and then LENGTH bytes of JSON whose SHA-1 checksum is given. ovsdb-server takes
the first record that does not fit for a write that a crash cut short: it
keeps all before it, and so does this module.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from viftrail.errors import DamagedDatabase, FileUnreadable, NotPermitted
from viftrail.facts.parallel import aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

_HEADER = re.compile(rb"OVSDB (\S+) ([1-9][0-9]{0,18}) ([0-9a-fA-F]{40})\n")
_HEADER_MAX = 127
_LARGE = 8 << 20
"""Bytes; less is summed up in the time that a thread needs to begin."""
_STEP = 8 << 20
_GZIP = b"\x1f\x8b"
_UNPACKED_MAX = 8 << 30
_RESTORE = (
    "Take the file from another member or from a backup, "
    "or copy it again if it was cut off on the way."
)


@dataclass(frozen=True)
class Record:
    """One record: the offset of its header in bytes, its magic, its JSON.

    A large one is being summed up on the side while it is decoded: whoever has
    decoded it calls ``verify`` before using what came out.
    """

    offset: int
    magic: str
    body: bytes
    verify: Callable[[], None]
    """Raises what `Journal.records` would, when the checksum is another body's."""


class TornError(Exception):
    """The rest of the file cannot be used; the text says from where and why."""


class Journal:
    """The records of one file, in order."""

    def __init__(self, path: Path) -> None:
        """Open the file, gzipped or not.

        Raises:
            FileUnreadable: it is absent, no plain file or cannot be read.
            NotPermitted: it may not be read by this user.
            DamagedDatabase: it is gzipped and does not unpack.
        """
        self.path = path
        self._file = _open(path)
        try:
            self._size = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:  # noqa: PYI034
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records up to the end or the first that does not fit.

        Args:
            start: the byte that the first of them begins at.

        Raises:
            TornError: a later record is cut short or damaged.
            DamagedDatabase: the first one is, so nothing can be used.
        """
        magic = ""
        offset = start
        while offset < self._size:
            record = self._next(offset, magic)
            magic = record.magic
            offset = self._file.tell()
            yield record
        if not offset:
            raise DamagedDatabase(f"{self.path} is empty.", _RESTORE)

    def find(self, pattern: re.Pattern[bytes], start: int = 0) -> int:
        """Where this is first found from a byte on; -1 where it is not."""
        offset, before = start, b""
        self._file.seek(start)
        while chunk := self._file.read(_STEP):
            found = pattern.search(before + chunk)
            if found:
                return offset - len(before) + found.start()
            offset += len(chunk)
            before = chunk[-_HEADER_MAX:]
        return -1

    def _next(self, offset: int, magic: str) -> Record:
        try:
            self._file.seek(offset)
            line = self._file.readline(_HEADER_MAX)
            header = _HEADER.fullmatch(line)
            if header is None or (magic and header[1].decode("ascii", "replace") != magic):
                self._fail(offset, "does not begin with an OVSDB header line")
            length = int(header[2])
            left = self._size - self._file.tell()
            if length > left:
                self._fail(offset, f"is cut short: {left} of its {length} bytes are there")
            body = self._file.read(length)
        except OSError as error:
            raise FileUnreadable(
                f"{self.path} could not be read to its end ({error.strerror}).",
                "Check the disk that it lies on.",
            ) from None
        if len(body) < length:
            self._fail(offset, "was cut short while it was read")
        digest = _digest(body)

        def verify() -> None:
            if digest() != bytes.fromhex(header[3].decode()):
                self._fail(offset, "does not match its SHA-1 checksum")

        return Record(offset, header[1].decode("ascii", "replace"), body, verify)

    def _fail(self, offset: int, what: str) -> NoReturn:
        if offset:
            rest = self._size - offset
            raise TornError(f"the record at byte {offset} {what}; {rest} bytes were left unread")
        raise DamagedDatabase(
            f"{self.path} is no whole OVSDB file: its first record {what}.", _RESTORE
        )


def _digest(body: bytes) -> Callable[[], bytes]:
    summing_up = partial(hashlib.sha1, body, usedforsecurity=False)
    if len(body) < _LARGE:
        return summing_up().digest
    later = aside(summing_up)
    return lambda: later.result().digest()


def _open(path: Path) -> BinaryIO:
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        raise NotPermitted(
            f"{path} may not be read by this user.",
            "Run as root, or copy the file to where this user may read it.",
        ) from None
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise FileUnreadable(f"{path} cannot be opened ({what}).", "Check the name.") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnreadable(
                f"{path} is no plain file.", "Name the database file itself, such as ovnnb_db.db."
            )
        packed = os.pread(descriptor, len(_GZIP), 0) == _GZIP
    except FileUnreadable:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        raise FileUnreadable(
            f"{path} cannot be read ({error.strerror}).", "Check the disk that it lies on."
        ) from None
    file = os.fdopen(descriptor, "rb")
    if not packed:
        return file
    with file:
        return _unpack(path, file)


def _unpack(path: Path, file: BinaryIO) -> BinaryIO:
    # Not the gzip module: of a file cut short it gives nothing at all, where
    # the part that is there still holds whole records.
    whole = io.BytesIO()
    member = zlib.decompressobj(wbits=31)
    try:
        while data := file.read(1 << 20):
            while data:
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                whole.write(member.decompress(data, 1 << 24))
                if whole.tell() > _UNPACKED_MAX:
                    raise DamagedDatabase(
                        f"{path} unpacks to more than {_UNPACKED_MAX >> 30} GiB.",
                        "Unpack it with gunzip and name the result.",
                    )
                data = member.unused_data if member.eof else member.unconsumed_tail
        whole.write(member.flush())
    except (OSError, zlib.error) as error:
        raise DamagedDatabase(f"{path} is no sound gzip file ({error}).", _RESTORE) from None
    return whole
