"""The second serial line of a guest, with the agent's answers made up."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from viftrail.errors import LabError
from viftrail.lab import serial


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def guest(path: Path, answer: Callable[[str, list[str]], str]) -> Iterator[str]:
    """An agent that answers one request in this way."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client, client.makefile("rw") as line:
                number, *jobs = next(text.split() for text in line if text.strip())
                scripts = [base64.b64decode(job).decode() for job in jobs]
                line.write(answer(number, scripts))
                line.flush()
                client.settimeout(5)
                client.recv(1)  # until the other side has read it

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield str(path)
        thread.join(5)


def test_scripts_go_in_and_their_ends_come_out(tmp_path: Path) -> None:
    def answer(number: str, scripts: list[str]) -> str:
        assert scripts == ["one", "two; three"]
        # First what is left of a request that nobody waited for.
        return f"garbage 0::\n{number} 0:{coded('first')}: 7::{coded('oh')}\n"

    with guest(tmp_path / "line", answer) as path:
        answers = serial.run_scripts(path, ["one", "two; three"], 5.0)
    assert answers == [serial.Answer(0, "first", ""), serial.Answer(7, "", "oh")]


def test_a_guest_that_is_off_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="does not run"):
        serial.run_scripts(str(tmp_path / "none"), ["true"], 0.5)


def test_a_guest_that_keeps_silent_costs_the_time_out(tmp_path: Path) -> None:
    with (
        guest(tmp_path / "line", lambda *_: "") as path,
        pytest.raises(LabError, match="in time"),
    ):
        serial.run_scripts(path, ["true"], 0.3)


def test_an_answer_that_is_none_is_refused(tmp_path: Path) -> None:
    with (
        guest(tmp_path / "line", lambda number, _: f"{number} nonsense\n") as path,
        pytest.raises(LabError, match="something else"),
    ):
        serial.run_scripts(path, ["true"], 5.0)
