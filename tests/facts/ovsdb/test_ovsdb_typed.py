"""Rows are made straight from JSON, and change by differences, without losing anything."""

from __future__ import annotations

import gc
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.facts.ovsdb.ovsdb_records import PERSISTENT, ROWS, record
from tests.facts.ovsdb.ovsdb_zoo import TABLES, Cage
from viftrail.errors import FileUnreadable, ProtocolError
from viftrail.facts import northbound, southbound, vswitch
from viftrail.facts.ovsdb import ColumnType, collector, read_file
from viftrail.facts.ovsdb.schema import parse_schema
from viftrail.facts.ovsdb.values import Maker
from viftrail.facts.stored import from_files

if TYPE_CHECKING:
    from viftrail.facts.row import Row

SCHEMAS: list[tuple[str, tuple[type[Row], ...]]] = [
    ("/usr/share/ovn/ovn-nb.ovsschema", northbound.TABLES),
    ("/usr/share/ovn/ovn-sb.ovsschema", southbound.TABLES),
    ("/usr/share/openvswitch/vswitch.ovsschema", vswitch.TABLES),
]


@pytest.mark.parametrize(("path", "tables"), SCHEMAS)
def test_every_row_type_fits_the_installed_schema(path: str, tables: tuple[type[Row], ...]) -> None:
    if not Path(path).exists():
        pytest.skip("the schemas are not installed")
    schema = parse_schema(json.loads(Path(path).read_text()))
    for row_type in tables:
        kinds = schema.types[row_type.table]
        assert {field.encode_name for field in msgspec.structs.fields(row_type)} <= {
            "uuid",
            *kinds,
        }
        Maker(row_type, kinds)


def cages(path: Path, *transactions: Any) -> tuple[dict[str, Cage], str]:
    documents = [PERSISTENT, *({"Cage": rows, **more} for rows, more in transactions)]
    path.write_bytes(b"".join(record(document, "JSON") for document in documents))
    stored = read_file(path, TABLES)
    return {row.uuid: row for row in stored.rows[Cage]}, stored.torn


DIFF = {"_is_diff": True}


def test_maps_and_sets_change_by_differences(tmp_path: Path) -> None:
    first, second = ROWS[:2]
    full = {"mss": ["map", [["a", "1"], ["b", "2"]]], "ss": ["set", ["x", "y"]], "os": "o"}
    found, torn = cages(
        tmp_path / "x.db",
        ({first: full, second: {}}, {}),
        ({first: {"mss": ["map", [["a", "1"], ["b", "3"], ["c", "4"]]], "ss": "x"}}, DIFF),
        ({first: {"ss": ["set", ["a", "z"]], "os": ["set", []]}}, DIFF),
        ({second: {"mss": ["map", [["q", "r"]]], "su": ["uuid", first]}}, DIFF),
    )
    assert torn == ""
    assert (found[first].mss, found[first].ss) == ({"b": "3", "c": "4"}, ("a", "y", "z"))
    assert found[first].os is None
    assert (found[second].mss, found[second].su) == ({"q": "r"}, (first,))


def test_whole_values_and_differences_mix(tmp_path: Path) -> None:
    found, _ = cages(
        tmp_path / "x.db",
        ({ROWS[0]: {"si": 1}, ROWS[1]: {"si": 9}, ROWS[2]: {}}, {}),
        ({ROWS[0]: {"si": ["set", [2, 3]]}}, {}),
        ({ROWS[0]: {"si": ["set", [3, 4]]}, ROWS[1]: {"si": ["set", [9, 10]]}}, DIFF),
        ({ROWS[1]: {"si": 5}}, {}),
        ({ROWS[2]: None}, {}),
        ({ROWS[2]: {"si": 7}}, DIFF),
    )
    assert [found[uuid].si for uuid in ROWS[:3]] == [(2, 4), (5,), (7,)]


def test_a_row_that_nothing_changed_does_not_share_what_did(tmp_path: Path) -> None:
    found, _ = cages(
        tmp_path / "x.db",
        ({ROWS[0]: {}, ROWS[1]: {}}, {}),
        ({ROWS[0]: {"mss": ["map", [["k", "v"]]]}}, DIFF),
    )
    assert (found[ROWS[0]].mss, found[ROWS[1]].mss) == ({"k": "v"}, {})


@pytest.mark.parametrize("change", [{"i": "x"}, {"ss": 5}, {"mss": ["set", []]}, {"u": "text"}, 7])
def test_a_value_that_the_schema_does_not_allow(tmp_path: Path, change: Any) -> None:
    found, torn = cages(tmp_path / "x.db", ({ROWS[0]: {"i": 1}}, {}), ({ROWS[1]: change}, {}))
    assert set(found) == {ROWS[0]}
    assert "changes Cage by something" in torn


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"_uuid":["uuid","u"],"i":1,"ss":5}', r"Cage\.ss holds 5"),
        (b'{"_uuid":["uuid","u"],"i":["set",[]],"ss":"a"}', r"Cage\.i holds \['set', \[\]\]"),
        (b'{"_uuid":["uuid","u"],"i":1}', "came without ss"),
        (b"[]", "came without"),
    ],
)
def test_the_column_is_named(raw: bytes, words: str) -> None:
    kinds = {"_uuid": ColumnType("uuid"), "i": ColumnType("integer")}
    maker = Maker(Cage, {**kinds, "ss": ColumnType("string", minimum=0, maximum=9)})
    assert maker.rows([msgspec.Raw(b'{"_uuid":["uuid","u"],"i":1,"ss":"a"}')]) == [
        Cage(uuid="u", i=1, ss=("a",))
    ]
    with pytest.raises(ProtocolError, match=words):
        maker.rows([msgspec.Raw(raw)])


def test_a_file_whose_schema_has_another_type(tmp_path: Path) -> None:
    schema = json.loads(json.dumps(PERSISTENT))
    schema["tables"]["Cage"]["columns"]["i"] = {"type": "string"}
    path = tmp_path / "x.db"
    path.write_bytes(record(schema, "JSON"))
    with pytest.raises(ProtocolError, match=r"Cage\.i is declared as"):
        read_file(path, TABLES)


def test_files_that_were_swapped(tmp_path: Path) -> None:
    nb, sb = tmp_path / "nb.db", tmp_path / "sb.db"
    for path, (schema, _) in zip((nb, sb), SCHEMAS, strict=False):
        if not Path(schema).exists():
            pytest.skip("the OVN schemas are not installed")
        path.write_bytes(record(json.loads(Path(schema).read_text()), "JSON"))
    from_files(nb, sb)
    with pytest.raises(FileUnreadable, match="holds the database"):
        from_files(sb, nb)


def test_the_collector_comes_back_after_the_last_pause() -> None:
    inside, leave = threading.Event(), threading.Event()

    def pause() -> None:
        with collector.paused():
            inside.set()
            leave.wait(5)

    other = threading.Thread(target=pause)
    with collector.paused():
        other.start()
        inside.wait(5)
    assert not gc.isenabled()
    leave.set()
    other.join()
    assert gc.isenabled()
