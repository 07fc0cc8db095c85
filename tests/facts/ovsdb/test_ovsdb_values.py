from __future__ import annotations

import time
from typing import Any, ClassVar

import msgspec
import pytest
from msgspec import field

from viftrail.errors import ProtocolError
from viftrail.facts.ovsdb import columns_of, decode_rows

UUID = "00000000-0000-4000-8000-000000000001"


class Port(msgspec.Struct, frozen=True, kw_only=True):
    table: ClassVar[str] = "Logical_Switch_Port"
    uuid: str
    name: str = ""
    type: str = ""
    tag: int | None = None
    up: bool | None = None
    chassis: str | None = None
    weight: float = 0.0
    enabled: bool = True
    addresses: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    kind: str = field(name="class", default="")


class Named(msgspec.Struct, frozen=True):
    name: str


def one(**columns: object) -> Port:
    (row,) = decode_rows(Port, [{"_uuid": ["uuid", UUID], **columns}])
    return row


def test_columns() -> None:
    assert columns_of(Port)[:3] == ("_uuid", "name", "type")
    assert columns_of(Port)[-1] == "class"


def test_absent_columns_leave_defaults() -> None:
    assert one() == Port(uuid=UUID)


@pytest.mark.parametrize(
    ("column", "wire", "value"),
    [
        ("name", "x", "x"),
        ("name", ["set", ["x"]], "x"),
        ("name", ["uuid", UUID], UUID),
        ("tag", 5, 5),
        ("tag", ["set", []], None),
        ("tag", ["set", [5]], 5),
        ("up", False, False),
        ("up", ["set", []], None),
        ("chassis", ["uuid", UUID], UUID),
        ("chassis", ["set", [["uuid", UUID]]], UUID),
        ("weight", 1, 1.0),
        ("weight", 1.5, 1.5),
        ("addresses", "a", ("a",)),
        ("addresses", ["set", ["b", "a"]], ("a", "b")),
        ("addresses", ["set", []], ()),
        ("addresses", ["set", [["uuid", "b"], ["uuid", "a"]]], ("a", "b")),
        ("addresses", ["uuid", UUID], (UUID,)),
        ("addresses", ["set", [["uuid", UUID]]], (UUID,)),
        ("tags", ["set", [10, 9]], (9, 10)),
        ("options", ["map", [["k", "v"]]], {"k": "v"}),
        ("options", ["map", []], {}),
        ("limits", ["map", [["rate", 5]]], {"rate": 5}),
    ],
)
def test_values(column: str, wire: object, value: object) -> None:
    assert getattr(one(**{column: wire}), column) == value


def test_a_renamed_field() -> None:
    assert one(**{"class": "x"}).kind == "x"


@pytest.mark.parametrize(
    ("column", "wire"),
    [
        ("name", 5),
        ("name", ["set", []]),
        ("name", ["set", ["a", "b"]]),
        ("name", None),
        ("name", ["map", []]),
        ("name", []),
        ("tag", "5"),
        ("tag", True),
        ("tag", 1.0),
        ("up", 1),
        ("addresses", ["set", [1]]),
        ("addresses", ["set"]),
        ("addresses", []),
        ("addresses", ["map", [["a", "b"]]]),
        ("tags", ["set", ["a"]]),
        ("options", ["set", []]),
        ("options", "x"),
        ("options", ["map", [["k", 1]]]),
        ("options", ["map", [["k"]]]),
        ("options", ["map", 5]),
        ("weight", "1"),
        ("_uuid", 7),
    ],
)
def test_another_type_is_named(column: str, wire: object) -> None:
    with pytest.raises(ProtocolError, match=rf"Logical_Switch_Port\.{column} holds"):
        one(**{column: wire})


def test_a_required_column_that_is_absent() -> None:
    with pytest.raises(ProtocolError, match=r"Rows of Named came without name\."):
        decode_rows(Named, [{}])


def test_a_type_that_no_column_has() -> None:
    class Odd(msgspec.Struct):
        x: list[str]

    with pytest.raises(TypeError, match=r"Odd\.x"):
        columns_of(Odd)


def test_a_hundred_thousand_rows() -> None:
    row: dict[str, Any] = {
        "_uuid": ["uuid", UUID],
        "name": "n",
        "type": "",
        "tag": ["set", []],
        "up": True,
        "chassis": ["uuid", UUID],
        "addresses": ["set", ["a", "b"]],
        "options": ["map", [["k", "v"]]],
        "enabled": True,
        "tags": ["set", []],
    }
    begin = time.process_time()
    assert len(decode_rows(Port, [row] * 100_000)) == 100_000
    # About 0.3 s where it was written; the room is for a loaded machine.
    assert time.process_time() - begin < 3
