"""A gzipped tar as a stream: written whole or to a pipe, read without trusting it.

Read here and not by the tarfile module: that takes headers of any length into memory, and
Pythons before 3.11.10 need hours for some of a megabyte (CVE-2024-6232). Of the formats of
POSIX (pax, "ustar Interchange Format") only plain files are taken, and of extended headers
only the path. Whatever comes is bounded before it is read: bytes by what they were packed
into, so that a file of a kilobyte cannot become one of a gigabyte.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

MAX_MEMBER = 512 << 20
MAX_TOTAL = 2 << 30
"""Bytes after decompression. The ports of a cloud of 200,000 are about 200 MB."""

GRACE, DENSEST = 16 << 20, 60
"""Bytes that any archive may unpack to, and how many more for each byte of it. Rows of OVN are
packed to a fifth, and to a twentieth where nearly all of them are alike."""

_BLOCK = 512
_CHUNK = 1 << 20
_IN_MEMORY = 64 << 20
_HEADER = 16 << 10
"""Bytes of one extended header."""

_PATH = re.compile(rb"\d{1,5} path=([^\n]*)\n")
_LARGE = re.compile(rb"\d{1,5} size=")
"""Written only where the header has no room for it: beyond 8 GiB."""

_BAD = (EOFError, OSError, zlib.error, ValueError)


class Readable(Protocol):
    """A file, a pipe, or standard input."""

    def read(self, size: int, /) -> bytes:
        """No more than so many bytes; none at its end."""
        ...


class BadArchiveError(Exception):
    """It is no archive, is cut short, or holds what nobody would pack; says which."""


class Member:
    """A file of an archive that is being read: its name and size, and its bytes until the next."""

    def __init__(self, name: str, size: int, stream: _Bounded) -> None:
        self.name, self.size, self._stream = name, size, stream

    @property
    def packed(self) -> int:
        """Bytes of the packed file that were read by now, all members before it included."""
        return self._stream.packed

    def read(self) -> bytes:
        """All of it.

        Raises:
            BadArchiveError: it ends too early, or is too large.
        """
        if self.size > MAX_MEMBER:
            raise BadArchiveError(f"{shown(self.name)} is larger than any cloud's")
        content = self._stream.take(self.size)
        self._stream.skip(-self.size % _BLOCK)
        self.size = 0
        return content

    def skip(self) -> None:
        """Leave out what was not read of it."""
        self._stream.skip(self.size + -self.size % _BLOCK)


class _Counted:
    """A file, and how many bytes were read of it, and came of them."""

    def __init__(self, file: Readable) -> None:
        self._file, self.count, self.unpacked = file, 0, 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        if self.count > _CHUNK + 2 * self.unpacked:  # empty parts without end, or a name
            raise BadArchiveError("hardly anything is in it")
        return data


class _Bounded:
    """What comes out of a packed file, as long as it is in proportion."""

    def __init__(self, file: Readable) -> None:
        self._packed = _Counted(file)
        self._plain = gzip.GzipFile(fileobj=self._packed)  # type: ignore[call-overload]

    @property
    def packed(self) -> int:
        """Bytes that were read of the packed file."""
        return self._packed.count

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._plain.read(min(size, _CHUNK))
        except _BAD as error:
            raise BadArchiveError(str(error) or "it ends too early") from error
        self._packed.unpacked += len(data)
        if self._packed.unpacked > MAX_TOTAL:
            raise BadArchiveError("it does not end")
        if self._packed.unpacked > GRACE + DENSEST * self._packed.count:
            raise BadArchiveError("it unpacks to far more than any cloud's")
        return data

    def take(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            BadArchiveError: it ends before.
        """
        parts = bytearray()
        while len(parts) < size:
            data = self._read(size - len(parts))
            if not data:
                raise BadArchiveError("it ends too early")
            parts += data
        return bytes(parts)

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        while size > 0:
            data = self._read(size)
            if not data:
                raise BadArchiveError("it ends too early")
            size -= len(data)

    def drain(self) -> None:
        """Read to the end, as the checksum stands there."""
        while self._read(_CHUNK):
            pass


def members(file: Readable) -> Iterator[Member]:
    """The plain files of an archive, in their order; at the end all of it has been checked.

    Raises:
        BadArchiveError: it cannot be read to its end.
    """
    stream = _Bounded(file)
    longer = ""
    while any(header := stream.take(_BLOCK)):
        size, kind = _size(header), header[156:157]
        if header[148:156].strip(b"\0 ") != b"%06o" % _checksum(header):
            raise BadArchiveError("a header of it is damaged")
        name = longer or _name(header)
        longer = ""
        member = Member(name, size, stream)
        if size > MAX_MEMBER:
            raise BadArchiveError(f"{shown(name)} is larger than any cloud's")
        if kind == b"x":
            if size > _HEADER:
                raise BadArchiveError("a header of it is larger than any")
            records = member.read()
            if _LARGE.search(records):
                raise BadArchiveError("a member of it is larger than any cloud's")
            found = _PATH.search(records)
            longer = found[1].decode("utf-8", "replace") if found else ""
        elif kind in (b"0", b"\0"):
            yield member
            member.skip()
        else:
            member.skip()  # a link, a device, a folder: nothing that is wanted
    stream.drain()


def _size(header: bytes) -> int:
    text = header[124:136].strip(b"\0 ")
    if not re.fullmatch(rb"[0-7]{0,12}", text):
        raise BadArchiveError("a member of it is larger than any cloud's, or its header is damaged")
    return int(text or b"0", 8)


def _checksum(header: bytes) -> int:
    """Of the header with blanks in its own place (POSIX, pax)."""
    return sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _name(header: bytes) -> str:
    parts = [header[345:500], header[:100]] if header[257:262] == b"ustar" else [header[:100]]
    whole = (part.partition(b"\0")[0].decode("utf-8", "replace") for part in parts)
    return "/".join(part for part in whole if part)


def shown(name: str) -> str:
    """A name that somebody else chose, for a message."""
    return ascii(name[:80])[1:-1]


class Draft:
    """An archive that is being made: its head is written last, as it tells of all the rest."""

    def __init__(self, body: gzip.GzipFile) -> None:
        self._body = body
        self.sizes: dict[str, int] = {}
        """Bytes of each member so far, unpacked."""

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """Pack one more member; what it is made of need not be in memory at once."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as whole:
            for part in parts:
                whole.write(part)
            size = self.sizes[name] = whole.tell()
            if size > MAX_MEMBER:
                raise OSError(27, f"{name} is larger than {MAX_MEMBER >> 20} MiB")
            whole.seek(0)
            self._body.write(_header(name, size))
            shutil.copyfileobj(whole, self._body, _CHUNK)
            self._body.write(bytes(-size % _BLOCK))


@contextmanager
def drafted(out: BinaryIO) -> Iterator[tuple[Draft, list[tuple[str, bytes]]]]:
    """An archive to be filled, and its head: what is put there stands first in it.

    The body waits packed, and beyond 64 MiB on disk; gzip files may follow each other (RFC 1952).
    """
    head: list[tuple[str, bytes]] = []
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as packed:
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as body:
            yield Draft(body), head
            body.write(bytes(2 * _BLOCK))
        with io.BytesIO() as first:
            with gzip.GzipFile(fileobj=first, mode="wb", mtime=0) as plain:
                for name, content in head:
                    plain.write(_header(name, len(content)) + content)
                    plain.write(bytes(-len(content) % _BLOCK))
            out.write(first.getvalue())
        packed.seek(0)
        shutil.copyfileobj(packed, out, _CHUNK)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.PAX_FORMAT)
