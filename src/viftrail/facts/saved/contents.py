"""Which files there are in what an operator has saved, and what each of them is.

Folders, packed reports and single files, as many as were named; packed files in them are unpacked
to a private folder that goes when it is no longer needed (archive.py). Every file is told by what
is in it (kind.py). Nothing else is written, and no link is followed.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from viftrail.errors import FileUnreadable, NotPermitted, ViftrailError
from viftrail.facts.saved.archive import HEAD, MAX_DEPTH, Room, is_packed, unpack
from viftrail.facts.saved.kind import RECORD, Kind, kind_of
from viftrail.facts.saved.listing import table_named
from viftrail.facts.saved.sosreport import COMMANDS, Output, Report
from viftrail.facts.saved.walk import made_up, plain_files

AS_OWNER = "Run as its owner, or as root."

_TOLD = 5
"""Of what was left out, how much an error tells."""

_NAME = re.compile(rb'"name":\s*"(OVN_Northbound|OVN_Southbound|Open_vSwitch)"')
_PACKED = (b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd")
_HOSTNAME = f"{COMMANDS}/host/hostname"
_CHUNK = 8 << 20
_OVERLAP = 128
_ENDS = 64 << 20, 4 << 20
"""Bytes at either end of a file that nobody recognised in which records are looked for: one that
holds nothing but a hole would take hours."""

_ABOUT_OVN = re.compile(r"(?:(?:podman|docker)[ _]exec[ _].*?[ _])?(?:[\w-]+\.)?ov[ns]-\w+")
"""A command of OVN or Open vSwitch, in a snap or a container too."""

_UNREACHED = re.compile(r"connection failed|cannot connect|failed to connect|not a bridge")
_TOOLS = {
    "OVN_Northbound": ("ovn-nbctl",),
    "OVN_Southbound": ("ovn-sbctl",),
    "Open_vSwitch": ("ovs-vsctl", "ovs-ofctl"),
}
"""Who asks which database, or whom its file brings along."""

_IDLE = frozenset({Kind.OTHER, Kind.EMPTY, Kind.PID, Kind.MANIFEST})
"""What says nothing by itself."""


@dataclass
class Contents:
    """The files of all places, by what they are."""

    places: list[Path]
    databases: dict[str, list[Path]] = field(default_factory=dict)
    remains: list[Path] = field(default_factory=list)
    """OVSDB files whose beginning is gone."""
    answers: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    kinds: dict[Path, Kind] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """What was not recognised, by its path within the folder."""
    unreadable: list[str] = field(default_factory=list)
    """Files and folders that could not be read, and why."""
    denied: bool = False
    """Some of them only because of who asked."""
    notes: list[str] = field(default_factory=list)
    """What was left out of packed files, and why."""
    labels: dict[Path, str] = field(default_factory=dict)
    """Folders that files were unpacked to, and what they were unpacked from."""
    _scratch: tempfile.TemporaryDirectory[str] | None = None

    def name(self, path: Path) -> str:
        """A file by its path within the place that it is in; bytes that are no UTF-8 are lost."""
        return self._name(path).encode(errors="replace").decode()

    def _name(self, path: Path) -> str:
        for folder in path.parents:
            if folder in self.labels:
                return f"{self.labels[folder]}: {path.relative_to(folder)}"
            if folder in self.places:
                inner = str(path.relative_to(folder))
                return inner if len(self.places) == 1 else f"{folder.name}/{inner}"
        return path.name

    def refuse(self, path: Path, error: OSError) -> None:
        """Note a file or folder that could not be read."""
        self.denied = self.denied or isinstance(error, PermissionError)
        name = self.name(path) if path not in self.places else path.name
        self.unreadable.append(f"{name} ({error.strerror or error})")

    def report_of(self, path: Path) -> Report | None:
        """The sosreport that a file is of."""
        return next((report for report in self.reports if path in report.files), None)

    def loose(self) -> list[Output]:
        """Outputs that are of no sosreport, so that nobody knows whose host they are of."""
        return [
            Output(path, self.kinds[path], path.name.replace("_", " "))
            for path in self.outputs
            if self.report_of(path) is None
        ]

    def failed(self) -> list[str]:
        """Commands of OVN or Open vSwitch that reached nobody where somebody was due.

        sos runs them all on every host: what is not meant to run there is not told.
        """
        found: dict[str, None] = {}
        for report in self.reports:
            due = {
                tool
                for name, tools in _TOOLS.items()
                if any(path in report.files for path in self.databases.get(name, ()))
                for tool in tools
            }
            for output in report.outputs():
                if output.kind is Kind.OTHER and _ABOUT_OVN.match(output.command):
                    said = output.text().strip().rpartition("\n")[2]
                    if _UNREACHED.search(said) and said.partition(":")[0] in due:
                        found[f"{report.name}: {said[:160]}"] = None
        return list(found)

    def scratch(self) -> Path:
        """A new private folder."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(
                prefix="viftrail-", ignore_cleanup_errors=True
            )
        return Path(tempfile.mkdtemp(dir=self._scratch.name))

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._scratch is not None:
            self._scratch.cleanup()


