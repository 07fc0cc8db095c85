"""A recording answers as the live cloud would, and admits what it does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud import TIME, healthy, without
from viftrail.errors import FileUnreadable, Unreachable
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort, NBGlobal
from viftrail.facts.source import Ask, Source
from viftrail.facts.stored import StoredSource, from_files


def test_it_is_a_source_of_what_it_was_given() -> None:
    source: Source = StoredSource(healthy(), TIME)
    assert source.taken == TIME
    assert source.owner == healthy().owner
    assert source.everything() is healthy()
    assert source.central_hosts() == ("controller",)
    assert set(source.other_hosts()) == set(healthy().hosts)


def test_conditions_and_whole_tables_are_answered() -> None:
    source = StoredSource(healthy())
    routers, nobody, everything = source.ask(
        [
            Ask(LogicalSwitchPort, "type", "router"),
            Ask(LogicalSwitchPort, "name", "nobody"),
            Ask(NBGlobal),
        ]
    )
    assert routers is not None
    assert {row.type for row in routers if isinstance(row, LogicalSwitchPort)} == {"router"}
    assert nobody == ()
    assert everything is not None
    assert len(everything) == 1


def test_a_database_that_was_not_recorded_says_why() -> None:
    gap = Gap(NORTHBOUND, "It did not answer.", "Start it.")
    facts = without(healthy(), NORTHBOUND)
    facts = Facts(nb=facts.nb, sb=facts.sb, hosts=facts.hosts, gaps=(gap,))
    with pytest.raises(Unreachable, match="It did not answer") as caught:
        StoredSource(facts).ask([Ask(NBGlobal)])
    assert caught.value.do == "Start it."


def test_a_host_that_was_not_recorded_is_a_gap() -> None:
    seen = StoredSource(healthy()).look(["compute1", "nowhere"], 0.0)
    assert isinstance(seen["compute1"], Host)
    gap = seen["nowhere"]
    assert isinstance(gap, Gap)
    assert gap.how


def test_a_gap_of_the_recording_is_handed_on() -> None:
    gap = Gap("host compute9", "ssh: timed out", "Look whether it is up.")
    facts = Facts(gaps=(gap,))
    assert StoredSource(facts).look(["compute9"], 0.0)["compute9"] == gap


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"nb\.db"):
        from_files(tmp_path / "nb.db", None)
