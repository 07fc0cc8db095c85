"""What became of a row, from its database's file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.facts.ovsdb.ovsdb_records import record
from tests.samples import folder as samples
from viftrail.errors import DamagedDatabase
from viftrail.facts.ovsdb.changes import read_changes

PORT = "9b57063f-4914-4ae3-9239-b283650c1888"
OTHER = "00000000-1111-4222-8333-444444444444"
ROW, SECOND, CHASSIS = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(3))
DATE = 1795220857141
MAP = {"key": "string", "value": "string", "min": 0, "max": "unlimited"}
SCHEMA: dict[str, Any] = {
    "name": "OVN_Southbound",
    "version": "1.0.0",
    "tables": {
        "Port_Binding": {
            "columns": {
                "logical_port": {"type": "string"},
                "chassis": {"type": {"key": "uuid", "min": 0, "max": 1}},
                "up": {"type": {"key": "boolean", "min": 0, "max": 1}},
                "mac": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
                "external_ids": {"type": MAP},
                "tunnel_key": {"type": "integer"},
            }
        },
        "Chassis": {"columns": {"hostname": {"type": "string"}}},
    },
}
MADE = {
    "_date": DATE,
    "_comment": "ovn-northd",
    "Port_Binding": {
        ROW: {"logical_port": PORT, "up": False, "mac": "m1 10.0.0.5", "tunnel_key": 3},
        SECOND: {"logical_port": OTHER},
    },
    "Chassis": {CHASSIS: {"hostname": "cmp1"}},
}
CLAIMED = {
    "_date": DATE + 2000,
    "_is_diff": True,
    "_comment": "ovn-controller",
    "Port_Binding": {
        ROW: {"up": True, "chassis": ["uuid", CHASSIS]},
        SECOND: {"chassis": ["uuid", CHASSIS]},
    },
}


def file(folder: Path, *transactions: dict[str, Any], name: str = "sb.db") -> Path:
    path = folder / name
    path.write_bytes(b"".join(record(each, "JSON") for each in (SCHEMA, *transactions)))
    return path


def test_a_row_is_made_changed_and_deleted(tmp_path: Path) -> None:
    gone = {"_date": DATE + 3000, "Port_Binding": {ROW: None}}
    made, claimed, deleted = read_changes(file(tmp_path, MADE, CLAIMED, gone), [PORT])
    assert (made.what, made.name, made.time, made.comment) == (
        "insert", PORT, DATE / 1000, "ovn-northd"
    )  # fmt: skip
    assert made.columns["mac"] == "m1 10.0.0.5"
    assert "tunnel_key" not in made.columns
    assert (claimed.what, claimed.columns) == ("modify", {"up": "true", "chassis": "cmp1"})
    assert (deleted.what, deleted.name) == ("delete", PORT)
    assert made.database == "OVN_Southbound"
    assert made.source.startswith(str(tmp_path / "sb.db@"))


def test_a_map_tells_the_pairs_that_changed(tmp_path: Path) -> None:
    first = json.loads(json.dumps(MADE))
    first["Port_Binding"][ROW]["external_ids"] = ["map", [["a", "1"], ["b", "2"]]]
    diff = {
        "_date": DATE + 1,
        "_is_diff": True,
        "Port_Binding": {ROW: {"external_ids": ["map", [["a", "1"], ["b", "3"], ["c", "4"]]]}},
    }
    _, changed = read_changes(file(tmp_path, first, diff), [PORT])
    assert changed.columns == {
        "external_ids:a": "", "external_ids:b": "3", "external_ids:c": "4"
    }  # fmt: skip


def test_a_set_tells_what_it_is_now(tmp_path: Path) -> None:
    diff = {"_date": DATE + 1, "_is_diff": True, "Port_Binding": {ROW: {"mac": "m2"}}}
    _, changed = read_changes(file(tmp_path, MADE, diff), [PORT])
    assert changed.columns == {"mac": "m1 10.0.0.5 m2"}


def test_without_a_difference_the_value_is_whole(tmp_path: Path) -> None:
    again = {"_date": DATE + 1, "Port_Binding": {ROW: {"mac": ["set", ["m3", "m4"]]}}}
    _, changed = read_changes(file(tmp_path, MADE, again), [PORT])
    assert changed.columns == {"mac": "m3 m4"}


def test_what_a_compacted_file_begins_with_was_made_before(tmp_path: Path) -> None:
    snapshot = MADE | {"_comment": "compacting database online"}
    (claimed,) = read_changes(file(tmp_path, snapshot, CLAIMED), [PORT])
    assert claimed.columns == {"up": "true", "chassis": "cmp1"}


def test_what_changes_nothing_worth_telling_is_not_told(tmp_path: Path) -> None:
    diff = {"_date": DATE + 1, "_is_diff": True, "Port_Binding": {ROW: {"tunnel_key": 9}}}
    assert len(read_changes(file(tmp_path, MADE, diff), [PORT])) == 1


def test_early_versions_counted_seconds(tmp_path: Path) -> None:
    (made,) = read_changes(file(tmp_path, MADE | {"_date": 1795220857}), [PORT])
    assert made.time == 1795220857.0


def test_a_clustered_file(tmp_path: Path) -> None:
    sid = "00000000-0000-4000-8000-00000000000a"
    header = {
        "server_id": sid, "cluster_id": OTHER, "name": "OVN_Southbound",
        "local_address": "tcp:10.0.0.1:6644", "prev_servers": {sid: "tcp:10.0.0.1:6644"},
        "prev_term": 1, "prev_index": 1, "prev_eid": sid, "prev_data": [SCHEMA, MADE],
    }  # fmt: skip
    entries = [{"term": 1, "index": 2, "data": [None, CLAIMED], "eid": sid}]
    path = tmp_path / "sb.db"
    path.write_bytes(b"".join(record(each) for each in (header, *entries)))
    (claimed,) = read_changes(path, [PORT])
    assert claimed.columns["chassis"] == "cmp1"


def test_packed_torn_and_damaged(tmp_path: Path) -> None:
    path = file(tmp_path, MADE, CLAIMED)
    whole = path.read_bytes()
    (tmp_path / "sb.db.gz").write_bytes(gzip.compress(whole))
    assert len(read_changes(tmp_path / "sb.db.gz", [PORT])) == 2
    path.write_bytes(whole[:-20])
    assert len(read_changes(path, [PORT])) == 1
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DamagedDatabase):
        read_changes(path, [PORT])


def test_nobody_is_followed_without_an_id(tmp_path: Path) -> None:
    assert read_changes(file(tmp_path, MADE, CLAIMED), []) == ()


def test_a_port_of_a_recorded_cloud_is_followed_through_three_databases() -> None:
    case = next(path for path in samples().iterdir() if path.name.startswith("s2-"))
    port = "b04f753a-0370-4a54-b713-1a37c9a8b45b"
    files = sorted((case / "db").glob("*.db"))
    every = [change for path in files for change in read_changes(path, [port])]
    every.sort(key=lambda change: change.time)
    story = [(change.table, change.what) for change in every]
    assert story[0] == ("Logical_Switch_Port", "insert")
    assert story.index(("Port_Binding", "insert")) < story.index(("Interface", "insert"))
    up = next(c for c in every if c.table == "Port_Binding" and c.columns.get("up") == "true")
    assert up.columns["chassis"] == "cmp1"
    assert next(c for c in every if c.table == "Interface").host == "cmp1"
