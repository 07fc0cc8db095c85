"""An inquiry asks once, remembers what was answered, and survives one dead database."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import pytest

from tests.cloud import TIME, healthy, without
from viftrail.errors import Unreachable
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort, NBGlobal
from viftrail.facts.openstack import OpenStack
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.source import Ask, Source
from viftrail.facts.southbound import Chassis, PortBinding, SBGlobal
from viftrail.facts.stored import StoredSource

EVERYTHING: list[Ask[Any]] = [Ask(NBGlobal), Ask(SBGlobal), Ask(LogicalSwitch), Ask(Chassis)]


class Counting(StoredSource):
    """Remembers what it was asked."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts, TIME)
        self.requests: list[list[Ask[Row]]] = []
        self.looked: list[str] = []

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...] | None]:
        self.requests.append(list(asks))
        return super().ask(asks)

    def look(self, names: Iterable[str], window: float) -> Mapping[str, Host | Gap]:
        names = list(names)
        self.looked += names
        return super().look(names, window)


def test_questions_of_one_database_go_in_one_request() -> None:
    source = Counting(healthy())
    Inquiry(source).fetch([Ask(NBGlobal), Ask(SBGlobal)], [Ask(LogicalSwitchPort, "name", "x")])
    # Both are sent at once, so which of them comes first is chance.
    assert sorted([ask.row.table for ask in asks] for asks in source.requests) == [
        ["NB_Global", "Logical_Switch_Port"],
        ["SB_Global"],
    ]


def test_the_same_is_never_asked_twice() -> None:
    source = Counting(healthy())
    inquiry = Inquiry(source)
    first = inquiry.ask([Ask(LogicalSwitchPort, "type", "router")])
    assert inquiry.ask([Ask(LogicalSwitchPort, "type", "router")]) == first
    assert len(first) == 2
    assert len(source.requests) == 1


def test_a_reference_that_is_not_set_is_no_question() -> None:
    source = Counting(healthy())
    assert Inquiry(source).ask([Ask(LogicalSwitchPort, "uuid", "")]) == []
    assert source.requests == []


def test_facts_know_which_questions_were_answered() -> None:
    inquiry = Inquiry(Counting(healthy()))
    inquiry.fetch([Ask(NBGlobal), Ask(LogicalSwitchPort, "name", "nobody")])
    facts = inquiry.facts()
    assert facts.nb[NBGlobal].complete
    assert facts.nb[LogicalSwitchPort].absent("name", "nobody")
    assert not facts.nb[LogicalSwitchPort].knows("name", "somebody")
    assert not facts.sb[PortBinding].knows("logical_port", "nobody")


def test_one_dead_database_is_a_gap() -> None:
    inquiry = Inquiry(Counting(without(healthy(), SOUTHBOUND)))
    inquiry.fetch([Ask(NBGlobal), Ask(SBGlobal)])
    facts = inquiry.facts()
    assert [gap.place for gap in facts.gaps] == [SOUTHBOUND]
    assert facts.gaps[0].how
    assert not facts.sb[SBGlobal].complete


def test_a_dead_database_is_not_asked_again() -> None:
    source = Counting(without(healthy(), SOUTHBOUND))
    inquiry = Inquiry(source)
    inquiry.fetch([Ask(SBGlobal)])
    inquiry.fetch([Ask(PortBinding, "logical_port", "x")])
    assert len(source.requests) == 1


def test_two_dead_databases_are_an_error() -> None:
    with pytest.raises(Unreachable):
        Inquiry(Counting(without(healthy(), NORTHBOUND, SOUTHBOUND))).fetch(
            [Ask(NBGlobal), Ask(SBGlobal)]
        )


def test_a_host_is_looked_at_once_even_if_it_did_not_answer() -> None:
    source = Counting(healthy())
    inquiry = Inquiry(source)
    inquiry.look(["compute1", "nowhere", "", "compute1"])
    inquiry.look(["nowhere", "compute1", "compute2"])
    assert source.looked == ["compute1", "nowhere", "compute2"]
    assert list(inquiry.facts().hosts) == ["compute1", "compute2"]
    assert any("nowhere" in gap.place for gap in inquiry.facts().gaps)


class Both:
    """Answers only when it is asked about both databases at the same time."""

    taken = ""
    owner = Owner(kind="ovn")
    openstack = OpenStack()
    gaps: tuple[Gap, ...] = ()

    def logs(self, window: Window, ids: Collection[str]) -> Logs:  # noqa: ARG002
        return Logs()

    def __init__(self, *silent: type[Row]) -> None:
        self.silent = silent
        self.meeting = threading.Barrier(2, timeout=10)

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...]]:
        self.meeting.wait()
        if asks[0].row in self.silent:
            raise Unreachable(f"{asks[0].row.table} is not there.", "Start it.")
        return [(ask.row(uuid=ask.row.table),) for ask in asks]


def inquiry(*silent: type[Row]) -> Inquiry:
    return Inquiry(cast("Source", Both(*silent)))


def test_both_databases_are_asked_at_once() -> None:
    asked = inquiry()
    asked.fetch(EVERYTHING)
    facts = asked.facts()
    assert [row.uuid for row in facts.nb[LogicalSwitch]] == ["Logical_Switch"]
    assert [row.uuid for row in facts.sb[Chassis]] == ["Chassis"]
    asked.fetch(EVERYTHING)  # nothing is asked twice: nobody would meet


@pytest.mark.parametrize(("silent", "gap"), [(NBGlobal, NORTHBOUND), (SBGlobal, SOUTHBOUND)])
def test_one_that_fails_is_a_gap(silent: type[Row], gap: str) -> None:
    asked = inquiry(silent)
    asked.fetch(EVERYTHING)
    assert [found.place for found in asked.facts().gaps] == [gap]


def test_without_any_there_is_nothing_to_say() -> None:
    with pytest.raises(Unreachable):
        inquiry(NBGlobal, SBGlobal).fetch(EVERYTHING)


def test_a_defect_in_a_thread_is_not_lost() -> None:
    class Broken(Both):
        def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...]]:
            super().ask(asks)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Inquiry(cast("Source", Broken())).fetch(EVERYTHING)


def test_whoever_interrupts_does_not_wait_for_a_silent_database() -> None:
    silence = threading.Event()

    class Silent(Both):
        def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...]]:  # noqa: ARG002
            if not self.meeting.wait():  # one of the two
                os.kill(os.getpid(), signal.SIGINT)
            silence.wait(30)
            raise Unreachable("It is silent.", "Start it.")

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Inquiry(cast("Source", Silent())).fetch(EVERYTHING)
    assert time.monotonic() - began < 5
    silence.set()
