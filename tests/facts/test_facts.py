"""Facts are empty until something is known."""

from __future__ import annotations

from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitchPort


def test_nothing_known_proves_nothing() -> None:
    facts = Facts()
    assert (dict(facts.hosts), facts.gaps, facts.owner.kind) == ({}, (), "ovn")
    assert not facts.nb[LogicalSwitchPort].absent("name", "x")
