"""Transactions of a database file, applied to the tables that are wanted.

Everything that is not wanted is skipped by the JSON decoder without making
Python objects of it. Sources: ovsdb(5), ``<table-txn>`` and ``<row-txn>``;
``datum`` for column differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from viftrail.facts.ovsdb.datum import Members, default

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from viftrail.facts.ovsdb.schema import ColumnType, Schema

_SECONDS_BELOW = 2**32
_SPECIAL = frozenset({"_date", "_comment", "_is_diff"})
Row = dict[str, object]


class InconsistentError(Exception):
    """A transaction does not fit the rows before it; the text says why."""


def _attribute(table: str) -> str:
    # Kept apart from the fields that are no tables.
    return f"table_{table}"


class Replay:
    """The wanted tables' rows while transactions are applied one by one."""

    def __init__(self, tables: Mapping[str, Collection[str]]) -> None:
        self._wanted = {
            table: tuple(dict.fromkeys(column for column in columns if column[:1] != "_"))
            for table, columns in tables.items()
            if table not in _SPECIAL
        }
        self.transaction_type = self._build()
        """What one transaction is decoded into (a msgspec Struct type)."""
        self.schema: Schema | None = None
        self.last_change: int | None = None
        """When the last transaction was committed, in ms since the epoch."""
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in self._wanted}
        self._defaults: dict[str, Row] = {}
        self._types: dict[str, dict[str, ColumnType]] = {}

    def _build(self) -> type[msgspec.Struct]:
        fields: list[Any] = [
            ("date", Any, msgspec.field(name="_date", default=None)),
            ("is_diff", Any, msgspec.field(name="_is_diff", default=False)),
        ]
        for table, columns in self._wanted.items():
            row = msgspec.defstruct(
                table, [(column, Any, msgspec.UNSET) for column in columns], gc=False
            )
            rows: Any = dict[str, row | None]  # type: ignore[valid-type]
            fields.append(
                (_attribute(table), rows, msgspec.field(name=table, default_factory=dict))
            )
        return msgspec.defstruct("Transaction", fields)

    def begin(self, schema: Schema, *, keep: bool) -> None:
        """Take a schema: empty the tables, or ``keep`` and convert the rows.

        A conversion without data is what OVS 3.2 and later write when a
        clustered database is upgraded: the rows go on under the new schema.
        """
        self.schema = schema
        self._types, self._defaults = {}, {}
        for table, columns in self._wanted.items():
            known = schema.types.get(table, {})
            # Ephemeral columns are never in the file: absent, not empty.
            types = {
                column: known[column]
                for column in columns
                if column in known and not known[column].ephemeral
            }
            self._types[table] = types
            self._defaults[table] = {column: default(kind) for column, kind in types.items()}
            rows = self._rows[table]
            if not keep or table not in schema.types:
                rows.clear()
            for uuid, row in rows.items():
                kept = {column: row[column] for column in types if column in row}
                rows[uuid] = {"_uuid": row["_uuid"], **self._defaults[table], **kept}

    def apply(self, transaction: Any) -> None:
        """Apply one decoded transaction.

        Raises:
            InconsistentError: it deletes a row that does not exist (then none
                of it was applied), or a difference is no OVSDB value.
        """
        for table, rows in self._rows.items():
            for uuid, change in getattr(transaction, _attribute(table)).items():
                if change is None and uuid not in rows:
                    raise InconsistentError(
                        f"deletes the row {uuid} of {table}, which does not exist"
                    )
        is_diff = transaction.is_diff is True
        for table in self._rows:
            changes = getattr(transaction, _attribute(table))
            if changes:
                try:
                    self._apply_table(table, changes, is_diff=is_diff)
                except (TypeError, ValueError, IndexError, KeyError):
                    raise InconsistentError(
                        f"changes {table} by something that is neither a set nor a map"
                    ) from None
        date = transaction.date
        if isinstance(date, int):
            # Early versions counted seconds (ovsdb(5), "_date").
            self.last_change = date * 1000 if date < _SECONDS_BELOW else date

    def _apply_table(self, table: str, changes: dict[str, Any], *, is_diff: bool) -> None:
        rows, types, defaults = self._rows[table], self._types[table], self._defaults[table]
        unset = msgspec.UNSET
        # Taken out one by one, so that a snapshot is not held twice.
        for uuid in list(changes):
            change = changes.pop(uuid)
            if change is None:
                del rows[uuid]
                continue
            row = rows.get(uuid)
            if row is None:
                row = rows[uuid] = {"_uuid": ["uuid", uuid], **defaults}
                differs = False
            else:
                differs = is_diff
            for column, kind in types.items():
                value = getattr(change, column)
                if value is unset:
                    continue
                if not differs or kind.maximum == 1:
                    row[column] = value
                    continue
                members = row[column]
                if members.__class__ is not Members:
                    members = row[column] = Members(members, kind)
                members.apply(value)

    def finish(self) -> dict[str, list[Row]]:
        """The rows of every wanted table, in wire form; this ends the replay."""
        result: dict[str, list[Row]] = {}
        for table, rows in self._rows.items():
            if any(kind.maximum > 1 for kind in self._types.get(table, {}).values()):
                for row in rows.values():
                    for column, value in row.items():
                        if value.__class__ is Members:
                            row[column] = value.wire()
            result[table] = list(rows.values())
        return result
