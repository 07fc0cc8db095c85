"""The program that looks through a host's logs, run as it is run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from tests.facts.log.logs_written import PORT, START, oslo, raised, vlog

PROGRAM = resources.files("viftrail.facts.log").joinpath("excerpt.py").read_bytes()


def run(folder: Path, *needles: str, start: float = START, end: float = START + 60) -> Any:
    question = {"start": start, "end": end, "needles": needles}
    ended = subprocess.run(
        [sys.executable, "-I", "-", json.dumps(question)],
        input=PROGRAM,
        capture_output=True,
        check=True,
        timeout=30,
        env={**os.environ, "OVN_LOGDIR": str(folder), "OVS_LOGDIR": "", "TZ": "UTC"},
    )
    assert ended.stderr == b""
    return json.loads(ended.stdout)


def test_only_the_records_of_the_window_that_hold_a_needle(tmp_path: Path) -> None:
    wanted = vlog(START + 5, f"Claiming lport {PORT} for this chassis.")
    text = vlog(START - 90, f"early {PORT}") + wanted + vlog(START + 6, "else")
    (tmp_path / "c.log").write_text(text + vlog(START + 90, f"late {PORT}"))
    answer = run(tmp_path, PORT)
    (file,) = answer["files"]
    assert (file["text"], file["cut"], answer["errors"]) == (wanted, "", [])
    assert file["first"] == int(START - 90)


def test_a_traceback_comes_along_whole(tmp_path: Path) -> None:
    record = oslo(START + 1, "failed", level="ERROR") + raised(START + 1, "Traceback", f"x {PORT}")
    (tmp_path / "n.log").write_text(record + oslo(START + 2, "next"))
    assert run(tmp_path, PORT)["files"][0]["text"] == record


def test_a_needle_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "c.log").write_text(vlog(START + 1, "abc") + vlog(START + 2, "a.c'; rm -rf /"))
    assert run(tmp_path, "a.c'; rm")["files"][0]["text"] == vlog(START + 2, "a.c'; rm -rf /")
    assert run(tmp_path, "")["files"][0]["text"] == ""
    assert run(tmp_path)["files"][0]["text"] == ""


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "broken.log.gz").write_bytes(b"\x1f\x8bnothing packed")
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "bytes.log").write_bytes(b"\xff\xfe" + vlog(START + 1, PORT).encode())
    (tmp_path / "good.log").write_text(vlog(START + 1, PORT))
    answer = run(tmp_path, PORT)
    assert {Path(file["path"]).name for file in answer["files"]} >= {"good.log"}
    assert [error.partition(":")[0] for error in answer["errors"]] == [
        str(tmp_path / "broken.log.gz")
    ]


def test_a_host_without_logs_says_so(tmp_path: Path) -> None:
    answer = run(tmp_path, PORT)
    assert (answer["files"], answer["errors"], answer["format"]) == ([], [], 1)
