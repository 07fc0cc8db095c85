"""What a bundle says of itself."""

from __future__ import annotations

from tests.recordings import HEALTHY, facts_of
from viftrail.facts.bundle.manifest import versions_of
from viftrail.facts.facts import Facts


def test_versions_are_told_with_who_told_them() -> None:
    seen = {(each.what, each.version): each.where for each in versions_of(facts_of(HEALTHY))}
    assert seen["OVN", "23.03.1"] == ("compute1", "compute2", "network1")
    assert seen["Open vSwitch", "3.1.0"] == ("compute1", "compute2", "network1")
    assert any(what == "ovn-northd" for what, _ in seen)


def test_who_saw_nothing_tells_nothing() -> None:
    assert versions_of(Facts()) == ()
