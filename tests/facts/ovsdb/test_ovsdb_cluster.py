from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest

from tests.facts.ovsdb.ovsdb_records import HEADER, PERSISTENT, ROWS, SID, entry, record
from tests.facts.ovsdb.ovsdb_servers import Server, needs_ovsdb, run, short_directory, wait_for
from tests.facts.ovsdb.ovsdb_zoo import TABLES, Cage
from viftrail.errors import DamagedDatabase, Unreachable
from viftrail.facts.ovsdb import Client, Select, decode_rows, parse_remotes, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_ovsdb


class CageAdded(msgspec.Struct, frozen=True):
    table: ClassVar[str] = "Cage"
    uuid: str
    added: int = -1


class CageLater(msgspec.Struct, frozen=True):
    table: ClassVar[str] = "Cage"
    uuid: str
    i: int = -1
    j: int = -1
    s: str = "?"


class Cluster:
    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.schema = directory / "zoo.ovsschema"
        self.schema.write_text(json.dumps(PERSISTENT))
        self.raft = [f"unix:{directory}/r{n}" for n in range(size)]
        self.files = [directory / f"m{n}.db" for n in range(size)]
        run("ovsdb-tool", "create-cluster", self.files[0], self.schema, self.raft[0])
        for n in range(1, size):
            run("ovsdb-tool", "join-cluster", self.files[n], "Zoo", self.raft[n], self.raft[0])
        self.members: list[Server] = []

    def start(self) -> None:
        for path in self.files:
            self.members.append(Server(self.directory, [path]).wait())
        run("ovsdb-client", "wait", self.members[-1].remote, "Zoo", "connected")

    def stop(self) -> None:
        for member in self.members:
            member.kill()

    def leader(self) -> int:
        for number, member in enumerate(self.members):
            status = member.control_command("cluster/status", "Zoo")
            if "Role: leader" in status:
                return number
        raise AssertionError("nobody leads")

    def dump(self) -> dict[str, Cage]:
        dump = self.members[self.leader()].dump("Zoo")["Cage"]
        return {row.uuid: row for row in decode_rows(Cage, dump.values())}


@contextlib.contextmanager
def cluster_of(size: int) -> Iterator[Cluster]:
    with short_directory() as directory:
        made = Cluster(directory, size)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def trio() -> Iterator[Cluster]:
    with cluster_of(3) as made:
        fill(made, 5)
        yield made


def fill(cluster: Cluster, count: int) -> None:
    server = cluster.members[cluster.leader()]
    for number in range(count):
        row = {"i": number, "few": "x", "mss": ["map", [["k", str(number)]]]}
        server.transact("Zoo", {"op": "insert", "table": "Cage", "row": row})
        pair = ["map", [["n", "v"], ["m", "w"]]]
        where = [["i", "==", number]]
        change = {"op": "mutate", "table": "Cage", "where": where}
        server.transact("Zoo", change | {"mutations": [["mss", "insert", pair]]})
    server.transact("Zoo", {"op": "delete", "table": "Cage", "where": [["i", "==", 1]]})


def cages(path: Path) -> dict[str, Cage]:
    return {row.uuid: row for row in read_file(path, TABLES).rows[Cage]}


def test_every_member_s_file_holds_what_the_leader_serves(trio: Cluster) -> None:
    expected = trio.dump()
    assert len(expected) == 4
    for path in trio.files:
        wait_for(lambda path=path: cages(path) == expected, 5)
        info = read_file(path, TABLES).cluster
        assert info is not None
        assert sorted(info.servers.values()) == sorted(trio.raft)
        assert info.local_address in trio.raft
        assert info.commit_index <= info.last_index
        assert not info.left


def test_a_snapshot_and_what_came_after_it(trio: Cluster) -> None:
    member = trio.members[trio.leader()]
    member.control_command("ovsdb-server/compact", "Zoo")
    fill(trio, 2)
    path = trio.files[trio.leader()]
    wait_for(lambda: cages(path) == trio.dump(), 5)
    info = read_file(path, TABLES).cluster
    assert info is not None
    assert info.snapshot_index > 1


def test_followers_are_read_and_a_lonely_member_is_passed_over(trio: Cluster) -> None:
    leader = trio.leader()
    follower, other = (n for n in range(3) if n != leader)
    remotes = parse_remotes(",".join(m.remote for m in trio.members), 1)
    with Client.connect((remotes[follower],), database="Zoo") as client:
        assert client.model == "clustered"
        assert not client.leader
        assert not client.stale
        assert client.cluster_id
        assert client.server_id != client.cluster_id
        assert client.select([Select(Cage)])[0]
    # Without the other two there is no majority: what is left is cut off.
    for stopped in (leader, other):
        os.kill(trio.members[stopped].process.pid, signal.SIGSTOP)
    try:
        lonely = remotes[follower]

        def cut_off() -> bool:
            try:
                Client.connect((lonely,), database="Zoo").close()
            except Unreachable as error:
                return "has lost its cluster" in error.what
            return False

        wait_for(cut_off, 15)
        with pytest.raises(Unreachable) as caught:
            Client.connect((lonely, remotes[leader]), database="Zoo", timeout=0.8)
        assert f"{lonely} has lost its cluster" in caught.value.what
        assert f"{remotes[leader]} accepted the connection but did not" in caught.value.what
        # Who would rather have old rows than none gets them, and is told.
        with Client.connect((lonely,), database="Zoo", settle=True) as client:
            assert client.stale
            assert client.select([Select(Cage)])[0]
    finally:
        for stopped in (leader, other):
            os.kill(trio.members[stopped].process.pid, signal.SIGCONT)
    wait_for(lambda: not cut_off(), 10)


