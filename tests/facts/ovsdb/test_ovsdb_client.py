from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest

from tests.facts.ovsdb.ovsdb_servers import Server, create, needs_ovsdb, serving, short_directory
from tests.facts.ovsdb.ovsdb_zoo import COLUMNS, SCHEMA, Absent, Cage
from viftrail.errors import ProtocolError, Unreachable, UsageError, ViftrailError
from viftrail.facts.ovsdb import Client, Remote, Select, decode_rows, parse_remotes
from viftrail.facts.ovsdb.client import status_command
from viftrail.facts.ovsdb.dial import Deadline
from viftrail.facts.ovsdb.wire import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_ovsdb


class CageSet(msgspec.Struct, frozen=True):
    table: ClassVar[str] = "Cage"
    uuid: str
    ss: tuple[str, ...]
    no_such_column: tuple[str, ...] = ()


class CageName(msgspec.Struct, frozen=True):
    table: ClassVar[str] = "Cage"
    s: str


class CageOdd(msgspec.Struct, frozen=True):
    table: ClassVar[str] = "Cage"
    ss: dict[str, str]


@pytest.fixture(scope="module")
def zoo() -> Iterator[Server]:
    with short_directory() as directory, serving(directory, create(directory, SCHEMA)) as server:
        for number in range(3):
            row = {"i": number, "few": "x", "ss": ["set", ["a", str(number)]]}
            server.transact("Zoo", {"op": "insert", "table": "Cage", "row": row})
        yield server


def connect(*remotes: str, database: str = "Zoo", timeout: float = 5.0) -> Client:
    return Client.connect(parse_remotes(",".join(remotes), 1), database=database, timeout=timeout)


