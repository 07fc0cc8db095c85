"""Facts in one file: a gzipped tar of JSON, read without unpacking.

    manifest.json            what it is (`viftrail.facts.bundle.manifest`)
    owner.json               what the owner of the ports wants
    openstack.json           what Nova, Placement and Neutron say, where they were asked
    gaps.json                what could not be looked at
    northbound/TABLE.json    typed rows of one table
    southbound/TABLE.json
    coverage.json            of tables that are not whole: the questions that were answered in full
    hosts/NAME.json          what the probe saw there
    logs.json                what was kept of the logs, where they were read

Members may be missing or more, so that format 1 has been read and written since the first
release: a reader that does not know coverage.json takes less for proved, and nothing for wrong.

A member that is not listed here is not read, nothing is ever written to disk
while reading, and sizes are bounded, so a hostile file can do no more than
be refused. The gzip checksum covers all of it: a bundle that was cut short or
changed on its way is refused too. Secrets are taken out while it is written
(`viftrail.facts.redaction`), from every text alike.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

import msgspec

from viftrail.errors import (
    CannotWrite,
    DamagedBundle,
    FileUnreadable,
    NotPermitted,
    ProtocolError,
)
from viftrail.facts import northbound, southbound
from viftrail.facts.bundle.archive import BadArchiveError, Draft, Readable, drafted, members, shown
from viftrail.facts.bundle.manifest import Manifest
from viftrail.facts.database import Database
from viftrail.facts.density import is_sparse
from viftrail.facts.draft import whole_file
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.openstack import OpenStack
from viftrail.facts.ovsdb.values import decoder_of
from viftrail.facts.owner import Owner
from viftrail.facts.redaction import Redactor, may_hold
from viftrail.facts.row import Row
from viftrail.facts.table import Question, Table

FORMAT = 1
STDIN = "-"
"""The name of what comes by standard input."""

_BITE = 500
"""Rows that are looked through for secrets at once."""

_FOREVER = 4e11
"""An end of time that JSON can write; it knows no infinity."""

FEW_VALUES, VALUES_PER_BYTE = 1 << 18, 2
"""How many values all members may hold, and how many more for each byte read of the packed file.
A row has a UUID, which no packing shortens: real clouds have 0.3, their densest member 0.5."""

_FOLDERS = {"northbound": northbound.TABLES, "southbound": southbound.TABLES}
_COVERAGE = "coverage.json"
_encode = msgspec.json.Encoder(order="deterministic").encode


class _Format(msgspec.Struct, frozen=True):
    """The part of a manifest that is the same in every format."""

    format: int
    tool: str = ""


# Writing


def write(path: Path, facts: Facts, manifest: Manifest) -> Manifest:
    """Write a bundle, without secrets; the file appears whole or not at all.

    Returns:
        The manifest as it stands there: with the members, and what was taken out.

    Raises:
        CannotWrite: it could not be written.
    """
    with whole_file(path, 0o600) as draft:
        return pack(draft, facts, manifest)


def write_out(out: BinaryIO, facts: Facts, manifest: Manifest) -> Manifest:
    """The same to an open stream, such as standard output.

    Raises:
        CannotWrite: it could not be written.
    """
    try:
        made = pack(out, facts, manifest)
        out.flush()
    except OSError as error:
        raise CannotWrite(
            f"The bundle could not be written ({error.strerror or error}).",
            "Look what reads it, or name a file with -o.",
        ) from error
    return made


def pack(out: BinaryIO, facts: Facts, manifest: Manifest) -> Manifest:
    """A bundle into a stream.

    Raises:
        OSError: it could not be written.
    """
    redactor = Redactor()
    databases = dict(zip(_FOLDERS, (facts.nb, facts.sb), strict=True))
    tables = {
        f"{folder}/{row.table}.json": (folder, database[row])
        for folder, database in databases.items()
        for row in database
        if _was_read(database, row, sliced=bool(manifest.targets))
    }
    coverage = {
        name: sorted(table.answered)
        for name, (_, table) in tables.items()
        if table.answered and not table.complete
    }
    with drafted(out) as (draft, head):

        def add(name: str, value: Any) -> None:
            draft.add(name, [_hidden(redactor, value, name)])

        add("owner.json", facts.owner)
        if facts.openstack.asked:
            add("openstack.json", facts.openstack)
        add("gaps.json", [[gap.place, gap.why, gap.how] for gap in facts.gaps])
        for name, (_, table) in tables.items():
            draft.add(name, _rows(redactor, table.rows, name))
        if coverage:
            add(_COVERAGE, coverage)
        for name, host in facts.hosts.items():
            add(f"hosts/{_file_name(name)}.json", host)
        if facts.logs:
            add("logs.json", _finite(facts.logs))
        manifest = _completed(manifest, tables, redactor, draft)
        head.append(("manifest.json", _encode(manifest)))
    return manifest


def _completed(
    manifest: Manifest, tables: dict[str, Any], redactor: Redactor, draft: Draft
) -> Manifest:
    """With what is known at the end. It goes through the redactor like the rest."""
    plain = msgspec.structs.replace(
        manifest, partial=tuple(name for name, (_, table) in tables.items() if not table.complete)
    )
    made = msgspec.convert(redactor.tree(msgspec.to_builtins(plain), "manifest.json"), Manifest)
    return msgspec.structs.replace(made, members=dict(draft.sizes), redactions=redactor.report)


def _was_read(database: Database, row: type[Row], *, sliced: bool) -> bool:
    """A table that was not read is not an empty one.

    Of a slice every table of its database belongs to it: it was not asked for because the trail
    does not go there.
    """
    own = (row,) if not sliced else tuple(database)
    return any(t.complete or t.rows or t.answered for t in (database[each] for each in own))


def _hidden(redactor: Redactor, value: Any, name: str) -> bytes:
    content = _encode(value)
    if may_hold(content):
        place = name.removesuffix(".json")
        return _encode(redactor.tree(msgspec.to_builtins(value), place))
    return content


def _rows(redactor: Redactor, rows: tuple[Row, ...], name: str) -> Iterator[bytes]:
    """A list of rows, bite by bite: most hold nothing that is worth a closer look."""
    place = name.removesuffix(".json")
    left = iter(rows)
    between = b"["
    while bite := list(islice(left, _BITE)):
        content = _encode(bite)
        if may_hold(content):
            content = _encode(redactor.tree(msgspec.to_builtins(bite), place))
        yield between + content[1:-1]
        between = b","
    yield b"]" if rows else b"[]"


def _file_name(host: str) -> str:
    """A host's name as a file's: it may have been called anything."""
    return quote(host, safe=" !#$&'()+,:;=@[]^`{}~")


def _finite(logs: Logs) -> Logs:
    start, end = logs.window.start, logs.window.end
    window = Window(max(start, -_FOREVER), min(end, _FOREVER))
    return msgspec.structs.replace(logs, window=window)


# Reading


def read(path: Path) -> tuple[Facts, Manifest]:
    """Read a bundle: a file, a pipe, or (``-``) standard input.

    Raises:
        FileUnreadable: there is no such file.
        NotPermitted: it may not be read.
        DamagedBundle: it is no bundle, is cut short, or does not fit together.
    """
    name = "Standard input" if str(path) == STDIN else str(path)
    try:
        with _open(path) as file:
            content = dict(_content(name, file))
    except FileNotFoundError as error:
        raise FileUnreadable(f"There is no file {path}.", "Check the name.") from error
    except PermissionError as error:
        raise NotPermitted(f"{path} may not be read.", "Run as its owner, or as root.") from error
    except _BAD as error:
        raise _damaged(name, str(error) or "it ends too early") from error
    return _assemble(name, content)


_BAD = (BadArchiveError, OSError, msgspec.MsgspecError, ValueError, RecursionError)


def is_bundle(path: Path) -> bool:
    """Whether a plain file begins as a bundle does; what else it holds is not looked at."""
    try:
        with path.open("rb") as file:
            return any(member.name == "manifest.json" for member in islice(members(file), 1))
    except (BadArchiveError, OSError):
        return False


class _Pipe:
    """A pipe of which the first byte was taken, to see whether somebody writes into it."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first + self._rest.read(size - len(first))


