"""Facts in one file: a gzipped tar of JSON, read without unpacking.

    manifest.json            format, tool version, when, from where
    owner.json               what the owner of the ports wants
    gaps.json                what could not be looked at
    northbound/TABLE.json    typed rows of one table
    southbound/TABLE.json
    hosts/NAME.json          what the probe saw there

A member that is not listed here is not read, nothing is ever written to disk
while reading, and sizes are bounded, so a hostile file can do no more than
be refused.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from viftrail.errors import (
    CannotWrite,
    DamagedBundle,
    FileUnreadable,
    NotPermitted,
    ProtocolError,
)
from viftrail.facts import northbound, southbound
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.owner import Owner
from viftrail.facts.table import Table

FORMAT = 1
MAX_MEMBER = 2 << 30
MAX_TOTAL = 8 << 30
"""Bytes after decompression; the largest known Southbound is 615 MB."""

_FOLDERS = {"northbound": northbound.TABLES, "southbound": southbound.TABLES}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle is. ``time`` is ISO 8601 in UTC."""

    format: int
    tool: str
    time: str
    source: str


def write(path: Path, facts: Facts, manifest: Manifest) -> None:
    """Write a bundle; the file appears whole or not at all.

    Raises:
        CannotWrite: it could not be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as draft:
            draft_path = Path(draft.name)
            try:
                with tarfile.open(fileobj=draft, mode="w:gz", compresslevel=6) as archive:
                    for name, content in _members(facts, manifest):
                        member = tarfile.TarInfo(name)
                        member.size = len(content)
                        archive.addfile(member, io.BytesIO(content))
                draft_path.chmod(0o600)
                draft_path.replace(path)
            except BaseException:
                draft_path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CannotWrite(
            f"{path} could not be written ({error.strerror or error}).",
            "Choose another place with -o; nothing was left behind.",
        ) from error


def _members(facts: Facts, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    encode = msgspec.json.Encoder(order="deterministic").encode
    yield "manifest.json", encode(manifest)
    yield "owner.json", encode(facts.owner)
    yield "gaps.json", encode([[gap.place, gap.why, gap.how] for gap in facts.gaps])
    for folder, database in (("northbound", facts.nb), ("southbound", facts.sb)):
        for row in database:
            if database[row].complete:  # a table that was not read is not an empty one
                yield f"{folder}/{row.table}.json", encode(database[row].rows)
    for name, host in facts.hosts.items():
        yield f"hosts/{name}.json", encode(host)


def read(path: Path) -> tuple[Facts, Manifest]:
    """Read a bundle.

    Raises:
        FileUnreadable: there is no such file.
        NotPermitted: it may not be read.
        DamagedBundle: it is no bundle, is cut short, or does not fit together.
    """
    content: dict[str, Any] = {}
    try:
        with tarfile.open(path, mode="r|gz") as archive:
            total = 0
            for member in archive:
                total += member.size
                if member.size > MAX_MEMBER or total > MAX_TOTAL:
                    raise _damaged(path, f"{member.name} is larger than any cloud's")
                wanted = _type_of(member.name) if member.isfile() else None
                if wanted is not None:
                    file = archive.extractfile(member)
                    text = file.read() if file else b""
                    content[member.name] = msgspec.json.decode(text, type=wanted)
    except FileNotFoundError as error:
        raise FileUnreadable(f"There is no file {path}.", "Check the name.") from error
    except PermissionError as error:
        raise NotPermitted(f"{path} may not be read.", "Run as its owner, or as root.") from error
    except IsADirectoryError as error:
        raise FileUnreadable(f"{path} is a folder.", "Name the bundle file itself.") from error
    except (tarfile.TarError, EOFError, OSError, zlib.error, msgspec.MsgspecError) as error:
        raise _damaged(path, str(error) or "it ends too early") from error
    return _assemble(path, content)


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
                row: Table(content[f"{folder}/{row.table}.json"], complete=True)
                for row in rows
                if f"{folder}/{row.table}.json" in content
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
