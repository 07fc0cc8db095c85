"""How single observations add up to what is known of a stage."""

from __future__ import annotations

from viftrail.chain.checks import Checks, not_applicable
from viftrail.verdict import Evidence, Stage, State

GOOD = Evidence(where="here", what="a", seen="1", expected="1")
ODD = Evidence(where="here", what="b", seen="2", expected="1")


def test_a_stage_that_nobody_looked_at_is_unknown() -> None:
    checks = Checks(Stage.VIF)
    checks.unknown("the host was not looked at")
    found = checks.finding()
    assert (found.id, found.state) == ("S8", State.UNKNOWN)
    assert found.summary == "the host was not looked at"


def test_half_a_look_is_no_health() -> None:
    checks = Checks(Stage.PROVIDER)
    checks.check(True, GOOD, good="the mapping is right", bad="")
    checks.unknown("the bridge was not looked at")
    assert checks.finding().state is State.UNKNOWN
    assert "bridge was not looked at" in checks.finding().summary


def test_an_aside_does_not_spoil_health() -> None:
    checks = Checks(Stage.NORTHD)
    checks.check(True, GOOD, good="the row is there", bad="")
    checks.aside("its writer was not looked at")
    found = checks.finding()
    assert found.state is State.OK
    assert found.summary == "the row is there; its writer was not looked at"


def test_one_failure_breaks_and_comes_first() -> None:
    checks = Checks(Stage.VIF)
    assert checks.check(True, GOOD, good="fine", bad="")
    assert not checks.check(False, ODD, good="", bad="b is wrong")
    checks.unknown("something")
    found = checks.finding()
    assert (found.state, found.summary) == (State.BROKEN, "b is wrong")
    assert found.evidence == (ODD, GOOD)


def test_nothing_at_all_is_unknown() -> None:
    assert Checks(Stage.VIF).finding().state is State.UNKNOWN


def test_a_stage_that_is_not_passed() -> None:
    found = not_applicable(Stage.FLOATING_IP, "none")
    assert (found.id, found.name, found.state) == ("S13", "floating ip", State.NOT_APPLICABLE)
