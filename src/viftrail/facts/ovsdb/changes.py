"""What became of some rows of a database, transaction by transaction, from its file.

A file is the series of all transactions since it was last compacted (ovsdb(5)), each with the
time of its commit. Most of them are skipped without being decoded: only those are looked into
whose bytes hold an id of the target, or the UUID of a row that once did.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from viftrail.facts.change import Change
from viftrail.facts.ovsdb.journal import Journal, Record, TornError
from viftrail.facts.ovsdb.raft import Log, header_decoder, is_empty
from viftrail.facts.ovsdb.replay import InconsistentError
from viftrail.facts.ovsdb.schema import Schema, parse_schema
from viftrail.facts.ovsdb.values import BAD_JSON

COLUMNS: Mapping[str, frozenset[str]] = {
    "Logical_Switch_Port": frozenset(
        ("name", "type", "up", "enabled", "addresses", "port_security", "options",
         "dhcpv4_options", "external_ids")
    ),
    "NAT": frozenset(
        ("type", "external_ip", "logical_ip", "logical_port", "external_mac", "external_ids")
    ),
    "Port_Binding": frozenset(
        ("logical_port", "type", "chassis", "up", "requested_chassis", "mac", "options",
         "external_ids", "virtual_parent")
    ),
    "Interface": frozenset(
        ("name", "type", "ofport", "error", "external_ids", "admin_state", "link_state", "options")
    ),
}  # fmt: skip
"""Tables whose rows are one port's own, and what of them is worth telling."""

CHANGES = 2000
"""Changes that are kept of one file; of more, the newest."""

_NAMES = ("name", "logical_port", "external_ip")
_SECONDS_BELOW = 2**32
_COMPACTED = ("compacting", "compacted")
Row = dict[str, Any]
_transaction = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING = msgspec.Raw(b"{}")
_rows = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_changes(
    path: str | os.PathLike[str],
    ids: Collection[str],
    *,
    hosts: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Change, ...]:
    """Every change of a row that is, or once was, about one of these ids; oldest first.

    A compacted file begins with the rows as they were then: when those were made is not known
    any more, so they are followed from there on and not told.

    Args:
        path: a stand-alone or clustered file, gzipped or not.
        ids: ids as they stand in the rows: of ports and servers, taps, addresses.
        hosts: names of hosts by their system-id, for a conf.db.

    Raises:
        FileUnreadable: the file is absent, no plain file or cannot be read.
        NotPermitted: it may not be read by this user.
        DamagedDatabase: nothing in it can be used.
    """
    follower = _Follower(ids, os.fspath(path), hosts)
    with Journal(Path(path)) as journal:
        try:
            for record in journal.records():
                follower.take(record)
            follower.finish()
        except (TornError, InconsistentError, ValueError, *BAD_JSON):
            pass  # what comes before it counts, as for `read_file`, which says so
    return tuple(follower.told())


