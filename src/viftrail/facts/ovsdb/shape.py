"""What a column looks like on the wire, and what a row's field makes of it.

Wire form is RFC 7047 section 5.1's ``<value>``: an atom, ``["set", [...]]`` or
``["map", [[k, v], ...]]``, with a set of exactly one atom written as that
atom. The decoder turns it into ``Uuid``, `Set` and `Map` without any lists of
``"uuid"`` and ``"set"`` in between; a `Shape` says which of them a column may
hold and how the field's value comes from them.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from viftrail.facts.ovsdb.schema import ColumnType

A = TypeVar("A")
K = TypeVar("K")
V = TypeVar("V")


class Uuid(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="uuid"):
    """``["uuid", TEXT]``."""

    text: str


class Set(msgspec.Struct, Generic[A], frozen=True, gc=False, array_like=True, tag="set"):
    """``["set", [ATOM, ...]]``."""

    atoms: tuple[A, ...]


class Map(msgspec.Struct, Generic[K, V], frozen=True, gc=False, array_like=True, tag="map"):
    """``["map", [[KEY, VALUE], ...]]``."""

    pairs: list[tuple[K, V]]


class WrongShapeError(Exception):
    """A wire value is not what the field takes."""


def _atom(value: Any) -> Any:
    return value.text if value.__class__ is Uuid else value


def _exactly_one(value: Any) -> Any:
    if value.__class__ is Set:
        if len(value.atoms) != 1:
            raise WrongShapeError
        value = value.atoms[0]
    return _atom(value)


def _at_most_one(value: Any) -> Any:
    if value.__class__ is Set and not value.atoms:
        return None
    return _exactly_one(value)


def _many(value: Any) -> tuple[Any, ...]:
    if value.__class__ is not Set:
        return (_atom(value),)
    atoms: tuple[Any, ...] = value.atoms
    if atoms and atoms[0].__class__ is Uuid:
        return tuple(sorted([atom.text for atom in atoms]))
    return tuple(sorted(atoms)) if len(atoms) > 1 else atoms


def _string_map(value: Any) -> dict[Any, Any]:
    # A hundred thousand rows share a few dozen keys.
    return {intern(key): item for key, item in value.pairs}


def _any_map(value: Any) -> dict[Any, Any]:
    return {_atom(key): _atom(item) for key, item in value.pairs}


_NAMES: dict[object, str] = {str: "string", int: "integer", bool: "boolean", float: "real"}
_ZERO: dict[str, object] = {
    "integer": 0,
    "real": 0.0,
    "boolean": False,
    "string": "",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
_WIRE: dict[str, Any] = {
    "integer": int,
    "real": float,
    "boolean": bool,
    "string": str,
    "uuid": Uuid,
}


@dataclass(frozen=True)
class Shape:
    """One field of a row type.

    Attributes:
        wire: the type that the column's wire value is decoded as.
        convert: makes the field's value of that.
        quick: a Python expression that gives the value of ``x`` right away
            where the class of ``x`` is ``quick_class``; the one that most
            rows need. None where only ``convert`` will do.
    """

    wire: Any
    convert: Callable[[Any], Any]
    quick_class: type | None = None
    quick: str = ""


@dataclass(frozen=True)
class Annotation:
    """What a field is annotated as: its atoms, and how many of them it takes."""

    key: Any
    value: Any = None
    many: bool = False
    optional: bool = False

    def shape(self, kind: ColumnType | None = None) -> Shape | None:
        """How to read a column of this kind (of any, when the kind is not known).

        None when such a column does not fit the field.
        """
        key = _atom_type(self.key, kind.key if kind else None)
        value = _atom_type(self.value, kind.value if kind else None)
        misfit = kind is not None and (
            (kind.value is None) != (self.value is None)
            or (kind.maximum > 1 and not self.many and self.value is None)
        )
        if misfit or key is None or (self.value is not None and value is None):
            return None
        if self.value is not None:
            return Shape(Map[key, value], _string_map if key is value is str else _any_map)  # type: ignore[valid-type]
        wire: Any = key | Set[key]  # type: ignore[valid-type]
        quick_class = Uuid if key is Uuid else typing.get_args(key)[0] if _is_union(key) else key
        quick = "x.text" if quick_class is Uuid else "x"
        if self.many:
            return Shape(wire, _many, quick_class, f"({quick},)")
        return Shape(wire, _at_most_one if self.optional else _exactly_one, quick_class, quick)


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _atom_type(field: Any, kind: str | None) -> Any:
    """The wire type of an atom of this kind for this field, None when they do not fit."""
    if field is None:
        return None
    if kind is None:
        return str | Uuid if field is str else field
    fits = {str: ("string", "uuid"), float: ("real", "integer")}.get(field, (_NAMES[field],))
    if kind not in fits:
        return None
    return float if field is float else _WIRE[kind]


def annotation_of(annotation: Any) -> Annotation | None:
    """Read a field's annotation; None when it is not one that a row may have."""
    if annotation in _NAMES:
        return Annotation(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if _is_union(annotation):
        atoms = [argument for argument in arguments if argument is not type(None)]
        if len(atoms) != 1 or len(arguments) != 2:
            return None
        if atoms[0] in _NAMES:
            return Annotation(atoms[0], optional=True)
        if typing.get_origin(atoms[0]) is dict:  # None where nobody asked, never from a database
            return annotation_of(atoms[0])
    elif origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return Annotation(arguments[0], many=True) if arguments[0] in _NAMES else None
    elif origin is dict and all(argument in _NAMES for argument in arguments):
        return Annotation(*arguments)
    return None


def never_set(kind: ColumnType) -> object:
    """What a column that was never set holds on the wire (RFC 7047 section 5.2.1), decoded."""

    def zero(atom: str) -> Any:
        return Uuid(str(_ZERO[atom])) if atom == "uuid" else _ZERO[atom]

    if kind.value is not None:
        return Map([(zero(kind.key), zero(kind.value))] if kind.minimum else [])
    return zero(kind.key) if kind.minimum else Set(())