def test_a_member_that_never_joined(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run("ovsdb-tool", "join-cluster", path, "Zoo", "tcp:127.0.0.1:1", "tcp:127.0.0.1:2")
    with pytest.raises(DamagedDatabase, match="has not joined"):
        read_file(path, TABLES)


def test_a_cluster_of_one_and_a_newer_schema() -> None:
    with cluster_of(1) as alone:
        fill(alone, 4)
        expected = alone.dump()
        newer = json.loads(json.dumps(PERSISTENT))
        newer["version"] = "9.0.0"
        newer["tables"]["Cage"]["columns"]["added"] = {"type": "integer"}
        del newer["tables"]["Cage"]["columns"]["sb"]
        alone.schema.write_text(json.dumps(newer))
        assert cages(alone.files[0]) == expected
        run("ovsdb-client", "convert", alone.members[0].remote, alone.schema)
        stored = read_file(alone.files[0], TABLES)
        assert stored.version == "9.0.0"
        assert {row.uuid: row for row in stored.rows[Cage]} == alone.dump()
        added = read_file(alone.files[0], [CageAdded]).rows[CageAdded]
        assert {row.added for row in added} == {0}


def numbers(path: Path, *documents: object) -> list[object]:
    path.write_bytes(b"".join(map(record, documents)))
    return [row.i for row in read_file(path, TABLES).rows[Cage]]


def test_only_what_is_committed_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    log = [HEADER, entry(2), entry(3), {"commit_index": 2}, {"term": 2, "vote": SID}]
    assert numbers(path, *log) == [0, 2]
    info = read_file(path, TABLES).cluster
    assert info is not None
    assert (info.commit_index, info.last_index, info.uncommitted, info.term) == (2, 3, 1, 2)
    # A new leader replaces what the old one did not get through.
    again = entry(3, term=2, data=[None, {"Cage": {ROWS[7]: {"i": 7}}}])
    assert numbers(path, *log, again, {"commit_index": 3}) == [0, 2, 7]


def test_the_only_member_has_a_majority(tmp_path: Path) -> None:
    header = HEADER | {"prev_servers": {SID: "tcp:10.0.0.1:6643"}}
    assert numbers(tmp_path / "x.db", header, entry(2)) == [0, 2]


@pytest.mark.parametrize(
    "bad",
    [
        entry(9),
        entry(1),
        {"commit_index": 9},
        {"commit_index": 0},
        [],
        {"index": "x"},
        entry(3, data=5) | {"index": 3},
    ],
)
def test_a_log_that_does_not_fit_is_used_up_to_there(tmp_path: Path, bad: Any) -> None:
    path = tmp_path / "x.db"
    log = [HEADER, entry(2), {"commit_index": 2}, bad]
    if isinstance(bad, dict) and bad.get("index") == 3:
        log.append({"commit_index": 3})
    assert numbers(path, *log) == [0, 2]
    assert re.search(r"record at byte \d+", read_file(path, TABLES).torn)


def test_conversion_without_data_keeps_the_rows(tmp_path: Path) -> None:
    newer = json.loads(json.dumps(PERSISTENT))
    del newer["tables"]["Pet"]
    del newer["tables"]["Cage"]["columns"]["i"]
    newer["tables"]["Cage"]["columns"]["j"] = {"type": "integer"}
    path = tmp_path / "x.db"
    documents = [HEADER, entry(2, data=[newer, None]), {"commit_index": 2}]
    path.write_bytes(b"".join(map(record, documents)))
    (row,) = read_file(path, [CageLater]).rows[CageLater]
    assert row == CageLater(ROWS[0], i=-1, j=0, s="")


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"prev_data": [None, None]},
        {key: value for key, value in HEADER.items() if not key.startswith("prev_")},
        HEADER | {"prev_data": [5, None]},
        HEADER | {"prev_data": 5},
        {},
    ],
)
def test_a_header_without_a_schema(tmp_path: Path, header: dict[str, Any]) -> None:
    with pytest.raises(DamagedDatabase):
        numbers(tmp_path / "x.db", header)


def test_cluster_to_standalone_agrees(trio: Cluster) -> None:
    path = trio.files[trio.leader()]
    twin = trio.directory / "twin.db"
    with contextlib.suppress(FileNotFoundError):
        twin.unlink()
    run("ovsdb-tool", "cluster-to-standalone", twin, path)
    assert cages(twin) == cages(path)
