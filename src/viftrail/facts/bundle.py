"""Facts in one file: a gzipped tar of JSON, read without unpacking.

    manifest.json            format, tool version, when, from where
    owner.json               what the owner of the ports wants
    openstack.json           what Nova, Placement and Neutron say, where they were asked
    gaps.json                what could not be looked at
    northbound/TABLE.json    typed rows of one table
    southbound/TABLE.json
    hosts/NAME.json          what the probe saw there

A member that is not listed here is not read, nothing is ever written to disk
while reading, and sizes are bounded, so a hostile file can do no more than
be refused. The gzip checksum covers all of it: a bundle that was cut short or
changed on its way is refused too.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from viftrail.errors import (
    DamagedBundle,
    FileUnreadable,
    NotPermitted,
    ProtocolError,
)
from viftrail.facts import northbound, southbound
from viftrail.facts.database import Database
from viftrail.facts.draft import whole_file
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.openstack import OpenStack
from viftrail.facts.owner import Owner
from viftrail.facts.table import Table

FORMAT = 1
MAX_MEMBER = 512 << 20
MAX_TOTAL = 2 << 30
"""Bytes after decompression. The ports of a cloud of 200,000 are about 200 MB."""

_CHUNK = 1 << 20

_FOLDERS = {"northbound": northbound.TABLES, "southbound": southbound.TABLES}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle is. ``time`` is ISO 8601 in UTC."""

    format: int
    tool: str
    time: str
    source: str
    partial: tuple[str, ...] = ()
    """Members that lack rows, so that a row's absence from them proves nothing."""


def write(path: Path, facts: Facts, manifest: Manifest) -> None:
    """Write a bundle; the file appears whole or not at all.

    Raises:
        CannotWrite: it could not be written.
    """
    with (
        whole_file(path, 0o600) as draft,
        tarfile.open(fileobj=draft, mode="w:gz", compresslevel=6) as archive,
    ):
        for name, content in _members(facts, manifest):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _members(facts: Facts, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    encode = msgspec.json.Encoder(order="deterministic").encode
    tables = {
        f"{folder}/{row.table}.json": database[row]
        for folder, database in (("northbound", facts.nb), ("southbound", facts.sb))
        for row in database
    }
    partial = tuple(name for name, table in tables.items() if not table.complete and table.rows)
    yield "manifest.json", encode(msgspec.structs.replace(manifest, partial=partial))
    yield "owner.json", encode(facts.owner)
    if facts.openstack.asked:
        yield "openstack.json", encode(facts.openstack)
    yield "gaps.json", encode([[gap.place, gap.why, gap.how] for gap in facts.gaps])
    for name, table in tables.items():
        if table.complete or table.rows:  # a table that was not read is not an empty one
            yield name, encode(table.rows)
    for name, host in facts.hosts.items():
        yield f"hosts/{name}.json", encode(host)


def read(path: Path) -> tuple[Facts, Manifest]:
    """Read a bundle.

    Raises:
        FileUnreadable: there is no such file.
        NotPermitted: it may not be read.
        DamagedBundle: it is no bundle, is cut short, or does not fit together.
    """
    try:
        with _open(path) as file, gzip.GzipFile(fileobj=file) as plain:
            content = dict(_content(path, plain))
    except FileNotFoundError as error:
        raise FileUnreadable(f"There is no file {path}.", "Check the name.") from error
    except PermissionError as error:
        raise NotPermitted(f"{path} may not be read.", "Run as its owner, or as root.") from error
    except _BAD as error:
        raise _damaged(path, str(error) or "it ends too early") from error
    return _assemble(path, content)


_BAD = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    msgspec.MsgspecError,
    ValueError,
    OverflowError,
    RecursionError,
)


def _open(path: Path) -> BinaryIO:
    # Without O_NONBLOCK a named pipe would wait for a writer.
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise FileUnreadable(f"{path} is no plain file.", "Name the bundle file itself.")
    return os.fdopen(number, "rb")


def _content(path: Path, plain: gzip.GzipFile) -> Iterator[tuple[str, Any]]:
    """Every known member, decoded; at the end the file has been checked as a whole."""
    total = 0
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            total += member.size
            if member.size > MAX_MEMBER or total > MAX_TOTAL:
                raise _damaged(path, f"{member.name} is larger than any cloud's")
            wanted = _type_of(member.name) if member.isfile() else None
            if wanted is not None:
                file = archive.extractfile(member)
                yield member.name, msgspec.json.decode(file.read() if file else b"", type=wanted)
    while chunk := plain.read(_CHUNK):
        total += len(chunk)
        if total > MAX_TOTAL:
            raise _damaged(path, "it does not end")


def _damaged(path: Path, why: str) -> DamagedBundle:
    return DamagedBundle(
        f"{path} is not a whole viftrail bundle ({why}).",
        "Copy it again, or collect anew with `viftrail collect`.",
    )


def _type_of(name: str) -> Any:
    """The type of a known member; None for anything else."""
    plain: dict[str, Any] = {
        "manifest.json": Manifest,
        "owner.json": Owner,
        "openstack.json": OpenStack,
        "gaps.json": list[tuple[str, str, str]],
    }
    if name in plain:
        return plain[name]
    folder, _, rest = name.partition("/")
    base = rest.removesuffix(".json")
    if not rest.endswith(".json") or "/" in base or not base:
        return None
    if folder == "hosts":
        return Host
    row = next((row for row in _FOLDERS.get(folder, ()) if row.table == base), None)
    return list[row] if row else None  # type: ignore[valid-type]


def _assemble(path: Path, content: dict[str, Any]) -> tuple[Facts, Manifest]:
    manifest = content.get("manifest.json")
    if not isinstance(manifest, Manifest):
        raise _damaged(path, "it has no manifest")
    if manifest.format != FORMAT:
        raise DamagedBundle(
            f"{path} is a bundle of format {manifest.format}; this viftrail reads {FORMAT}.",
            f"Use the version that wrote it ({manifest.tool}).",
        )
    missing = [name for name in ("owner.json", "gaps.json") if name not in content]
    if missing:
        raise _damaged(path, f"it lacks {', '.join(missing)}")
    databases = {
        folder: Database(
            {
                row: Table(content[name], complete=name not in manifest.partial)
                for row in rows
                if (name := f"{folder}/{row.table}.json") in content
            }
        )
        for folder, rows in _FOLDERS.items()
    }
    hosts = {
        name.removeprefix("hosts/").removesuffix(".json"): host
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
    )
    _decode_all(path, hosts)
    return facts, manifest


def _decode_all(path: Path, hosts: dict[str, Host]) -> None:
    """Hosts keep their conf.db in wire form; see now whether it can be typed."""
    for name, host in hosts.items():
        try:
            _ = host.conf
        except ProtocolError as error:
            raise _damaged(path, f"host {name}: {error.what}") from error
