"""The audit trail: appended to, private, and an error before anything is done."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from viftrail.errors import CannotWrite
from viftrail.fix.logbook import Logbook, who


def test_lines_are_appended_and_private(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for event in ("one", "two"):
        with closing(Logbook(path)) as book:
            book.write(event, exit=0)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["one", "two"]
    assert all(line["time"] and line["who"] and line["exit"] == 0 for line in lines)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_of_its_own_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, link, tmp_path / "no" / "log", Path("/dev/full")):
        with pytest.raises(CannotWrite, match="nothing is applied"):
            Logbook(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_fails_stops_the_mend(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "log")
    os.dup2(os.open("/dev/full", os.O_WRONLY), book._file)
    with closing(book), pytest.raises(CannotWrite):
        book.write("step")


def test_through_sudo_both_users_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("SUDO_USER", "alice")
    assert who() == "alice as root"
