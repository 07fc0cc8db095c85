from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from viftrail.errors import Unreachable
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.northbound import LogicalSwitch, NBGlobal
from viftrail.facts.owner import Owner
from viftrail.facts.source import Ask, Source
from viftrail.facts.southbound import Chassis, SBGlobal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viftrail.facts.row import Row

EVERYTHING: list[Ask[Any]] = [Ask(NBGlobal), Ask(SBGlobal), Ask(LogicalSwitch), Ask(Chassis)]


class Both:
    """Answers only when it is asked about both databases at the same time."""

    taken = ""
    owner = Owner(kind="ovn")

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
