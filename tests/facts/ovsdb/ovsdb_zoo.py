"""A small schema with every kind of column, and random transactions on it."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st


def _set(key: str, low: int = 0, high: Any = "unlimited") -> dict[str, Any]:
    return {"type": {"key": key, "min": low, "max": high}}


def _map(key: str, value: str, high: Any = "unlimited") -> dict[str, Any]:
    return {"type": {"key": key, "value": value, "min": 0, "max": high}}


COLUMNS: dict[str, Any] = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "r": {"type": "real"},
    "b": {"type": "boolean"},
    "u": {"type": "uuid"},
    "os": _set("string", 0, 1),
    "oi": _set("integer", 0, 1),
    "ou": _set("uuid", 0, 1),
    "ss": _set("string"),
    "si": _set("integer"),
    "sr": _set("real"),
    "sb": _set("boolean"),
    "su": _set("uuid"),
    "few": _set("string", 1, 3),
    "mss": _map("string", "string"),
    "mis": _map("integer", "string"),
    "msu": _map("string", "uuid"),
    "mub": _map("uuid", "boolean"),
    "one": _map("string", "integer", 1),
    "class": {"type": "string"},
}
SCHEMA: dict[str, Any] = {
    "name": "Zoo",
    "version": "1.2.3",
    "tables": {
        "Cage": {
            "isRoot": True,
            "columns": {
                **COLUMNS,
                "fleeting": {"type": "string", "ephemeral": True},
                "pets": {
                    "type": {
                        "key": {"type": "uuid", "refTable": "Pet", "refType": "strong"},
                        "min": 0,
                        "max": "unlimited",
                    }
                },
            },
        },
        "Pet": {"columns": {"name": {"type": "string"}}},
    },
}


class Cage(msgspec.Struct, frozen=True, kw_only=True):
    """Every stored column of a Cage."""

    uuid: str
    s: str = ""
    i: int = 0
    r: float = 0.0
    b: bool = False
    u: str = ""
    os: str | None = None
    oi: int | None = None
    ou: str | None = None
    ss: tuple[str, ...] = ()
    si: tuple[int, ...] = ()
    sr: tuple[float, ...] = ()
    sb: tuple[bool, ...] = ()
    su: tuple[str, ...] = ()
    few: tuple[str, ...] = ()
    mss: dict[str, str] = {}
    mis: dict[int, str] = {}
    msu: dict[str, str] = {}
    mub: dict[str, bool] = {}
    one: dict[str, int] = {}
    kind: str = msgspec.field(name="class", default="")
    pets: tuple[str, ...] = ()


class Pet(msgspec.Struct, frozen=True):
    uuid: str
    name: str


class CageNumber(msgspec.Struct, frozen=True):
    """A few columns of a Cage, one that is never stored, and one that no schema has."""

    table: ClassVar[str] = "Cage"
    uuid: str
    i: int
    fleeting: str = "never stored"
    nothing: int | None = 5


class Absent(msgspec.Struct, frozen=True):
    x: str = ""


TABLES = (Cage, Pet)

_atoms: dict[str, st.SearchStrategy[Any]] = {
    "string": st.one_of(
        st.sampled_from(["", "a", "b", '"}{', "\\", "\n", "é☃", "set"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    ),
    "integer": st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
    "real": st.integers(-40, 40).map(lambda n: n / 8),
    "boolean": st.booleans(),
    "uuid": st.integers(0, 5).map(lambda n: ["uuid", f"{n:08x}-0000-4000-8000-{n:012x}"]),
}


def _value(spec: Any) -> st.SearchStrategy[Any]:
    kind = spec["type"]
    if isinstance(kind, str):
        return _atoms[kind]
    high = 6 if kind["max"] == "unlimited" else kind["max"]
    if "value" in kind:
        pairs = st.lists(
            st.tuples(_atoms[kind["key"]], _atoms[kind["value"]]),
            max_size=high,
            unique_by=lambda pair: str(pair[0]),
        )
        return pairs.map(lambda some: ["map", some])
    atoms = st.lists(_atoms[kind["key"]], min_size=kind["min"], max_size=high, unique_by=str)
    return atoms.map(lambda some: ["set", some])


_some_columns = st.fixed_dictionaries({}, optional={n: _value(c) for n, c in COLUMNS.items()})
_where = st.sampled_from([[["i", "<", 0]], [["b", "==", True]], [["s", "==", "a"]], []])


@st.composite
def _insert(draw: st.DrawFn) -> list[Any]:
    names = draw(st.lists(st.integers(0, 9), max_size=3, unique=True))
    pets = [
        {"op": "insert", "table": "Pet", "row": {"name": str(n)}, "uuid-name": f"p{n}"}
        for n in names
    ]
    row = draw(_some_columns) | {"pets": ["set", [["named-uuid", f"p{n}"] for n in names]]}
    # A set that must hold something has the default only by luck of the server.
    row.setdefault("few", "x")
    return [*pets, {"op": "insert", "table": "Cage", "row": row}]


@st.composite
def _change(draw: st.DrawFn) -> list[Any]:
    where = draw(_where)
    kind = draw(st.sampled_from(["update", "delete", "mutate", "orphan"]))
    if kind == "delete":
        return [{"op": "delete", "table": "Cage", "where": where or [["i", "==", 0]]}]
    if kind == "update":
        return [{"op": "update", "table": "Cage", "where": where, "row": draw(_some_columns)}]
    if kind == "orphan":
        row = {"pets": ["set", []]}
        return [{"op": "update", "table": "Cage", "where": where, "row": row}]
    column = draw(st.sampled_from(["ss", "si", "su", "mss", "mis", "msu"]))
    verb = draw(st.sampled_from(["insert", "delete"]))
    mutation = [column, verb, draw(_value(COLUMNS[column]))]
    return [{"op": "mutate", "table": "Cage", "where": where, "mutations": [mutation]}]


transactions = st.lists(st.one_of(_insert(), _insert(), _change(), _change()), max_size=14)
