"""A folder of whatever an operator has saved, as facts.

Every file is told by what is in it, never by what it is called: OVSDB files name their
database, JSON answers are known by their keys, tables and logs by how they look. Several
conf.db are told apart by the system-id and hostname inside. What is none of these is listed
and left alone; nothing is written, no link is followed out of the folder.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from viftrail.errors import FileUnreadable, ViftrailError
from viftrail.facts import cli_table, northbound, southbound, vswitch
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import PROBE_FORMAT, Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.intent import owner_of
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window, parse
from viftrail.facts.log.read import read_logs
from viftrail.facts.openstack_json import Answers
from viftrail.facts.ovsdb.file import StoredDatabase, read_file
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.southbound import Chassis
from viftrail.facts.stored import StoredSource
from viftrail.facts.table import Table
from viftrail.facts.vswitch import OpenVSwitch

SWITCH = "Open_vSwitch"
MAX_FILES = 20_000
MAX_ANSWER = 256 << 20
"""Bytes of one JSON answer. The ports of 100,000 servers are about half of it."""

_HEAD = 4096
_TABLES: dict[str, tuple[type[Row], ...]] = {
    NORTHBOUND: northbound.TABLES,
    SOUTHBOUND: southbound.TABLES,
    SWITCH: vswitch.TABLES,
}
_NAME = re.compile(rb'"name":\s*"(OVN_Northbound|OVN_Southbound|Open_vSwitch)"')
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |__REALTIME_TIMESTAMP"
)
_JSON = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
_JOURNAL = re.compile(r'"__REALTIME_TIMESTAMP"')
"""A line of ``journalctl -o json``."""

_COMMANDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}\s*\n\s+(?:Manager|Bridge)"  # ovs-vsctl show
    r"|\s*cookie=0x|NXST_FLOW|OFPST_FLOW|OFPT_FEATURES_REPLY|recirc_id\(|ufid:"
    r"|(?:switch|router) [0-9a-f]{8}-|Chassis \S+\n|<domain |\s*Id\s+Name\s+State"
    r"|flow-dump from"
)
"""The beginnings of commands' outputs that repeat what the databases hold."""


@dataclass
class Contents:
    """The files of a folder, by what they are."""

    root: Path
    databases: dict[str, list[Path]] = field(default_factory=dict)
    answers: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """What was not recognised, or not readable, by its path within the folder."""

    def name(self, path: Path) -> str:
        """A file by its path within the folder."""
        return str(path.relative_to(self.root))


class FolderSource(StoredSource):
    """A folder's facts, and its logs, of which only what matters is read."""

    def __init__(self, facts: Facts, taken: str, *, contents: Contents) -> None:
        journals = [path for paths in contents.databases.values() for path in paths]
        super().__init__(facts, taken, unseen=NO_CONF, journals=journals)
        self.contents = contents

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, and what was not recognised."""
        return tuple(gap for gap in self._facts.gaps if not gap.place.startswith("host "))

    def logs(self, window: Window, ids: Collection[str]) -> Logs:
        """What its logs say of these ids, within this time."""
        hosts = [*self._facts.hosts, *(row.host for row in self.openstack.services or ())]
        return read_logs(self.contents.logs, window, ids, hosts=hosts)


NO_CONF = (
    "Its conf.db is not in the folder.",
    "Add /etc/openvswitch/conf.db (or /var/lib/openvswitch/conf.db) of that host.",
)


def sort_out(folder: Path) -> Contents:
    """What each file of a folder is.

    Raises:
        FileUnreadable: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise FileUnreadable(f"{folder} is no folder.", "Name the folder that holds the files.")
    found = Contents(folder)
    for path in _files(folder):
        try:
            _place(found, path)
        except OSError as error:
            found.others.append(f"{found.name(path)} ({error.strerror})")
    if not (found.databases or found.answers or found.tables or found.logs):
        raise FileUnreadable(
            f"Nothing in {folder} is known: no OVSDB file, no answer of OpenStack, no log.",
            "Put copies of the databases, of `openstack … -f json` and of logs there.",
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                count += 1
                if count > MAX_FILES:
                    raise FileUnreadable(
                        f"{folder} holds more than {MAX_FILES} files.", "Name a smaller folder."
                    )
                yield path


def _place(found: Contents, path: Path) -> None:
    head = _head(path)
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    start = text.lstrip()
    if head.startswith(b"OVSDB "):
        name = _NAME.search(_head(path, 1 << 20))
        if name:
            found.databases.setdefault(name.group(1).decode(), []).append(path)
        else:
            found.others.append(found.name(path))
    elif _JSON.match(start) and not _JOURNAL.search(start.partition("\n")[0]):
        found.answers.append(path)
    elif cli_table.looks_like_table(text):
        found.tables.append(path)
    elif _COMMANDS.match(text):
        found.outputs.append(path)
    elif b"\0" not in head and _STAMP.search(text):
        found.logs.append(path)
    elif text.strip():
        found.others.append(found.name(path))


def _head(path: Path, size: int = _HEAD) -> bytes:
    """The first bytes, unpacked where the file is gzipped."""
    with path.open("rb") as file:
        head = file.read(size)
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, size)
    except zlib.error:
        return b""


