"""Work that goes on at the same time."""

from __future__ import annotations

import threading

import pytest

from viftrail.facts.parallel import aside, side_by_side


def test_all_are_under_way_before_one_is_waited_for() -> None:
    meeting = threading.Barrier(3)
    assert side_by_side(lambda number: (meeting.wait(10) >= 0, number), [1, 2, 3]) == [
        (True, 1),
        (True, 2),
        (True, 3),
    ]


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    def work(number: int) -> int:
        return 10 // number

    with pytest.raises(ZeroDivisionError):
        side_by_side(work, [1, 0])
    later = aside(lambda: work(0))
    with pytest.raises(ZeroDivisionError):
        later.result(10)


def test_nobody_waits_for_a_thread_at_the_end() -> None:
    never = threading.Event()
    aside(never.wait)
    assert all(t.daemon for t in threading.enumerate() if t is not threading.main_thread())
    never.set()
