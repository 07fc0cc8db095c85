"""A database file without its beginning: what was made after the cut is known whole, no more."""

from __future__ import annotations

import json
import random
from hashlib import sha1
from pathlib import Path

import pytest

from tests.samples import folder
from viftrail.errors import DamagedDatabase
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort, NBGlobal
from viftrail.facts.ovsdb.file import read_file
from viftrail.facts.ovsdb.tail import DATABASES, read_tail

FILES = sorted((folder() / "s3-two-hosts" / "db").glob("*.db"))
PORT = {"name": "p1", "addresses": "fa:16:3e:00:00:01 10.0.0.5"}


def record(magic: str, body: object) -> bytes:
    data = json.dumps(body).encode() + b"\n"
    return f"OVSDB {magic} {len(data)} {sha1(data).hexdigest()}\n".encode() + data


def tail(tmp_path: Path, *records: bytes, before: bytes = b'"name":"old"}}}\n') -> Path:
    path = tmp_path / "ovnnb_db.db.tailed"
    path.write_bytes(before + b"".join(records))
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_row_is_as_in_the_whole_file(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    name = next(name for name in DATABASES if f'"name":"{name}"'.encode() in content)
    whole = read_file(path, DATABASES[name]).rows
    known = {row: {each.uuid: each for each in whole[row]} for row in DATABASES[name]}
    dice = random.Random(path.name)
    for _ in range(8):
        cut = tmp_path / "cut"
        cut.write_bytes(content[dice.randrange(2000, len(content) * 9 // 10) :])
        found = read_tail(cut)
        assert (found.name, found.torn) == (name, "")
        for row in DATABASES[name]:
            for each in found.rows[row]:
                assert known[row][each.uuid] == each


def test_what_is_only_changed_is_counted_and_not_taken_for_whole(tmp_path: Path) -> None:
    made = {"Logical_Switch_Port": {"u1": PORT, "u2": {"up": True}}, "_date": 1_700_000_000_000}
    later = {
        "_is_diff": True,
        "Logical_Switch_Port": {"u1": {"up": True}, "u3": {"up": False}, "u4": None},
        "Logical_Switch": {"s1": {"ports": ["uuid", "u1"]}},
        "NB_Global": {"g1": {"nb_cfg": 7}},
    }
    gone = {"Logical_Switch_Port": {"u3": None}}
    found = read_tail(tail(tmp_path, *(record("JSON", each) for each in (made, later, gone))))
    (port,) = found.rows[LogicalSwitchPort]
    assert (port.name, port.up) == ("p1", True)
    assert not found.rows[LogicalSwitch]
    assert not found.rows[NBGlobal]
    assert found.passed == {"Logical_Switch_Port": 1, "Logical_Switch": 1, "NB_Global": 1}
    assert found.last_change == 1_700_000_000_000


def test_of_a_cluster_only_what_was_committed_counts(tmp_path: Path) -> None:
    def entry(index: int, uuid: str) -> bytes:
        change = {"Logical_Switch_Port": {uuid: PORT}}
        return record("CLUSTER", {"term": 3, "index": index, "data": [None, change], "eid": "x"})

    path = tail(
        tmp_path,
        record("CLUSTER", {"commit_index": 40}),
        entry(41, "a"),
        record("CLUSTER", {"commit_index": 40}),
        record("CLUSTER", {"commit_index": 41}),
        entry(42, "b"),
    )
    assert [row.uuid for row in read_tail(path).rows[LogicalSwitchPort]] == ["a"]


def test_a_damaged_record_ends_it(tmp_path: Path) -> None:
    good = record("JSON", {"Logical_Switch_Port": {"u1": PORT}})
    found = read_tail(tail(tmp_path, good, good[:-9]))
    assert len(found.rows[LogicalSwitchPort]) == 1
    assert "cut short" in found.torn


@pytest.mark.parametrize("content", [b"", b"only text", b"x\n" + record("JSON", {"Foo": {}})])
def test_what_says_nothing_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DamagedDatabase, match="lost its beginning"):
        read_tail(tail(tmp_path, before=content))