def open_folder(folder: Path, owner: Owner | None = None) -> FolderSource:
    """Everything in a folder, as one source.

    Raises:
        FileUnreadable: there is no such folder, or nothing in it is known.
    """
    contents = sort_out(folder)
    gaps: list[Gap] = []
    stored = {name: list(_databases(contents, name, gaps)) for name in _TABLES}
    answers = _answers(contents)
    openstack = answers.openstack()
    openstack = msgspec.structs.replace(openstack, listed=len(openstack.servers or ()) > 1)
    if answers.refused:
        gaps.append(
            Gap(
                "answers of OpenStack",
                f"{len(answers.refused)} of them are errors: {answers.refused[0]}",
                "Ask again with admin credentials.",
            )
        )
    databases = {}
    for name in (NORTHBOUND, SOUTHBOUND):
        latest = max(stored[name], key=_changed, default=None)
        if latest is None:
            gaps.append(
                Gap(name, "No file of it is in the folder.", "Add it (/var/lib/ovn/ovn?b_db.db).")
            )
        databases[name] = _database(latest, name)
    moments = [_changed(each) for several in stored.values() for each in several]
    said = [*(row.updated for row in openstack.services or ())]
    said += [row.heartbeat for row in openstack.agents or ()]
    spoken = [moment for text in said if (moment := parse(text))]
    taken = max([*spoken, max(moments, default=0) / 1000]) or folder.stat().st_mtime
    hosts = {
        name: host
        for each in sorted(stored[SWITCH], key=_changed)
        if (found := _host(each, databases[SOUTHBOUND], taken))
        for name, host in [found]
    }
    if contents.others:
        gaps.append(_unknown(contents))
    facts = Facts(
        nb=databases[NORTHBOUND],
        sb=databases[SOUTHBOUND],
        hosts=dict(sorted(hosts.items())),
        owner=owner or (owner_of(openstack) if openstack.ports is not None else Owner(kind="ovn")),
        openstack=openstack,
        gaps=tuple(gaps),
    )
    when = datetime.fromtimestamp(taken, timezone.utc).isoformat(timespec="seconds")
    return FolderSource(facts, when, contents=contents)


def _unknown(contents: Contents) -> Gap:
    shown = contents.others[:5]
    more = len(contents.others) - len(shown)
    return Gap(
        f"folder {contents.root.name}",
        f"Not recognised: {', '.join(shown)}" + (f" and {more} more." if more else "."),
        "They were left out; nothing else depends on them.",
    )


def _changed(stored: StoredDatabase) -> int:
    return stored.last_change or 0


def _databases(contents: Contents, name: str, gaps: list[Gap]) -> Iterator[StoredDatabase]:
    for path in contents.databases.get(name, ()):
        try:
            stored = read_file(path, _TABLES[name])
        except ViftrailError as error:
            gaps.append(Gap(contents.name(path), error.what, error.do))
            continue
        if stored.torn:
            gaps.append(
                Gap(
                    name if name != SWITCH else contents.name(path),
                    f"{contents.name(path)} is torn ({stored.torn}).",
                    "Copy it again, with ovsdb-client backup.",
                )
            )
        yield stored


def _database(stored: StoredDatabase | None, name: str) -> Database:
    if stored is None:
        return Database()
    whole = not stored.torn
    return Database({row: Table(stored.rows[row], complete=whole) for row in _TABLES[name]})


def _host(stored: StoredDatabase, sb: Database, taken: float) -> tuple[str, Host] | None:
    """A host from its conf.db, under the name that its Chassis has."""
    own: list[OpenVSwitch] = stored.rows[OpenVSwitch]
    settings = own[0].external_ids if own else {}
    chassis = sb[Chassis].one("name", settings.get("system-id", ""))
    hostname = settings.get("hostname", "")
    name = (chassis.hostname if chassis else "") or hostname or settings.get("system-id", "")
    if not name:
        return None
    return name, Host(
        format=PROBE_FORMAT,
        hostname=hostname or name,
        time=taken,
        vswitch={row.table: [_wire(each) for each in stored.rows[row]] for row in _TABLES[SWITCH]},
        conf_only=True,
    )


def _wire(row: Row) -> dict[str, object]:
    """A row as a probe hands it on (RFC 7047 section 5.1)."""
    return {
        "_uuid" if name == "uuid" else name: _wire_value(getattr(row, name), name in row.references)
        for name in row.__struct_fields__
    }


def _wire_value(value: Any, reference: bool) -> object:
    if isinstance(value, dict):
        return ["map", [[key, each] for key, each in value.items()]]
    if isinstance(value, tuple):
        return ["set", [_wire_value(each, reference) for each in value]]
    if value is None:
        return ["set", []]
    return ["uuid", value] if reference else value


def _answers(contents: Contents) -> Answers:
    """What the JSON files and tables say; JSON first, as it says more."""
    found = Answers()
    for path in contents.answers:
        try:
            known = found.absorb(msgspec.json.decode(_whole(path)), contents.name(path))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OSError, EOFError):
            known = False
        if not known:
            contents.others.append(contents.name(path))
    for path in contents.tables:
        text = _whole(path).decode("utf-8", "replace")
        if not found.absorb(cli_table.records(text), contents.name(path)):
            contents.others.append(contents.name(path))
    return found


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_ANSWER)
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