@contextmanager
def _open(path: Path) -> Iterator[Readable]:
    if str(path) == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise FileUnreadable(
                "Nothing is given to standard input.", "Pipe a bundle into it, or name a file."
            )
        yield sys.stdin.buffer
        return
    # Without O_NONBLOCK a named pipe would wait for a writer.
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    kind = os.fstat(number).st_mode
    first = _first_of_pipe(number) if stat.S_ISFIFO(kind) else None
    if not stat.S_ISREG(kind) and first is None:
        os.close(number)
        raise FileUnreadable(f"{path} is no plain file.", "Name the bundle file itself.")
    os.set_blocking(number, True)
    with os.fdopen(number, "rb") as file:
        yield file if first is None else _Pipe(first, file)


def _first_of_pipe(pipe: int) -> bytes | None:
    """The first byte, or none as yet; None where nobody has it open for writing (pipe(7))."""
    try:
        return os.read(pipe, 1) or None
    except BlockingIOError:
        return b""


def _content(path: str, file: Readable) -> Iterator[tuple[str, Any]]:
    """Every known member, decoded; at the end the file has been checked as a whole."""
    seen: set[str] = set()
    values = 0
    for member in members(file):
        wanted = _type_of(member.name)
        if wanted is None:
            continue
        if member.name in seen:
            raise BadArchiveError(f"it holds {shown(member.name)} twice")
        seen.add(member.name)
        content = member.read()
        if member.name == "manifest.json":
            _check_format(path, msgspec.json.decode(content, type=_Format))
        if is_sparse(content):
            raise BadArchiveError(f"{shown(member.name)} is made of nearly nothing")
        values += sum(content.count(sign) for sign in (b",", b"{", b"["))
        if values > FEW_VALUES + VALUES_PER_BYTE * member.packed:
            raise BadArchiveError(f"{shown(member.name)} holds more rows than a file of its size")
        yield member.name, decoder_of(wanted).decode(content)