class Relay:
    """Stands between client and server, and keeps what either says."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.path = directory / "relay.sock"
        self.sent = b""
        self.server = server
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            near, _ = self.listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self.server))
            threading.Thread(target=self.pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, False), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, keep: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if keep:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def requests(self) -> list[dict[str, Any]]:
        text, found = self.sent.decode(), []
        while text:
            message, end = json.JSONDecoder().raw_decode(text)
            found.append(message)
            text = text[end:]
        return found


def test_nothing_but_reading_is_ever_sent(zoo: Server) -> None:
    with short_directory() as directory:
        relay = Relay(directory, zoo.socket)
        with connect(f"unix:{relay.path}") as client:
            client.select([Select(Cage), Select(Cage, (("i", "==", 1),))])
            client.select([Select(Absent)])
        with pytest.raises(Unreachable):
            connect(f"unix:{relay.path}", database="Absent")
    requests = relay.requests()
    assert {request["method"] for request in requests} == {"get_schema", "list_dbs", "transact"}
    operations = [
        operation
        for request in requests
        if request["method"] == "transact"
        for operation in request["params"][1:]
    ]
    assert {operation["op"] for operation in operations} == {"select"}
    assert all(operation["columns"] for operation in operations)


def test_schema_and_identity(zoo: Server) -> None:
    with connect(zoo.remote) as client:
        schema = client.schema()
        assert (schema.name, schema.version) == ("Zoo", "1.2.3")
        assert schema.tables["Cage"] == {*COLUMNS, "pets", "fleeting"}
        assert client.endpoint == zoo.remote
        assert (client.model, client.cluster_id) == ("standalone", None)


def test_selects_come_back_in_their_places(zoo: Server) -> None:
    with connect(zoo.remote) as client:
        selects: list[Select[Any]] = [
            Select(Absent),
            Select(Cage),
            Select(CageSet, (("i", "==", 1),)),
            Select(Cage, (("i", "==", 99),)),
        ]
        absent, every, one, none = client.select(selects)
    dump = zoo.dump("Zoo")["Cage"]
    assert absent == none == []
    assert one == [CageSet(one[0].uuid, ("1", "a"))]
    assert one[0].uuid in dump
    assert sorted(every, key=str) == sorted(decode_rows(Cage, dump.values()), key=str)


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        (("gone", "==", "x"), 0),
        (("gone", "includes", ["set", ["x"]]), 0),
        (("gone", "<", 1), 0),
        (("gone", "!=", "x"), 3),
        (("gone", "excludes", ["set", ["x"]]), 3),
        (("gone", "==", ["set", []]), 3),
        (("gone", "!=", ["set", []]), 0),
        (("_uuid", "==", ["uuid", "00000000-0000-4000-8000-000000000000"]), 0),
    ],
)
def test_conditions_on_columns_of_newer_schemas(
    zoo: Server, condition: tuple[str, str, object], count: int
) -> None:
    with connect(zoo.remote) as client:
        (rows,) = client.select([Select(Cage, (condition,))])
    assert len(rows) == count


def test_rows_that_look_alike_are_all_there(zoo: Server) -> None:
    with connect(zoo.remote) as client:
        assert client.select([Select(CageName)]) == [[CageName("")] * 3]


def test_a_column_of_another_kind(zoo: Server) -> None:
    with connect(zoo.remote) as client, pytest.raises(ProtocolError, match=r"Cage\.ss is declared"):
        client.select([Select(CageOdd)])


def test_a_condition_that_the_server_refuses(zoo: Server) -> None:
    with connect(zoo.remote) as client:
        with pytest.raises(ProtocolError, match="refused a select"):
            client.select([Select(Cage, (("s", "==", 5),))])
        assert len(client.select([Select(Cage)])[0]) == 3


def test_another_database(zoo: Server) -> None:
    with pytest.raises(Unreachable, match="has no database Other; it serves Zoo"):
        connect(zoo.remote, database="Other")


def test_the_list_is_tried_in_order(zoo: Server) -> None:
    with short_directory() as directory, connect(f"unix:{directory}/none", zoo.remote) as client:
        assert client.endpoint == zoo.remote


def test_every_address_is_named_with_its_reason(zoo: Server) -> None:
    with pytest.raises(Unreachable) as caught:
        connect("unix:/nowhere/sock", "tcp:127.0.0.1:1", zoo.remote, database="Other")
    sentence = caught.value.what
    assert "unix:/nowhere/sock does not exist." in sentence
    assert "tcp:127.0.0.1:1 refused the connection." in sentence
    assert "has no database Other" in sentence


def test_no_remotes_and_no_tls_files() -> None:
    with pytest.raises(UsageError):
        Client.connect((), database="Zoo")
    with pytest.raises(UsageError, match="needs TLS files"):
        Client.connect((Remote("ssl", host="::1", port=1),), database="Zoo")


def test_a_stopped_server_is_passed_over() -> None:
    with (
        short_directory() as directory,
        serving(directory, create(directory, SCHEMA, "a")) as hung,
        serving(directory, create(directory, SCHEMA, "b")) as sound,
    ):
        os.kill(hung.process.pid, signal.SIGSTOP)
        begin = time.monotonic()
        with connect(hung.remote, sound.remote, timeout=1.0) as client:
            assert client.endpoint == sound.remote
        with pytest.raises(Unreachable, match=r"did not answer within 0\.5 s"):
            connect(hung.remote, timeout=0.5)
        assert time.monotonic() - begin < 2.5


def test_a_time_out_does_not_spoil_the_next_answer(zoo: Server) -> None:
    with connect(zoo.remote) as client:
        os.kill(zoo.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match="did not answer"):
                client.select([Select(Cage, (("i", "==", 1),))], timeout=0.2)
        finally:
            os.kill(zoo.process.pid, signal.SIGCONT)
        (rows,) = client.select([Select(Cage, (("i", "==", 2),))])
        assert [row.i for row in rows] == [2]


def test_a_server_that_was_restarted_meanwhile() -> None:
    with short_directory() as directory:
        path = create(directory, SCHEMA)
        with serving(directory, path) as first:
            client = connect(first.remote)
        with pytest.raises(Unreachable):
            client.select([Select(Cage)])
        with serving(directory, path), client:
            assert client.select([Select(Cage)]) == [[]]


def test_probes_are_answered() -> None:
    near, far = socket.socketpair()
    near.settimeout(0)
    stream = Stream(Remote("unix", path="/x"), near)
    far.sendall(
        b'{"method":"echo","params":[],"id":"echo"}{"method":"update","params":[],"id":null}'
    )
    far.sendall(b'{"id":1,"result":[1],"error":null}')
    message = stream.receive(Deadline(1))
    assert bytes(message.result) == b"[1]"
    assert json.loads(far.recv(1000)) == {"id": "echo", "result": [], "error": None}
    far.sendall(b'{"method":"echo","params":["a"],"id":7}')
    assert stream.settle()
    assert json.loads(far.recv(1000)) == {"id": 7, "result": ["a"], "error": None}
    far.close()
    assert not stream.settle()
    stream.close()


def fake(answer: bytes | None, *, pause: float = 0.0, byte_by_byte: bool = False) -> int:
    """A TCP server that says one thing to whoever comes; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        peer.recv(1 << 16)
        try:
            if answer is None:
                time.sleep(3)
            elif byte_by_byte:
                for at in range(len(answer)):
                    peer.sendall(answer[at : at + 1])
                    time.sleep(pause)
            else:
                peer.sendall(answer)
                time.sleep(pause)
            # To close with something unread would reset the connection and lose the answer.
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(3)
            while peer.recv(1 << 16):
                pass
        except OSError:
            pass
        peer.close()
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


