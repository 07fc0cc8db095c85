"""The small OVSDB client, against a server of three lines."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from viftrail.errors import LabError
from viftrail.lab.ovsdb import Ovsdb, Transaction, members, plain, strings


def serve(path: Path, *replies: bytes) -> list[Any]:
    """Answers each request with the next reply; gives back the requests."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    requests: list[Any] = []

    def work() -> None:
        client, _ = listener.accept()
        with client, listener:
            for reply in replies:
                requests.append(json.loads(client.recv(65536)))
                for part in (reply[:7], reply[7:]):
                    client.sendall(part)
            if replies[-1]:
                client.recv(65536)  # until the other side hangs up

    threading.Thread(target=work, daemon=True).start()
    return requests


def test_values_become_pythons() -> None:
    assert plain(members([["uuid", "u"], "x"])) == ["u", "x"]
    assert plain(strings({"b": "1", "a": "2"})) == {"a": "2", "b": "1"}
    assert plain("x") == "x"


def test_a_transaction_refers_to_its_own_rows() -> None:
    transaction = Transaction()
    port = transaction.insert("Logical_Switch_Port", name="p")
    transaction.insert("Logical_Switch", ports=members([port]))
    first, second = transaction.operations
    assert second["row"]["ports"] == ["set", [["named-uuid", first["uuid-name"]]]]


def test_an_answer_in_pieces_between_echoes(tmp_path: Path) -> None:
    path = tmp_path / "s"
    echo = b'{"method":"echo","params":[],"id":"e"}'
    rows = b'{"id":1,"error":null,"result":[{"rows":[{"name":"\xc3\xa9"}]}]}'
    requests = serve(path, echo + rows)
    with Ovsdb(path, "db") as ovsdb:
        assert ovsdb.select("T", [], "name") == [{"name": "é"}]
    assert requests[0]["params"][1]["columns"] == ["name"]


def test_a_refusal_names_table_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "s"
    serve(path, b'{"id":1,"error":null,"result":[{"error":"constraint violation"}]}')
    transaction = Transaction()
    transaction.insert("NAT", type="x")
    with Ovsdb(path, "db") as ovsdb, pytest.raises(LabError, match="NAT: constraint violation"):
        ovsdb.commit(transaction)


def test_a_server_that_hangs_up_or_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "s"
    serve(path, b"")
    with Ovsdb(path, "db") as ovsdb, pytest.raises(LabError, match="does not answer"):
        ovsdb.select("T")
    with pytest.raises(LabError, match="no ovsdb-server listens"):
        Ovsdb(tmp_path / "none", "db", timeout=0.05)
