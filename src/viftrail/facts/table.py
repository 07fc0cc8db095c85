"""Rows with an index, and what is known to be absent.

An absent row proves something only where the question was asked and
answered in full. A `Table` therefore carries its coverage: either it is
complete, or it remembers which questions ``(column, value)`` were answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Generic, TypeVar

from viftrail.facts.row import Row

R = TypeVar("R", bound=Row)
Question = tuple[str, str]


class Table(Generic[R]):
    """An immutable set of rows of one type; see the module for coverage."""

    __slots__ = ("_indexes", "answered", "complete", "rows")

    def __init__(
        self,
        rows: Iterable[R] = (),
        *,
        complete: bool = False,
        answered: Iterable[Question] = (),
    ) -> None:
        self.rows: tuple[R, ...] = tuple(rows)
        self.complete = complete
        self.answered: frozenset[Question] = frozenset(answered)
        self._indexes: dict[str, Mapping[str, tuple[R, ...]]] = {}

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def by(self, column: str) -> Mapping[str, tuple[R, ...]]:
        """Rows by the value of ``column``; a set column lists a row under each member.

        A map column lists it under ``key=value`` of each pair.
        """
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = _index(self.rows, column)
        return index

    def find(self, column: str, value: str) -> tuple[R, ...]:
        """The known rows whose ``column`` is, or holds, ``value``."""
        return self.by(column).get(value, ())

    def one(self, column: str, value: str) -> R | None:
        """The first such row, or None."""
        rows = self.find(column, value)
        return rows[0] if rows else None

    def knows(self, column: str, value: str) -> bool:
        """True when an empty `find` of this question proves absence."""
        return self.complete or (column, value) in self.answered

    def absent(self, column: str, value: str) -> bool:
        """True when it is proved that no row has this value."""
        return not self.find(column, value) and self.knows(column, value)


def keys_of(value: object) -> tuple[str, ...]:
    """The keys under which a column's value is indexed."""
    if value is None:
        return ()
    if isinstance(value, tuple):
        return tuple(str(item) for item in value)
    if isinstance(value, dict):
        return tuple(f"{key}={item}" for key, item in value.items())
    return (str(value),)


def _index(rows: tuple[R, ...], column: str) -> Mapping[str, tuple[R, ...]]:
    value_of = attrgetter(column)
    if rows and type(value_of(rows[0])) is str:
        # Names and UUIDs are seldom held twice, and most of what is looked up is one of them.
        unique = {value_of(row): (row,) for row in rows}
        if len(unique) == len(rows) and None not in unique:
            return unique
    index: dict[str, list[R]] = {}
    for row in rows:
        for key in keys_of(value_of(row)):
            index.setdefault(key, []).append(row)
    return {key: tuple(found) for key, found in index.items()}
