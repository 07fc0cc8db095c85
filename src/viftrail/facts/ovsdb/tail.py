"""What is left of a database file whose beginning is gone.

sos keeps the end of a file that is larger than its limit, 25 MiB unless told otherwise (sos:
report/plugins, ``add_copy_spec``). It begins within a record, and neither schema nor snapshot is
there. What was committed after that is: a row that was made then is known whole. A row is
written with the columns that are not at their default when it is made, and with those that changed
later (ovsdb(5); ovsdb/file.c), so of an older row only some columns are there, and it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from viftrail.errors import DamagedDatabase
from viftrail.facts import northbound as nb
from viftrail.facts import southbound as sb
from viftrail.facts import vswitch as vs
from viftrail.facts.ovsdb import collector
from viftrail.facts.ovsdb.file import Rows
from viftrail.facts.ovsdb.journal import Journal, TornError
from viftrail.facts.ovsdb.raft import Header, Log, is_empty
from viftrail.facts.ovsdb.replay import InconsistentError, Replay
from viftrail.facts.ovsdb.schema import UNLIMITED, ColumnType, Schema
from viftrail.facts.ovsdb.shape import Annotation
from viftrail.facts.ovsdb.values import BAD_JSON, decoder_of, plan
from viftrail.facts.row import Row
from viftrail.facts.saved.kind import RECORD

DATABASES: dict[str, tuple[type[Row], ...]] = {
    "OVN_Northbound": nb.TABLES,
    "OVN_Southbound": sb.TABLES,
    "Open_vSwitch": vs.TABLES,
}
_BORN: dict[type[Row], str] = {
    nb.NBGlobal: "",
    nb.LogicalSwitch: "name",
    nb.LogicalSwitchPort: "name",
    nb.DHCPOptions: "cidr",
    nb.PortGroup: "name",
    nb.ACL: "action direction match",
    nb.LogicalRouter: "name",
    nb.LogicalRouterPort: "name mac",
    nb.GatewayChassis: "name chassis_name",
    nb.HAChassisGroup: "name",
    nb.HAChassis: "chassis_name",
    nb.NAT: "type external_ip logical_ip",
    nb.StaticRoute: "ip_prefix nexthop",
    sb.SBGlobal: "",
    sb.PortBinding: "logical_port datapath tunnel_key",
    sb.Chassis: "name encaps",
    sb.ChassisPrivate: "name",
    sb.Encap: "type ip",
    sb.MACBinding: "logical_port ip datapath",
    vs.OpenVSwitch: "",
    vs.Bridge: "name",
    vs.Port: "name",
    vs.Interface: "name",
}
"""Columns that nobody changes in a row, and everybody sets who makes one: keys, and what the schema
calls immutable. The one row of a ``_Global`` table is always older than the file's end."""

_ATOMS = {str: "string", int: "integer", bool: "boolean", float: "real"}
_any = msgspec.json.Decoder(dict[str, msgspec.Raw])
_commit = msgspec.json.Decoder(tuple[msgspec.Raw, msgspec.Raw])


class _Place(msgspec.Struct):
    index: int | None = None
    commit_index: int | None = None


_place = msgspec.json.Decoder(_Place)


@dataclass(frozen=True)
class Tail:
    """Rows that are known whole, out of the end of a database file."""

    name: str
    rows: Rows = field(repr=False)
    lost: int
    """Bytes before the first whole record; how many there were before these nobody knows."""
    passed: Mapping[str, int]
    """By table, rows that were changed and of which no more than that is known."""
    last_change: int | None
    torn: str = ""


def read_tail(path: Path) -> Tail:
    """Read what is left of a database file.

    Raises:
        FileUnreadable: it cannot be read.
        NotPermitted: it may not be read by this user.
        DamagedDatabase: nothing in it can be used.
    """
    with collector.paused(), Journal(path) as journal:
        start = journal.find(RECORD)
        if start < 0:
            raise DamagedDatabase(
                f"{path} has lost its beginning, and no whole record is left of it.",
                "Take the file itself, or `ovsdb-client backup`; `sos report --log-size 0` keeps it.",
            )
        reader: _Reader | None = None
        bodies: list[bytes] = []
        torn = ""
        try:
            for record in journal.records(start):
                record.verify()
                if reader is None:
                    bodies.append(record.body)
                    name = _database_of(record.magic, record.body)
                    if not name:
                        continue
                    reader = _Reader(name, record.magic)
                    for body in bodies:
                        reader.take(body)
                else:
                    reader.take(record.body)
        except (TornError, InconsistentError) as error:
            torn = str(error)
        except BAD_JSON as error:
            torn = f"a record is no OVSDB transaction ({error})"
        if reader is None:
            raise DamagedDatabase(
                f"{path} has lost its beginning, and what is left changes no table that is read.",
                "Take the file itself, or `ovsdb-client backup`.",
            )
        replay = reader.replay
        passed = replay.passed()
        return Tail(
            name=reader.name,
            rows=Rows(replay.finish()),
            lost=start,
            passed=passed,
            last_change=replay.last_change,
            torn=torn,
        )


class _Reader:
    """Applies records of either format."""

    def __init__(self, name: str, magic: str) -> None:
        self.name = name
        tables = DATABASES[name]
        self.replay = Replay(tables, born={row: frozenset(_BORN[row].split()) for row in tables})
        self.replay.begin(_schema(name, tables), keep=False)
        transaction: Any = self.replay.transaction_type
        self._decode = decoder_of(transaction).decode
        self._clustered = magic == "CLUSTER"
        self._log: Log | None = None

    def take(self, body: bytes) -> None:
        if not self._clustered:
            self.replay.apply(self._decode(body))
            return
        if self._log is None:
            index = _place.decode(body).index
            if index is None:
                return
            # As if all before it had been the snapshot.
            header = Header(server_id="", name="", local_address="", prev_index=index - 1)
            self._log = Log(header, self._committed)
        elif (_place.decode(body).commit_index or self._log.first) < self._log.first:
            return
        self._log.add(body)

    def _committed(self, data: msgspec.Raw) -> None:
        _, transaction = _commit.decode(data)
        if not is_empty(transaction):
            self.replay.apply(self._decode(transaction))


def _database_of(magic: str, body: bytes) -> str:
    """The database whose tables a record changes; empty where it does not tell."""
    try:
        tables = _any.decode(body)
        if magic == "CLUSTER":
            data = tables.get("data", msgspec.Raw(b"null"))
            tables = {} if is_empty(data) else _any.decode(_commit.decode(data)[1])
    except BAD_JSON:
        return ""
    for name, rows in DATABASES.items():
        others = {row.table for key, each in DATABASES.items() if key != name for row in each}
        if any(row.table in tables and row.table not in others for row in rows):
            return name
    return ""


def _schema(name: str, tables: tuple[type[Row], ...]) -> Schema:
    """The columns that are read, of the kinds that their fields are."""
    types = {
        row.table: {
            each.column: _kind(each.annotation, reference=each.name in row.references)
            for each in plan(row).stored
        }
        for row in tables
    }
    columns = {table: frozenset(kinds) for table, kinds in types.items()}
    return Schema(name=name, version="", tables=columns, types=types)


def _kind(annotation: Annotation, *, reference: bool) -> ColumnType:
    key = "uuid" if reference else _ATOMS[annotation.key]
    if annotation.value is not None:
        return ColumnType(key, _ATOMS[annotation.value], 0, UNLIMITED)
    if annotation.many:
        return ColumnType(key, None, 0, UNLIMITED)
    return ColumnType(key, None, 0 if annotation.optional else 1, 1)
