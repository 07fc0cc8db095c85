"""Wire values to typed rows.

Wire form is RFC 7047 section 5.1's ``<value>``. A row type is a frozen
``msgspec.Struct`` whose fields are columns; the annotation says what the
column is turned into:

=====================================  ========================================
annotation                             column
=====================================  ========================================
``str`` ``int`` ``bool`` ``float``     exactly one atom (a uuid becomes a str)
the same ``| None``                    at most one atom
``tuple[str, ...]`` and the like       a set, sorted
``dict[str, str]`` and the like        a map
=====================================  ========================================

The field ``uuid`` is the column ``_uuid``; any other field is the column of
its own name, or of its msgspec ``rename``. A class attribute ``table`` names
the table in errors; without it the class name does.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

from viftrail.errors import ProtocolError
from viftrail.facts.ovsdb import collector

RowT = TypeVar("RowT", bound=msgspec.Struct)
Convert = Callable[[Any], Any]

_MISSING = object()
_UUID_FIELD, _UUID_COLUMN = "uuid", "_uuid"


class _WrongTypeError(Exception):
    """A wire value is not what the annotation asks for."""


def _string(value: Any) -> str:
    if value.__class__ is str:
        return value
    if value.__class__ is list and len(value) == 2:
        if value[0] == "uuid" and value[1].__class__ is str:
            return value[1]
        if value[0] == "set" and len(value[1]) == 1:
            return _string(value[1][0])
    raise _WrongTypeError


def _exactly(*classes: type) -> Convert:
    def convert(value: Any) -> Any:
        if value.__class__ in classes:
            return value
        if value.__class__ is list and value[:1] == ["set"] and len(value[1]) == 1:
            return convert(value[1][0])
        raise _WrongTypeError

    return convert


def _real(value: Any) -> float:
    return float(_number(value))


_number = _exactly(int, float)
_ATOMS: dict[object, Convert] = {
    str: _string,
    int: _exactly(int),
    bool: _exactly(bool),
    float: _real,
}


def _optional(atom: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if value == ["set", []]:
            return None
        return atom(value)

    return convert


def _set(atom: Convert) -> Convert:
    def convert(value: Any) -> tuple[Any, ...]:
        if value.__class__ is list and value[0] == "set":
            members = value[1]
            if not members:
                return ()
            if len(members) > 1:
                return tuple(sorted(map(atom, members)))
            return (atom(members[0]),)
        return (atom(value),)

    return convert


def _map(key: Convert, item: Convert) -> Convert:
    def convert(value: Any) -> dict[Any, Any]:
        if value.__class__ is not list or value[0] != "map":
            raise _WrongTypeError
        return {key(k): item(v) for k, v in value[1]}

    return convert


def _converter(annotation: Any) -> Convert | None:
    """The converter for one annotation, None when it is not among the known."""
    if annotation in _ATOMS:
        return _ATOMS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        atoms = [argument for argument in arguments if argument is not type(None)]
        if len(atoms) == 1 and len(arguments) == 2 and atoms[0] in _ATOMS:
            return _optional(_ATOMS[atoms[0]])
    elif origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return _set(_ATOMS[arguments[0]]) if arguments[0] in _ATOMS else None
    elif origin is dict and all(argument in _ATOMS for argument in arguments):
        return _map(_ATOMS[arguments[0]], _ATOMS[arguments[1]])
    return None


@dataclass(frozen=True)
class RowPlan:
    """How rows of one type are made: field, column and converter of each."""

    table: str
    steps: tuple[tuple[str, str, Convert], ...]
    required: frozenset[str]


@cache
def plan(row_type: type[msgspec.Struct]) -> RowPlan:
    """Work out, once a type, how its rows are made.

    Raises:
        TypeError: a field's annotation is none of those above (a programmer's
            mistake, not an operator's).
    """
    steps: list[tuple[str, str, Convert]] = []
    required: set[str] = set()
    for field in msgspec.structs.fields(row_type):
        convert = _converter(field.type)
        if convert is None:
            raise TypeError(f"{row_type.__name__}.{field.name} cannot be read from OVSDB")
        is_uuid = field.name == _UUID_FIELD and field.encode_name == _UUID_FIELD
        steps.append((field.name, _UUID_COLUMN if is_uuid else field.encode_name, convert))
        if field.required:
            required.add(field.name)
    table = getattr(row_type, "table", None)
    name = table if isinstance(table, str) else row_type.__name__
    return RowPlan(name, tuple(steps), frozenset(required))


def columns_of(row_type: type[msgspec.Struct]) -> tuple[str, ...]:
    """The columns that rows of this type are made of, in field order."""
    return tuple(column for _, column, _ in plan(row_type).steps)


def decode_rows(row_type: type[RowT], rows: Iterable[Mapping[str, object]]) -> list[RowT]:
    """Turn wire rows into typed ones.

    A column that a row lacks (the server's schema is older) leaves the field
    at its default.

    Raises:
        ProtocolError: a value is of another type than the field, or a column
            without a default is absent; the sentence names table.column.
    """
    made = plan(row_type)
    decoded: list[RowT] = []
    with collector.paused():
        for row in rows:
            fields: dict[str, Any] = {}
            get = row.get
            for name, column, convert in made.steps:
                value = get(column, _MISSING)
                if value is not _MISSING:
                    try:
                        fields[name] = convert(value)
                    except (_WrongTypeError, TypeError, ValueError, IndexError, KeyError):
                        _mismatch(made, column, value)
            try:
                decoded.append(row_type(**fields))
            except TypeError:
                _absent(made, fields)
                raise
    return decoded


def _mismatch(made: RowPlan, column: str, value: object) -> None:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise ProtocolError(
        f"{made.table}.{column} holds {shown}, which is of another type than expected.",
        "Check that the database is of the OVN or OVS version that its server claims; "
        "if it is, please report this.",
    ) from None


def _absent(made: RowPlan, fields: Mapping[str, object]) -> None:
    columns = {name: column for name, column, _ in made.steps}
    lacking = sorted(columns[name] for name in made.required if name not in fields)
    if lacking:
        raise ProtocolError(
            f"Rows of {made.table} came without {', '.join(lacking)}.",
            "Check that the address belongs to an ovsdb-server with that table.",
        ) from None
