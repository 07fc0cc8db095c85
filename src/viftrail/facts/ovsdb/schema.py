"""A database's schema: its tables, their columns and the columns' types.

Source: RFC 7047 section 3.2 (``<database-schema>``, ``<type>``, ``<base-type>``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import maxsize

UNLIMITED = maxsize
"""Stands for the schema's ``"max": "unlimited"``."""

ATOMS = frozenset({"integer", "real", "boolean", "string", "uuid"})


@dataclass(frozen=True)
class ColumnType:
    """What one column may hold (RFC 7047 section 3.2, ``<type>``).

    Attributes:
        key: the atom type, one of ``integer real boolean string uuid``.
        value: the atom type of a map's values, None when not a map.
        minimum: 0 or 1.
        maximum: 1 or more; UNLIMITED without a limit.
        ephemeral: the column is never written to the database file.
    """

    key: str
    value: str | None = None
    minimum: int = 1
    maximum: int = 1
    ephemeral: bool = False


@dataclass(frozen=True)
class Schema:
    """A database's name, version, tables and columns, without ``_uuid``."""

    name: str
    version: str
    tables: dict[str, frozenset[str]]
    types: dict[str, dict[str, ColumnType]] = field(repr=False)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not a JSON object")
    return value


def _atom(base: object, what: str) -> str:
    name = base if isinstance(base, str) else _mapping(base, what).get("type")
    if not isinstance(name, str) or name not in ATOMS:
        raise ValueError(f"{what} has no type that OVSDB knows")
    return name


def _column(raw: object, what: str) -> ColumnType:
    column = _mapping(raw, what)
    ephemeral = column.get("ephemeral") is True
    kind = column.get("type")
    if isinstance(kind, str):
        return ColumnType(_atom(kind, what), ephemeral=ephemeral)
    kind = _mapping(kind, what)
    value = kind.get("value")
    low, high = kind.get("min", 1), kind.get("max", 1)
    high = UNLIMITED if high == "unlimited" else high
    if not isinstance(low, int) or not isinstance(high, int):
        raise ValueError(f"{what} has a size that is no number")
    return ColumnType(
        key=_atom(kind.get("key"), what),
        value=None if value is None else _atom(value, what),
        minimum=low,
        maximum=high,
        ephemeral=ephemeral,
    )


def parse_schema(raw: object) -> Schema:
    """Read a ``<database-schema>`` that JSON has already been decoded from.

    Raises:
        ValueError: it is not a schema; the text says which part is wrong.
    """
    document = _mapping(raw, "the schema")
    name, version = document.get("name"), document.get("version", "")
    if not isinstance(name, str) or not isinstance(version, str):
        raise ValueError("the schema has no name")
    types: dict[str, dict[str, ColumnType]] = {}
    for table, body in _mapping(document.get("tables"), "the list of tables").items():
        columns = _mapping(_mapping(body, f"table {table}").get("columns"), f"table {table}")
        types[table] = {
            column: _column(spec, f"column {table}.{column}") for column, spec in columns.items()
        }
    tables = {table: frozenset(columns) for table, columns in types.items()}
    return Schema(name=name, version=version, tables=tables, types=types)
