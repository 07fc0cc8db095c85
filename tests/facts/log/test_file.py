"""The bytes of a log file: opened safely, read no more than needed."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.facts.log.logs_written import START, vlog
from viftrail.facts.log.file import LogBytes
from viftrail.facts.log.layout import VLOG
from viftrail.facts.log.moment import Window

LINES = "".join(vlog(START + second, f"line {second}") for second in range(5000)).encode()


def test_a_packed_file_holds_what_it_held(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(LINES)
    # Two members, as of a log that was appended to, and padding at the end.
    packed.write_bytes(gzip.compress(LINES[:9000]) + gzip.compress(LINES[9000:]) + b"\0" * 512)
    for path in (plain, packed):
        with LogBytes(str(path)) as file:
            found = b"".join(block for _, block in file.blocks(VLOG, Window(), 0.0))
            assert found.startswith(LINES)
            assert file.sample == LINES[: len(file.sample)]


def test_of_a_window_little_more_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    many = "".join(vlog(START + second, f"line {second} " + "x" * 99) for second in range(50_000))
    path.write_text(many)
    with LogBytes(str(path)) as file:
        found = b"".join(b for _, b in file.blocks(VLOG, Window(START + 10, START + 20), 0.0))
        assert b"line 15 " in found
        assert file.count < file.size / 3


def test_a_packed_file_of_long_ago_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(LINES))
    os.utime(path, (START, START))
    with LogBytes(str(path)) as file:
        before = file.count
        assert list(file.blocks(VLOG, Window(START + 10 * 86400, START + 11 * 86400), 0.0)) == []
        assert file.count == before


def test_what_is_no_plain_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent", Path("/dev/null")):
        with pytest.raises(OSError, match=r"plain file|No such file"):
            LogBytes(str(path))


def test_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINES)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with LogBytes(str(tmp_path / "log")):
        pass
    with pytest.raises(OSError, match="plain file"):
        LogBytes(str(tmp_path))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