def sort_out(*places: Path) -> Contents:
    """What each file of these places is.

    Raises:
        FileUnreadable: there is no such place, or nothing in it is known.
        NotPermitted: a place may not be read, or nothing that may is known.
    """
    found = Contents(list(places))
    room = Room()
    try:
        for place in places:
            _add(found, place, room)
        _find_reports(found)
        for path, kind in found.kinds.items():
            _place(found, path, kind)
    except BaseException:
        found.close()
        raise
    known = (found.databases, found.remains, found.answers, found.tables, found.logs, found.outputs)
    if not any(known):
        found.close()
        raise _nothing(found)
    return found


def _nothing(found: Contents) -> ViftrailError:
    told = [*found.notes, *found.unreadable]
    more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    why = f" ({'; '.join(told[:_TOLD])}{more})" if told else ""
    what = (
        f"Nothing in {', '.join(map(str, found.places))} is known: no OVSDB file, no answer of "
        f"OpenStack, no output of OVN, no log{why}."
    )
    if found.denied:
        return NotPermitted(what, AS_OWNER)
    return FileUnreadable(
        what,
        "Name a sosreport, or a folder with copies of the databases, of "
        "`openstack … -f json` and of logs.",
    )


def _add(found: Contents, place: Path, room: Room) -> None:
    try:
        status = place.stat()
    except PermissionError:
        raise NotPermitted(f"{place} may not be looked at.", AS_OWNER) from None
    except (OSError, ValueError):
        status = None
    if status and status.st_dev in made_up():
        raise FileUnreadable(
            f"{place} is made up by the kernel: nothing is saved there.",
            "Name the sosreport, or the folder that holds the files.",
        )
    if status and stat.S_ISDIR(status.st_mode):
        for path in list(plain_files(place, found.refuse)):  # all of them, or none is opened
            _file(found, path, found.name(path), room, 0)
    elif status and stat.S_ISREG(status.st_mode):
        _file(found, place, place.name, room, 0, named=True)
    else:
        kind = "no plain file" if os.path.lexists(place) else "no folder"
        raise FileUnreadable(
            f"{place} is {kind}.", "Name the sosreport, or the folder that holds the files."
        )


def is_known(path: Path) -> bool:
    """Whether a file by itself is something of use: packed, or told by its beginning.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    packed = _may_be_packed(head) and is_packed(path)
    return packed or kind_of(_plain(head)) not in (Kind.OTHER, Kind.EMPTY)


def _file(
    found: Contents, path: Path, label: str, room: Room, depth: int, *, named: bool = False
) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if _may_be_packed(head) and is_packed(path):
            _unpack(found, path, label, room, depth)
            return
    except OSError as error:
        if named and isinstance(error, PermissionError):
            raise NotPermitted(f"{path} may not be read.", AS_OWNER) from None
        if named:
            raise FileUnreadable(
                f"{path} cannot be read ({error.strerror}).", "Check it."
            ) from None
        found.refuse(path, error)
        return
    except ViftrailError as error:
        if named:
            raise
        found.notes.append(f"{error.what} {error.do}".replace(str(path), label))
        return
    found.kinds[path] = kind_of(_plain(head))


def _may_be_packed(head: bytes) -> bool:
    return head.startswith(_PACKED) or head[257:262] == b"ustar"


def _plain(head: bytes) -> bytes:
    """A file's beginning, unpacked where it is gzipped."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b"\0"


