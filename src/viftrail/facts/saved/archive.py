"""Packed reports, of which what may be of use is unpacked to a private folder.

A sosreport is a tar file packed by xz or gzip (sos: archive.py, TarFileArchive), one that
`sos collect` made holds others, and a must-gather holds its databases in a tar file of its own.
They come from strangers: links and devices are not made, no member leaves the folder, and bytes,
members and depth have limits. Of the ten thousand files of a report only those are written that
somebody recognises by their beginning.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from viftrail.errors import FileUnreadable, NotPermitted

MAX_BYTES = 8 << 30
"""Written to disk, of all packed files together. A report of a busy controller has some 2 GiB."""
MAX_READ = 64 << 30
"""Unpacked, whether it was written or passed over."""
MAX_MEMBERS = 500_000
MAX_DEPTH = 3
"""Packed files within packed files."""
MAX_FOLDERS = 40
"""Folders within folders, in one packed file."""

HEAD = 4096
"""Bytes of a member's beginning that decide whether it is of use."""

_CHUNK = 1 << 20
_BITE = 64 << 10
_HEADER = 16 << 10
"""Bytes of one extended header."""

_HEADERS = 8
"""Extended headers before one member: tarfile reads each within the one before it."""

_WORK = 4 << 30
"""Pythons before 3.11.10 look through an extended header in the square of its length
(CVE-2024-6232); 50,000 members with headers of 300 bytes come to this."""

_XZ = b"\xfd7zXZ\x00"
_XZ_MEMORY = 128 << 20
"""Twice of what `xz -9` asks for. The file itself says how much is taken, up to 4 GiB."""

_ZSTD = b"\x28\xb5\x2f\xfd"
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    _XZ: lambda file: _Xz(file),
    b"BZh": bz2.BZ2File,
}
_BAD = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError, OverflowError)

Wanted = Callable[[str, bytes], bool]
"""Whether a member is of use, by its name and its beginning."""


class TooMuchError(Exception):
    """A limit was reached; the text says which."""


@dataclass
class Room:
    """What may yet be unpacked, of all packed files together."""

    written: int = MAX_BYTES
    read: int = MAX_READ
    members: int = MAX_MEMBERS

    def take(self, what: str, count: int) -> None:
        """Use some of it.

        Raises:
            TooMuchError: there is not that much left.
        """
        left = getattr(self, what) - count
        if left < 0:
            raise TooMuchError(f"it unpacks to more than any report does ({what})")
        setattr(self, what, left)


@dataclass
class Unpacked:
    """What came of one packed file."""

    files: list[Path] = field(default_factory=list)
    members: int = 0
    refused: list[str] = field(default_factory=list)
    """Names of members that would have left the folder, lie too deep in it, or come twice."""
    why: str = ""
    """Why it was not read to its end; empty: it was."""


def is_packed(path: Path) -> bool:
    """A tar file, packed or not, or a single file that xz, bzip2 or zstd packed.

    What gzip packed alone is no such file: all that read databases and logs read it as it is.
    """
    try:
        with closing(_plain(path)) as file:
            head = file.read(512)
    except (*_BAD, FileUnreadable):
        head = b""
    return head[257:262] == b"ustar" or _magic(path) not in (b"", b"\x1f\x8b")


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(8)
    return next((magic for magic in (*_OPENERS, _ZSTD) if head.startswith(magic)), b"")


def _plain(path: Path) -> Any:
    """A file's bytes, unpacked.

    Raises:
        FileUnreadable: nothing here unpacks it.
        NotPermitted: it may not be read.
    """
    try:
        magic = _magic(path)
        if magic == _ZSTD:
            return _zstd(path)
        file = path.open("rb")
    except PermissionError:
        raise NotPermitted(f"{path} may not be read.", "Run as its owner, or as root.") from None
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read ({error.strerror}).", "Check it.") from None
    return _OPENERS[magic](file) if magic else file


def _zstd(path: Path) -> Any:
    try:
        zstd: Any = importlib.import_module("compression.zstd")  # Python 3.14 and later
    except ImportError:
        raise FileUnreadable(
            f"{path} is packed by zstd, which this Python cannot unpack.",
            f"Unpack it: unzstd {path.name}",
        ) from None
    return zstd.open(path)


