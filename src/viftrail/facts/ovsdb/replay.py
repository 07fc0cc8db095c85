"""Transactions of a database file, applied to the typed tables that are wanted.

Everything that is not wanted is skipped by the JSON decoder without making
Python objects of it. A row that appears is made at once, as nearly all rows of
a compacted file are; a row that changes later collects its changed fields
until the end. Sources: ovsdb(5), ``<table-txn>`` and ``<row-txn>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from viftrail.facts.ovsdb.shape import never_set
from viftrail.facts.ovsdb.values import WRONG, Maker, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from viftrail.facts.ovsdb.schema import ColumnType, Schema

_SECONDS_BELOW = 2**32
_SPECIAL = frozenset({"_date", "_comment", "_is_diff"})
_NULL = b"null"
Changes = dict[str, msgspec.Raw]
_columns = msgspec.json.Decoder(Changes)


class InconsistentError(Exception):
    """A transaction does not fit the rows before it; the text says why."""


class Replay:
    """The wanted tables while transactions are applied one by one."""

    def __init__(
        self,
        row_types: Iterable[type[msgspec.Struct]],
        *,
        born: Mapping[type[msgspec.Struct], frozenset[str]] | None = None,
    ) -> None:
        """Begin with empty tables.

        Args:
            row_types: what is wanted, each of another table.
            born: for a file whose beginning is gone: the columns that only a new row is written
                with. Of rows that were not made in what is left only a few columns are known;
                they are passed over, and counted in `passed`.
        """
        self._tables = [
            _Table(row_type, born.get(row_type) if born else None)
            for row_type in dict.fromkeys(row_types)
        ]
        self.transaction_type = self._build()
        """What one transaction is decoded into (a msgspec Struct type)."""
        self.schema: Schema | None = None
        self.last_change: int | None = None
        """When the last transaction was committed, in ms since the epoch."""

    def _build(self) -> type[msgspec.Struct]:
        fields: list[Any] = [
            ("date", Any, msgspec.field(name="_date", default=None)),
            ("is_diff", Any, msgspec.field(name="_is_diff", default=False)),
        ]
        changes: Any = Changes | msgspec.UnsetType
        for number, table in enumerate(self._tables):
            table.attribute = f"table{number}"
            if table.name not in _SPECIAL:
                named = msgspec.field(name=table.name, default=msgspec.UNSET)
                fields.append((table.attribute, changes, named))
        return msgspec.defstruct("Transaction", fields)

    def begin(self, schema: Schema, *, keep: bool) -> None:
        """Take a schema: empty the tables, or ``keep`` and convert the rows.

        A conversion without data is what OVS 3.2 and later write when a
        clustered database is upgraded: the rows go on under the new schema.

        Raises:
            ProtocolError: a wanted column is of another kind than its field.
        """
        self.schema = schema
        for table in self._tables:
            table.begin(schema, keep=keep)

    def apply(self, transaction: Any) -> None:
        """Apply one decoded transaction.

        Raises:
            InconsistentError: it deletes a row that does not exist (then none
                of it was applied), or a value is none of its column.
        """
        touched: list[tuple[_Table, Changes]] = []
        for table in self._tables:
            changes = getattr(transaction, table.attribute, msgspec.UNSET)
            if changes is not msgspec.UNSET and changes:
                changes = table.known_only(changes)
                table.check(changes)
                touched.append((table, changes))
        for table, changes in touched:
            table.apply(changes, is_diff=transaction.is_diff is True)
        date = transaction.date
        if isinstance(date, int):
            # Early versions counted seconds (ovsdb(5), "_date").
            self.last_change = date * 1000 if date < _SECONDS_BELOW else date

    def passed(self) -> dict[str, int]:
        """Rows by table that were changed, and are there, but were not made in what is left."""
        return {table.name: len(table.passed) for table in self._tables if table.passed}

    def finish(self) -> dict[type[msgspec.Struct], list[Any]]:
        """The rows of every wanted table; this ends the replay."""
        return {table.row_type: table.finish() for table in self._tables}


class _Table:
    """The rows of one table, and what has changed in some of them since they appeared."""

    def __init__(self, row_type: type[msgspec.Struct], born: frozenset[str] | None) -> None:
        self.row_type = row_type
        self.passed: set[str] = set()
        self._born = born
        self.name = plan(row_type).table
        self.attribute = ""
        self._rows: dict[str, msgspec.Struct] = {}
        self._changed: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, ColumnType] = {}
        self._maker: Maker[Any] | None = None
        self._differ: Maker[Any] | None = None

    def begin(self, schema: Schema, *, keep: bool) -> None:
        before = set(self._kinds)
        known = schema.types.get(self.name)
        # Ephemeral columns are never in the file: absent, not empty.
        self._kinds = {
            field.column: known[field.column]
            for field in plan(self.row_type).stored
            if known and field.column in known and not known[field.column].ephemeral
        }
        self._differ = None
        self._maker = None
        if known is None or not keep:
            self._rows.clear()
            self._changed.clear()
        if known is None:
            return
        empty = {column: never_set(kind) for column, kind in self._kinds.items()}
        self._maker = Maker(self.row_type, self._kinds, empty)
        if self._rows:
            self._convert(before)

    def _convert(self, before: set[str]) -> None:
        """Give the rows the columns that are new, and take those that are gone."""
        self._settle()
        blank: Any = self._made.build("", self._made.decode(b"{}"))
        resets = {
            field.name: getattr(blank, field.name)
            for field in plan(self.row_type).stored
            if field.column not in before or field.column not in self._kinds
        }
        if resets:
            for uuid, row in self._rows.items():
                self._rows[uuid] = msgspec.structs.replace(row, **resets)

    @property
    def _made(self) -> Maker[Any]:
        if self._maker is None:
            raise InconsistentError(f"changes {self.name}, which the schema does not have")
        return self._maker

    def known_only(self, changes: Changes) -> Changes:
        """The changes of rows that are known, and the rows that are new."""
        if self._born is None:
            return changes
        kept: Changes = {}
        for uuid, raw in changes.items():
            if uuid in self._rows:
                kept[uuid] = raw
            elif bytes(raw) == _NULL:
                self.passed.discard(uuid)
            elif self._born and self._born <= _columns.decode(raw).keys():
                kept[uuid] = raw
            else:
                self.passed.add(uuid)
        return kept

    def check(self, changes: Changes) -> None:
        """Make sure that what is deleted exists."""
        rows = self._rows
        for uuid, raw in changes.items():
            if len(raw) == 4 and bytes(raw) == _NULL and uuid not in rows:
                raise InconsistentError(
                    f"deletes the row {uuid} of {self.name}, which does not exist"
                )

    def apply(self, changes: Changes, *, is_diff: bool) -> None:
        rows, made = self._rows, self._made
        decode, build = made.decode, made.build
        try:
            for uuid, raw in changes.items():
                if len(raw) == 4 and bytes(raw) == _NULL:
                    del rows[uuid]
                    self._changed.pop(uuid, None)
                elif uuid in rows:
                    self._change(uuid, raw, is_diff=is_diff)
                else:
                    rows[uuid] = build(uuid, decode(raw))
        except WRONG as error:
            raise InconsistentError(
                f"changes {self.name} by something that is not of its columns' types "
                f"({error or type(error).__name__})"
            ) from None

    def _change(self, uuid: str, raw: msgspec.Raw, *, is_diff: bool) -> None:
        if self._differ is None:
            unset = dict.fromkeys(self._kinds, msgspec.UNSET)
            self._differ = Maker(self.row_type, self._kinds, unset)
        wire = self._differ.decode(raw)
        changed = self._changed.setdefault(uuid, {})
        for field in plan(self.row_type).stored:
            value = getattr(wire, field.name, msgspec.UNSET)
            if value is msgspec.UNSET:
                continue
            value = self._differ.shapes[field.name].convert(value)
            if is_diff and self._kinds[field.column].maximum > 1:
                members = _members(changed, field.name, self._rows[uuid])
                _apply_difference(members, value)
            else:
                changed[field.name] = value

    def _settle(self) -> None:
        for uuid, changed in self._changed.items():
            row = self._rows[uuid]
            for name, value in changed.items():
                if value.__class__ is dict and isinstance(getattr(row, name), tuple):
                    changed[name] = tuple(sorted(value))
            self._rows[uuid] = msgspec.structs.replace(row, **changed)
        self._changed.clear()

    def finish(self) -> list[Any]:
        self._settle()
        rows = list(self._rows.values())
        self._rows.clear()
        return rows


def _members(changed: dict[str, Any], name: str, row: msgspec.Struct) -> dict[Any, Any]:
    """The set or map of this field as a dictionary that may be changed.

    A set stays a dictionary of its atoms from the first difference to the end
    of the file: a switch that gained its thousand ports one by one would
    otherwise be sorted and rebuilt a thousand times.
    """
    if name not in changed:
        old = getattr(row, name)
        changed[name] = dict(old) if isinstance(old, dict) else dict.fromkeys(old)
    elif isinstance(changed[name], tuple):
        changed[name] = dict.fromkeys(changed[name])
    members: dict[Any, Any] = changed[name]
    return members


def _apply_difference(members: dict[Any, Any], difference: Any) -> None:
    """Turn the old value into the new one, as ``"_is_diff": true`` asks for.

    A set column lists the atoms that came or went, a map column the pairs
    that came, went (same value) or changed (new value).
    """
    if isinstance(difference, dict):
        for key, value in difference.items():
            if key in members and members[key] == value:
                del members[key]
            else:
                members[key] = value
        return
    for atom in difference:
        if atom in members:
            del members[atom]
        else:
            members[atom] = None