HALF = b'{"id":1,"result":{"name":"Zoo"'


@pytest.mark.parametrize(
    ("answer", "options", "kind", "words"),
    [
        (None, {}, Unreachable, "did not answer within"),
        (b"", {}, Unreachable, "closed the connection before it answered"),
        (HALF, {}, Unreachable, "closed the connection in the middle of an answer"),
        (HALF, {"pause": 3}, Unreachable, "began to answer but did not finish"),
        (HALF * 99, {"pause": 0.01, "byte_by_byte": True}, Unreachable, "did not finish"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", {}, ProtocolError, "HTTP/1.1 400 Bad"),
        (b"\x00\xff\xfe" * 99, {}, ProtocolError, "not OVSDB"),
        (b'{"id":1,"result":}', {}, ProtocolError, "no OVSDB answer"),
        (b'{"id":1,"result":"\xff"}{"id":2,"result":[]}', {}, ProtocolError, "no OVSDB answer"),
        (b'{"id":1,"result":[]}{"id":2,"result":[]}', {}, ProtocolError, "schema"),
        (b'{"id":1,"result":5}{"id":2,"result":5}', {}, ProtocolError, "no OVSDB answer"),
        (b'{"id":1,"result":' + b'{"a":' * 99999 + b"1" + b"}" * 100000, {}, ProtocolError, "sent"),
        (
            b'{"id":1,"error":"x"}{"id":2,"error":"x"}{"id":3,"result":7}',
            {"pause": 0.3},
            Unreachable,
            "none",
        ),
    ],
)
def test_servers_that_misbehave(
    answer: bytes | None, options: dict[str, Any], kind: type[ViftrailError], words: str
) -> None:
    port = fake(answer, **options)
    begin = time.monotonic()
    with pytest.raises(kind, match=words) as caught:
        connect(f"tcp:127.0.0.1:{port}", timeout=0.5)
    assert type(caught.value) is kind
    assert time.monotonic() - begin < 1.0
    assert f"tcp:127.0.0.1:{port}" in caught.value.what
    assert caught.value.do


def test_an_address_that_swallows_everything() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(Unreachable, match="did not accept a connection within"):
            connect(f"tcp:127.0.0.1:{port}", timeout=0.3)
        for filler in fillers:
            filler.close()


def test_a_unix_socket_whose_owner_never_accepts() -> None:
    with short_directory() as directory, socket.socket(socket.AF_UNIX) as full:
        path = directory / "s"
        full.bind(str(path))
        full.listen(0)
        fillers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(str(path))
        with pytest.raises(Unreachable, match="did not accept a connection within"):
            connect(f"unix:{path}", timeout=0.3)
        for filler in fillers:
            filler.close()


def test_names_that_nobody_knows() -> None:
    with pytest.raises(Unreachable, match=r"nohost\.invalid cannot be resolved"):
        connect("tcp:nohost.invalid:1", timeout=1.0)
    with pytest.raises(Unreachable, match="cannot be resolved"):
        connect(f"tcp:{'x' * 300}:1", timeout=1.0)


def test_a_socket_with_a_long_path(zoo: Server, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 40] * 4)
    deep.mkdir(parents=True)
    (deep / "db.sock").symlink_to(zoo.socket)
    with connect(f"unix:{deep}/db.sock") as client:
        assert client.schema().name == "Zoo"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use any socket")
def test_a_socket_of_somebody_else(zoo: Server) -> None:
    zoo.socket.chmod(0)
    try:
        with pytest.raises(ViftrailError, match="may not be used"):
            connect(zoo.remote)
    finally:
        zoo.socket.chmod(0o700)


def test_a_large_answer() -> None:
    with short_directory() as directory, serving(directory, create(directory, SCHEMA)) as server:
        row = {"few": "x", "s": '}{"\\' * 500}
        server.transact("Zoo", *[{"op": "insert", "table": "Cage", "row": row}] * 2000)
        with connect(server.remote, timeout=20) as client:
            (rows,) = client.select([Select(Cage)])
    assert [len(rows), {row.s for row in rows}] == [2000, {'}{"\\' * 500}]


@pytest.mark.parametrize(
    ("database", "command"),
    [
        ("OVN_Northbound", "`ovn-appctl -t /run/ovn/ovnnb_db.ctl cluster/status OVN_Northbound`"),
        ("OVN_Southbound", "`ovn-appctl -t /run/ovn/ovnsb_db.ctl cluster/status OVN_Southbound`"),
        ("Zoo", "`ovs-appctl -t ovsdb-server cluster/status Zoo`"),
    ],
)
def test_a_cluster_is_asked_of_the_server_that_has_it(database: str, command: str) -> None:
    assert status_command(database) == command