def _check_format(path: str, found: _Format) -> None:
    if found.format != FORMAT:
        raise DamagedBundle(
            f"{path} is a bundle of format {found.format}; this viftrail reads {FORMAT}.",
            f"Use the version that wrote it ({found.tool[:80]}).",
        )


def _damaged(path: str, why: str) -> DamagedBundle:
    return DamagedBundle(
        f"{path} is not a whole viftrail bundle ({why}).",
        "Copy it again, or collect anew with `viftrail collect`.",
    )


_PLAIN: dict[str, Any] = {
    "manifest.json": Manifest,
    "owner.json": Owner,
    "openstack.json": OpenStack,
    "gaps.json": list[tuple[str, str, str]],
    "logs.json": Logs,
    _COVERAGE: dict[str, list[Question]],
}


def _type_of(name: str) -> Any:
    """The type of a known member; None for anything else."""
    if name in _PLAIN:
        return _PLAIN[name]
    folder, _, rest = name.partition("/")
    base = rest.removesuffix(".json")
    if not rest.endswith(".json") or "/" in base or not base:
        return None
    if folder == "hosts":
        return Host
    row = next((row for row in _FOLDERS.get(folder, ()) if row.table == base), None)
    return list[row] if row else None  # type: ignore[valid-type]


def _assemble(path: str, content: dict[str, Any]) -> tuple[Facts, Manifest]:
    manifest = content.get("manifest.json")
    if not isinstance(manifest, Manifest):
        raise _damaged(path, "it has no manifest")
    missing = [name for name in ("owner.json", "gaps.json") if name not in content]
    if missing:
        raise _damaged(path, f"it lacks {', '.join(missing)}")
    answered = content.get(_COVERAGE, {})
    databases = {
        folder: Database(
            {
                row: Table(
                    content[name],
                    complete=name not in manifest.partial,
                    answered=answered.get(name, ()),
                )
                for row in rows
                if (name := f"{folder}/{row.table}.json") in content
            }
        )
        for folder, rows in _FOLDERS.items()
    }
    hosts = {
        unquote(name.removeprefix("hosts/").removesuffix(".json")): host
        for name, host in sorted(content.items())
        if name.startswith("hosts/")
    }
    facts = Facts(
        nb=databases["northbound"],
        sb=databases["southbound"],
        hosts=hosts,
        owner=content["owner.json"],
        openstack=content.get("openstack.json", OpenStack()),
        gaps=tuple(Gap(*gap) for gap in content["gaps.json"]),
        logs=content.get("logs.json", Logs()),
    )
    _decode_all(path, hosts)
    return facts, manifest


def _decode_all(path: str, hosts: dict[str, Host]) -> None:
    """Hosts keep their conf.db in wire form; see now whether it can be typed."""
    for name, host in hosts.items():
        try:
            _ = host.conf
        except ProtocolError as error:
            raise _damaged(path, f"host {name}: {error.what}") from error
