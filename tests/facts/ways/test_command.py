"""Commands that hang, flood, or leave their pipes to somebody else."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import pytest

from viftrail.facts.ways.command import run, stop_all


def sh(
    script: str, text: bytes = b"", timeout: float = 5.0, most: int = 1 << 20
) -> tuple[bytes, int]:
    said = run(["sh", "-c", script], text, timeout=timeout, most=most)
    return said.output, -1 if said.code is None else said.code


def test_what_it_reads_and_says() -> None:
    assert sh("cat; exit 3", b"hello") == (b"hello", 3)
    assert run(["sh", "-c", "echo no >&2"], b"", timeout=5, most=99).errors == b"no\n"


def test_a_full_disk_keeps_nobody_from_looking(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert sh("cat", b"hello") == (b"hello", 0)


def test_one_that_hangs_is_ended() -> None:
    began = time.monotonic()
    said = run(["sleep", "30"], b"", timeout=0.2, most=99)
    assert said.code is None or said.code < 0
    assert time.monotonic() - began < 3


def test_one_that_sudo_made_roots_is_left_to_end_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("subprocess.Popen.send_signal", forbidden)
    assert run(["sleep", "1"], b"", timeout=0.1, most=99).code is None


def test_one_that_floods_is_not_listened_to() -> None:
    output, _ = sh("yes", most=1000)
    assert 1000 < len(output) < 1 << 20


def test_one_that_leaves_its_pipes_to_a_child_is_not_waited_for() -> None:
    began = time.monotonic()
    assert sh("sleep 3 & echo done")[0] == b"done\n"
    assert time.monotonic() - began < 2


def test_all_can_be_stopped() -> None:
    ended = threading.Event()

    def wait() -> None:
        run(["sleep", "30"], b"", timeout=30, most=99)
        ended.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    deadline = time.monotonic() + 3
    while not ended.is_set() and time.monotonic() < deadline:
        stop_all()
        ended.wait(0.05)
    assert ended.is_set()


def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run(["/nonexistent"], b"", timeout=1, most=99)