def _unpack(found: Contents, path: Path, label: str, room: Room, depth: int) -> None:
    if depth >= MAX_DEPTH:
        found.notes.append(f"{label} was left packed: it is packed {depth} times")
        return
    into = found.scratch()
    found.labels[into] = label
    came = unpack(path, into, room, _wanted)
    if came.why:
        found.notes.append(f"{label} was not read to its end: {came.why}")
    if came.refused:
        found.notes.append(
            f"{label} holds {len(came.refused)} members that were left out for their names, "
            f"such as {came.refused[0]!r:.80}"
        )
    for inner in came.files:
        _file(found, inner, f"{label}: {inner.relative_to(into)}", room, depth + 1)


def _wanted(name: str, head: bytes) -> bool:
    """Whether a member of a packed file is worth unpacking."""
    plain = _plain(head)
    if _may_be_packed(plain) or (plain is head and _may_be_packed(head)):
        return True
    kind = kind_of(plain)
    if kind is Kind.EMPTY:
        return table_named(name) is not None
    if kind is Kind.PID:
        return name.endswith(".pid")
    if kind is Kind.OTHER:
        base = name.rpartition("/")[2]
        return name.endswith(_HOSTNAME) or ".db" in base or bool(_ABOUT_OVN.match(base))
    return True


def _find_reports(found: Contents) -> None:
    roots: dict[Path, Report] = {}
    for path in found.kinds:
        if COMMANDS in path.parts:
            root = Path(*path.parts[: path.parts.index(COMMANDS)])
            roots.setdefault(root, Report(root))
    for path, kind in found.kinds.items():
        report = next((roots[folder] for folder in path.parents if folder in roots), None)
        if report:
            # What ovs-appctl complains of looks like a line of a log.
            complaint = COMMANDS in path.parts and _ABOUT_OVN.match(path.name)
            report.files[path] = Kind.OTHER if kind is Kind.LOG and complaint else kind
    for report in roots.values():
        found.kinds |= report.files
    found.reports = sorted(roots.values(), key=lambda report: report.time)


def _place(found: Contents, path: Path, kind: Kind) -> None:
    if kind is Kind.DATABASE:
        name = _NAME.search(_beginning(path))
        if name:
            found.databases.setdefault(name.group(1).decode(), []).append(path)
        else:
            found.remains.append(path)
    elif kind is Kind.REMAINS or (kind is Kind.OTHER and ".db" in path.name and _records(path)):
        found.remains.append(path)
    elif kind is Kind.ANSWER:
        found.answers.append(path)
    elif kind is Kind.TABLE:
        found.tables.append(path)
    elif kind is Kind.LOG:
        found.logs.append(path)
    elif kind not in _IDLE:
        found.outputs.append(path)
    elif kind is Kind.OTHER and found.report_of(path) is None:
        found.others.append(found.name(path))


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(1 << 20)
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1 << 20)
    except zlib.error:
        return b""


def _records(path: Path) -> bool:
    """Whether the file holds OVSDB records behind its beginning, as a tail of a large one does."""
    first, last = _ENDS
    with path.open("rb") as file:
        if _in_next(file, first):
            return True
        file.seek(max(file.tell() - _OVERLAP, os.fstat(file.fileno()).st_size - last))
        return _in_next(file, last)


def _in_next(file: IO[bytes], most: int) -> bool:
    before = b""
    while most > 0 and (chunk := file.read(min(most, _CHUNK))):
        if RECORD.search(before + chunk):
            return True
        before, most = chunk[-_OVERLAP:], most - len(chunk)
    return False
