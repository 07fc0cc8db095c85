"""Records are found whole, wherever the bytes are cut."""

from __future__ import annotations

import pytest

from tests.facts.log.logs_written import PORT, START, oslo, raised, vlog
from viftrail.facts.log.layout import OSLO, VLOG
from viftrail.facts.log.record import Needles, parts_of, records

FAILED = oslo(START, "failed", level="ERROR") + raised(START, "Traceback", f"Failed: {PORT}")
TEXT = (oslo(START - 1, "before") + FAILED + oslo(START + 1, "after")).encode()


@pytest.mark.parametrize("size", [1, 7, 64, 200, 100_000])
def test_however_the_bytes_are_cut_the_record_is_the_same(size: int) -> None:
    blocks = ((at, TEXT[at : at + size]) for at in range(0, len(TEXT), size))
    ((offset, record),) = records(blocks, OSLO, Needles([PORT]))
    assert offset == len(oslo(START - 1, "before"))
    assert record.decode() == FAILED


def test_a_record_that_holds_it_twice_is_found_once() -> None:
    text = vlog(START, f"{PORT} {PORT}").encode() + vlog(START, PORT).encode()
    assert len(list(records([(0, text)], VLOG, Needles([PORT, PORT])))) == 2


def test_nothing_looked_for_is_nothing_found() -> None:
    assert list(records([(0, TEXT)], OSLO, Needles([""]))) == []
    assert list(records([], OSLO, Needles([PORT]))) == []


def test_a_traceback_is_read_without_what_its_lines_repeat() -> None:
    (parts,) = parts_of(FAILED.encode(), OSLO, 0.0)
    assert parts.message == f"failed\nTraceback\nFailed: {PORT}"
    assert (parts.time, parts.level) == (START, "ERROR")


def test_another_process_in_between_is_a_record_of_its_own() -> None:
    mixed = (
        oslo(START, "mine", pid=1) + raised(START, "theirs", pid=2) + raised(START, "mine", pid=1)
    )
    mine, theirs = parts_of(mixed.encode(), OSLO, 0.0)
    assert mine.message == "mine\nmine"
    assert (theirs.message, theirs.level) == ("theirs", "ERROR")


def test_what_is_no_record_has_no_parts() -> None:
    assert parts_of(b"what is this", VLOG, 0.0) == []
    assert parts_of(b"\xff\xfe", OSLO, 0.0) == []
