"""Defaults and differences of column values, in wire form.

Wire form is RFC 7047 section 5.1's ``<value>``: an atom, ``["set", [...]]`` or
``["map", [[k, v], ...]]``, with a set of exactly one atom written as that atom.

Differences are what ``"_is_diff": true`` announces in a database file: a set
column lists the elements that came or went, a map column the pairs that came,
went (same value) or changed (new value), and a column that holds at most one
element simply lists the new value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viftrail.facts.ovsdb.schema import ColumnType

_ZERO: dict[str, object] = {
    "integer": 0,
    "real": 0.0,
    "boolean": False,
    "string": "",
    "uuid": ["uuid", "00000000-0000-0000-0000-000000000000"],
}


def default(kind: ColumnType) -> object:
    """The value of a column that was never set (RFC 7047 section 5.2.1).

    The result may be shared between rows: it must not be changed in place.
    """
    if kind.value is not None:
        pairs = [[_ZERO[kind.key], _ZERO[kind.value]]] if kind.minimum else []
        return ["map", pairs]
    if kind.minimum == 0:
        return ["set", []]
    return _ZERO[kind.key]


def atom_key(atom: Any) -> Any:
    """Something hashable and orderable that stands for the atom."""
    return atom[1] if atom.__class__ is list else atom


def set_atoms(value: Any) -> list[Any]:
    """The atoms of a wire set, be it written as a set or as its one atom."""
    if value.__class__ is list and value[0] == "set":
        atoms: list[Any] = value[1]
        return atoms
    return [value]


class Members:
    """A set or map column under a run of differences.

    It is kept as a dictionary from the first difference to the end of the
    file: a switch that gained its thousand ports one by one would otherwise be
    sorted and rebuilt a thousand times.
    """

    __slots__ = ("_is_map", "_items")

    def __init__(self, value: Any, kind: ColumnType) -> None:
        self._is_map = kind.value is not None
        atoms = value[1] if self._is_map else set_atoms(value)
        self._items: dict[Any, Any] = (
            {atom_key(pair[0]): pair for pair in atoms}
            if self._is_map
            else {atom_key(atom): atom for atom in atoms}
        )

    def apply(self, difference: Any) -> None:
        """Turn the old value into the new one."""
        items = self._items
        if self._is_map:
            for pair in difference[1]:
                key = atom_key(pair[0])
                old = items.get(key)
                if old is not None and old[1] == pair[1]:
                    del items[key]
                else:
                    items[key] = pair
            return
        for atom in set_atoms(difference):
            key = atom_key(atom)
            if key in items:
                del items[key]
            else:
                items[key] = atom

    def wire(self) -> object:
        """The value in wire form, ordered as ovsdb-server orders it."""
        # A uuid's text and a string's code points sort as the server sorts
        # their bytes, so plain sorting gives the server's order.
        try:
            keys = sorted(self._items)
        except TypeError:  # atoms of several types: no server writes that
            keys = sorted(self._items, key=repr)
        ordered = [self._items[key] for key in keys]
        if self._is_map:
            return ["map", ordered]
        return ordered[0] if len(ordered) == 1 else ["set", ordered]
