"""An inquiry asks once, remembers what was answered, and survives one dead database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest

from tests.cloud import TIME, healthy, without
from viftrail.errors import Unreachable
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.northbound import LogicalSwitchPort, NBGlobal
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.southbound import PortBinding, SBGlobal
from viftrail.facts.stored import StoredSource


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
    assert [[ask.row.table for ask in asks] for asks in source.requests] == [
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
