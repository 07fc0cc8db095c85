"""A difference: when there is none."""

from __future__ import annotations

from viftrail.difference.change import Change, Difference, Side

ONE = Side(name="a", state="healthy")


def test_no_change_and_the_same_verdicts_are_nothing() -> None:
    assert Difference(before=ONE, after=Side(name="b", state="healthy")).nothing


def test_a_change_another_verdict_or_another_finding_is_something() -> None:
    change = Change(stage="S8", kind="port", id="a", what="port a")
    assert not Difference(before=ONE, after=ONE, changes=(change,)).nothing
    assert not Difference(before=ONE, after=Side(name="b", state="broken")).nothing
    other = Side(name="b", state="healthy", findings=("vif-orphan: port a",))
    assert not Difference(before=ONE, after=other).nothing