class _Xz:
    """The content of an xz file, one stream or several, in bounded memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._stream = self._new()

    def close(self) -> None:
        """Close the file that it comes from."""
        self._file.close()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)

    def seek(self, place: int) -> int:
        """Back to the beginning, which is the only place that can be gone to."""
        self._stream = self._new()
        return self._file.seek(place)

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at its end."""
        parts = bytearray()
        while len(parts) < size:
            packed = b""
            if self._stream.eof:
                packed = self._next()
                if not packed:
                    break
                self._stream = self._new()
            elif self._stream.needs_input:
                packed = self._file.read(_BITE)
                if not packed:
                    raise EOFError
            try:
                parts += self._stream.decompress(packed, size - len(parts))
            except lzma.LZMAError as error:
                if "emory" in str(error):
                    raise lzma.LZMAError(
                        f"it asks for more than {_XZ_MEMORY >> 20} MiB of memory to unpack it"
                    ) from None
                raise
        return bytes(parts)

    def _next(self) -> bytes:
        """The beginning of another stream; empty where what follows is the end, or is none."""
        rest = self._stream.unused_data
        while more := self._file.read(_BITE) if len(rest) < len(_XZ) else b"":
            rest = (rest + more).lstrip(b"\0")  # streams may be padded (The .xz File Format, 2.2)
        rest = rest.lstrip(b"\0")
        return rest if rest.startswith(_XZ) else b""


class _Counted:
    """Bytes of a packed file, as far as there is room for them."""

    def __init__(self, file: Any, room: Room) -> None:
        self._file = file
        self._room = room

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        self._room.take("read", len(data))
        return data


class _Member(tarfile.TarInfo):
    """A member whose own headers are of a sane size and number: tarfile reads each of them whole."""

    def _proc_member(self, tar: _Tar) -> Any:
        if not self.isreg() and self.size > _HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        tar.headers = tar.headers + 1 if self.type in _EXTENDED else 0
        tar.work += self.size**2 if self.type in _EXTENDED else 0
        if tar.headers > _HEADERS or tar.work > _WORK:
            raise tarfile.ReadError("it has more extended headers than any report")
        return super()._proc_member(tar)  # type: ignore[misc]


_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _Tar(tarfile.TarFile):
    headers = 0
    """Extended ones since the last member."""
    work = 0
    """What all of them took, in squares of their bytes."""


def unpack(path: Path, into: Path, room: Room, wanted: Wanted) -> Unpacked:
    """Write what is wanted of a packed file to a folder, under the names that it has there.

    A file that was cut short, or is damaged, gives what it holds before that.

    Raises:
        FileUnreadable: nothing here unpacks it.
        NotPermitted: it may not be read.
    """
    found = Unpacked()
    with closing(_plain(path)) as file:
        try:
            head = file.read(512)
            again = file.seek(0) == 0
        except _BAD as error:
            found.why = _reason(error)
            return found
        if not again:
            raise FileUnreadable(f"{path} cannot be read twice.", "Name a plain file.")
        try:
            if head[257:262] == b"ustar":
                _members(_Counted(file, room), into, room, wanted, found)
            else:
                _one(_Counted(file, room), into / (path.stem or "file"), room, found)
        except TooMuchError as error:
            found.why = str(error)
        except _BAD as error:
            found.why = _reason(error)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it is cut short"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _members(file: _Counted, into: Path, room: Room, wanted: Wanted, found: Unpacked) -> None:
    with _Tar.open(fileobj=file, mode="r|", tarinfo=_Member) as tar:  # type: ignore[call-overload]
        for member in tar:
            tar.members = []  # or it keeps all of them
            found.members += 1
            room.take("members", 1)
            if not member.isreg():
                continue
            target = _target(into, member.name)
            if target is None:
                found.refused.append(member.name)
                continue
            content = tar.extractfile(member)
            head = content.read(HEAD) if content else b""
            if content and wanted(member.name, head):
                try:
                    _write(target, head, content, room, member.mtime)
                except (FileExistsError, NotADirectoryError):
                    found.refused.append(member.name)
                else:
                    found.files.append(target)


def _one(file: _Counted, target: Path, room: Room, found: Unpacked) -> None:
    found.members = 1
    _write(target, b"", file, room, 0)
    found.files.append(target)


def _target(into: Path, name: str) -> Path | None:
    """Where a member goes; None where its name is none that a folder may hold."""
    parts = PurePosixPath(name.encode(errors="replace").decode()).parts
    sane = parts and all(part != ".." and "\0" not in part and len(part) < 256 for part in parts)
    if not sane or name.startswith("/") or len(parts) > MAX_FOLDERS:
        return None
    return into.joinpath(*parts)


def _write(target: Path, head: bytes, content: Any, room: Room, moment: float) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Exclusive: of two members of one name the first counts, and none goes through a link.
    with os.fdopen(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
    ) as out:
        for data in _chunks(head, content):
            room.take("written", len(data))
            out.write(data)
    if 0 < moment < 1 << 40:
        os.utime(target, (moment, moment))  # whoever reads logs goes by when they were written


def _chunks(head: bytes, content: Any) -> Iterator[bytes]:
    yield head
    while data := content.read(_CHUNK):
        yield data