class _Follower:
    """Keeps what the target's rows are by now, and notes what each transaction changes."""

    def __init__(self, ids: Collection[str], path: str, hosts: Mapping[str, str]) -> None:
        self.changes: list[Change] = []
        self._ids = tuple(each.encode() for each in ids if each)
        self._path, self._hosts, self._host = path, hosts, ""
        self._schema: Schema | None = None
        self._log: Log | None = None
        self._offset = 0
        self._known: dict[str, Row] = {}
        self._chassis: dict[str, str] = {}

    def told(self) -> Iterator[Change]:
        """The newest changes, with whose they are: a conf.db may tell that late."""
        for change in self.changes[-CHANGES:]:
            yield msgspec.structs.replace(change, host=self._host)

    def take(self, record: Record) -> None:
        """Look into one record."""
        self._offset = record.offset
        if self._log is not None:
            self._log.add(record.body)
        elif self._schema is not None:
            self._apply(record.body, snapshot=False)
        elif record.magic == "CLUSTER":
            header = header_decoder.decode(record.body)
            self._log = Log(header, self._commit)
            if not is_empty(header.prev_data):
                self._commit(header.prev_data, snapshot=True)
        else:
            self._schema = parse_schema(msgspec.json.decode(record.body))

    def finish(self) -> None:
        """What the only member of a cluster had not marked as committed."""
        if self._log is not None:
            self._log.finish()

    def _commit(self, data: msgspec.Raw, *, snapshot: bool = False) -> None:
        schema, transaction = msgspec.json.decode(data, type=tuple[msgspec.Raw, msgspec.Raw])
        if not is_empty(schema):
            self._schema = parse_schema(msgspec.json.decode(schema))
        if not is_empty(transaction):
            self._apply(bytes(transaction), snapshot=snapshot)

    def _apply(self, body: bytes, *, snapshot: bool) -> None:
        followed = (uuid.encode() for uuid in self._known)
        naming = b'"Chassis"' in body or b'"system-id"' in body
        if not naming and not any(each in body for each in (*self._ids, *followed)):
            return
        tables = _transaction.decode(body)
        comment = _decoded(tables.get("_comment"), "")
        snapshot = snapshot or comment.startswith(_COMPACTED)
        is_diff = _decoded(tables.get("_is_diff"), False) is True
        date = _decoded(tables.get("_date"), 0)
        date = date if isinstance(date, int) else 0
        time = float(date) if date < _SECONDS_BELOW else date / 1000
        if naming:
            self._name_places(tables)
        for table, columns in COLUMNS.items():
            if table not in tables:
                continue
            for uuid, raw in _rows.decode(tables[table]).items():
                told = self._change(table, columns, uuid, raw, is_diff=is_diff)
                if told is not None and not snapshot and date:
                    what, name, values = told
                    self.changes.append(
                        Change(
                            time=time,
                            database=self._schema.name if self._schema else "",
                            table=table,
                            uuid=uuid,
                            name=name,
                            what=what,
                            columns=values,
                            comment=comment,
                            source=f"{self._path}@{self._offset}",
                        )
                    )

    def _change(
        self, table: str, columns: frozenset[str], uuid: str, raw: msgspec.Raw, *, is_diff: bool
    ) -> tuple[str, str, dict[str, str]] | None:
        """What happened, the row's name, and new values; None when nothing worth telling did."""
        before = self._known.get(uuid)
        if before is None and not any(each in bytes(raw) for each in self._ids):
            return None
        new: Row | None = msgspec.json.decode(raw)
        if new is None:
            gone = self._known.pop(uuid, {})
            return "delete", _name(gone), {}
        row = dict(before or {})
        told: dict[str, str] = {}
        for column, wire in new.items():
            old = row.get(column)
            row[column] = self._merged(table, column, old, wire) if is_diff and before else wire
            if column in columns:
                told.update(self._told(column, old, row[column]))
        self._known[uuid] = row
        if before is None:
            return "insert", _name(row), told
        return ("modify", _name(row), told) if told else None

    def _merged(self, table: str, column: str, old: Any, difference: Any) -> Any:
        """The new value, where a set or map only tells its difference."""
        kinds = self._schema.types.get(table, {}) if self._schema else {}
        kind = kinds.get(column)
        if kind is None or kind.maximum <= 1:
            return difference
        members = dict(_members(old))
        for key, value in _members(difference):
            if key in members and members[key] == value:
                del members[key]
            else:
                members[key] = value
        if kind.value is not None:
            return ["map", [list(pair) for pair in members.items()]]
        return ["set", list(members)]

    def _told(self, column: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
        if isinstance(new, list) and new[:1] == ["map"]:
            before, after = dict(_members(old)), dict(_members(new))
            for key in dict.fromkeys((*before, *after)):
                if before.get(key) != after.get(key):
                    yield f"{column}:{key}", self._shown(after.get(key))
        elif old != new:
            yield column, self._shown(new)

    def _shown(self, value: Any) -> str:
        if isinstance(value, list) and len(value) == 2:
            if value[0] == "uuid":
                return self._chassis.get(value[1], str(value[1]))
            if value[0] in ("set", "map"):
                return " ".join(self._shown(each) for each in value[1])
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if value is not None else ""

    def _name_places(self, tables: Mapping[str, msgspec.Raw]) -> None:
        """A binding refers to its Chassis by UUID; people know it, and a conf.db, by hostname."""
        for uuid, raw in _rows.decode(tables.get("Chassis", _NOTHING)).items():
            row = msgspec.json.decode(raw) or {}
            name = row.get("hostname") or row.get("name")
            if isinstance(name, str) and name:
                self._chassis[uuid] = name
        for raw in _rows.decode(tables.get("Open_vSwitch", _NOTHING)).values():
            row = msgspec.json.decode(raw) or {}
            settings = dict(_members(row.get("external_ids")))
            name = str(settings.get("system-id", ""))
            self._host = self._hosts.get(name) or str(settings.get("hostname", "")) or self._host


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """The members of a set or map on the wire; a single atom is a set of one."""
    if not isinstance(value, list):
        if value is not None:
            yield value, None
    elif value[:1] == ["map"]:
        yield from ((_atom(key), _atom(item)) for key, item in value[1])
    elif value[:1] == ["set"]:
        yield from ((_atom(item), None) for item in value[1])
    else:
        yield _atom(value), None


def _atom(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _name(row: Row) -> str:
    return next((str(row[column]) for column in _NAMES if row.get(column)), "")


def _decoded(raw: msgspec.Raw | None, default: Any) -> Any:
    return default if raw is None else msgspec.json.decode(raw)
