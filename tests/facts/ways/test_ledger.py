"""Every command that was run elsewhere: told once, to its owner, without secrets, in bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from viftrail.facts.ways import ledger
from viftrail.facts.ways.carrier import Local
from viftrail.facts.ways.dispatch import at_once, run_by


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(ledger._Failure, "text", "")
    return tmp_path / "viftrail" / "commands.jsonl"


@dataclass(frozen=True)
class Far:
    """A way that needs no network."""

    way: ClassVar[str] = "ssh"
    host: str = "compute1"

    def command(self, program: Sequence[str]) -> list[str]:
        return list(program)


def entries(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_what_was_run_where_for_how_long_and_how_it_ended(place: Path) -> None:
    run_by(Far(), ["sh", "-c", "exit 3"], timeout=5, most=99)
    run_by(Far(), ["sh", "-"], b"echo SCRIPT", script="probe.py", timeout=5, most=99)
    run_by(Far(), ["sleep", "9"], timeout=0.1, most=99)
    first, second, third = entries(place)
    assert first["time"].endswith("+00:00")
    assert (first["way"], first["host"], first["exit"]) == ("ssh", "compute1", 3)
    assert first["command"] == ["sh", "-c", "exit 3"]
    assert (second["script"], second["exit"]) == ("probe.py", 0)
    assert "SCRIPT" not in place.read_text()
    assert third["exit"] != 0
    assert third["seconds"] >= 0.1


def test_what_runs_here_is_not_in_it(place: Path) -> None:
    run_by(Local(), ["true"], timeout=5, most=99)
    assert not place.exists()


def test_it_is_for_its_owner_alone_and_tells_no_secret(place: Path) -> None:
    words = ["x", "--password=hunter2", "OS_PASSWORD='hunter2' nova", '{"token": "hunter2"}']
    words += ["--os-password", "hunter2", "rabbit://nova:hunter2@10.0.0.1/", "ovs-vsctl"]
    ledger.note("ssh", "h", words, began=0, seconds=0, code=0)
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert "hunter2" not in place.read_text()
    assert "ovs-vsctl" in place.read_text()


def test_it_does_not_grow_for_ever(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST", 2000)
    for number in range(100):
        ledger.note("ssh", f"h{number}", ["x" * 10_000], began=0, seconds=0, code=0)
    files = sorted(place.parent.iterdir())
    assert [file.name for file in files] == ["commands.jsonl", "commands.jsonl.1"]
    assert all(file.stat().st_size < 4000 for file in files)
    assert entries(place)[-1]["host"] == "h99"


def test_many_threads_begin_a_new_file_without_losing_the_ledger(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST", 500)

    def write(name: str) -> None:
        for _ in range(60):
            ledger.note("ssh", name, ["x" * 300], began=0, seconds=0, code=0)

    at_once(write, [f"h{number}" for number in range(16)])
    assert ledger.problem() == ""
    assert place.exists()


def test_looking_goes_on_when_it_cannot_be_written(place: Path) -> None:
    place.mkdir(parents=True)
    said = run_by(Far(), ["echo", "seen"], timeout=5, most=99)
    assert said.output == b"seen\n"
    assert str(place) in ledger.problem()
    assert "XDG_STATE_HOME" in ledger.problem()


def test_it_follows_no_link(place: Path, tmp_path: Path) -> None:
    place.parent.mkdir()
    (tmp_path / "passwd").write_text("")
    place.symlink_to(tmp_path / "passwd")
    ledger.note("ssh", "h", ["x"], began=0, seconds=0, code=0)
    assert ledger.problem()
    assert (tmp_path / "passwd").read_text() == ""


def test_a_relative_folder_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "here")
    monkeypatch.setenv("HOME", "/home/operator")
    assert ledger.path() == Path("/home/operator/.local/state/viftrail/commands.jsonl")
