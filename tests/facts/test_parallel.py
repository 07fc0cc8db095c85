"""Work that goes on at the same time."""

from __future__ import annotations

import threading

import pytest

from viftrail.facts.parallel import Crew, LeftBehindError, aside, side_by_side


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


def test_a_crew_does_so_much_at_once_and_no_more() -> None:
    crew, entered = Crew(2, lambda: None), []
    meeting, gate = threading.Barrier(3), threading.Event()

    def work(number: int) -> int:
        entered.append(number)
        if number < 2:
            meeting.wait(10)
        gate.wait(10)
        return number

    tasks = [crew.begin(lambda number=number: work(number)) for number in range(2)]  # type: ignore[misc]
    meeting.wait(10)
    third = crew.begin(lambda: work(2))
    with pytest.raises(LeftBehindError):
        third.result(0.1)
    assert sorted(entered) == [0, 1]
    gate.set()
    assert [task.result(10) for task in (*tasks, third)] == [0, 1, 2]


def test_what_is_left_behind_makes_room() -> None:
    crew, gate, began = Crew(1, lambda: None), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        gate.wait(10)

    stuck = crew.begin(work)
    began.wait(10)
    with pytest.raises(LeftBehindError):
        stuck.result(0.05)
    assert crew.begin(lambda: "next").result(10) == "next"
    gate.set()


def test_every_thread_of_a_crew_enters_first() -> None:
    here = threading.local()
    crew = Crew(1, lambda: setattr(here, "inside", True))
    assert crew.begin(lambda: here.inside).result(10) is True


def test_a_timeout_of_the_work_itself_is_its_own() -> None:
    def work() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        Crew(1, lambda: None).begin(work).result(10)
