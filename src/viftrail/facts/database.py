"""Typed tables of one database, by row type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from viftrail.facts.row import Row
from viftrail.facts.table import Table

R = TypeVar("R", bound=Row)


class Database:
    """The tables of one database; a table that nobody read is empty and knows nothing."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Mapping[type[Row], Table[Row]] | None = None) -> None:
        self._tables: dict[type[Row], Any] = dict(tables or {})

    def __getitem__(self, row_type: type[R]) -> Table[R]:
        """The table whose rows are of this type."""
        table: Table[R] | None = self._tables.get(row_type)
        return Table() if table is None else table

    def __iter__(self) -> Iterator[type[Row]]:
        return iter(self._tables)
