"""Each pattern matches its own example, and no two are the same."""

from __future__ import annotations

import pytest

from viftrail.facts.log.line import ids_in
from viftrail.facts.log.pattern import Pattern
from viftrail.facts.log.patterns import PATTERNS, pattern, patterns_of


@pytest.mark.parametrize("each", PATTERNS, ids=lambda each: each.id)
def test_it_matches_its_example(each: Pattern) -> None:
    groups = each.match(each.example, each.level)
    assert groups is not None
    assert all(name.isidentifier() for name in groups)
    assert each.phrase in each.example
    assert '"' not in each.phrase, "a journal in JSON would have it escaped"
    assert "\n" not in each.phrase
    assert each.means
    assert each.source


def test_ids_are_there_once() -> None:
    assert len({each.id for each in PATTERNS}) == len(PATTERNS)


def test_it_is_found_by_its_id() -> None:
    assert pattern("plugged").id == "plugged"
    with pytest.raises(KeyError):
        pattern("nobody")


def test_debug_is_no_sign_of_trouble() -> None:
    each = pattern("vif-plug-timeout")
    assert each.match(each.example, "DEBUG") is None
    assert each.match(each.example, "ERROR") is not None


def test_what_only_debug_says_is_heard() -> None:
    each = pattern("placement-lacks-resource")
    assert each.match(each.example, "DEBUG") == {"amount": "40000", "resource": "MEMORY_MB"}


def test_a_daemon_is_searched_for_its_own() -> None:
    ids = {each.id for each in patterns_of("ovn-controller")}
    assert "claiming-port" in ids
    assert "connection-failed" in ids
    assert "plugged" not in ids
    assert patterns_of("") == PATTERNS


@pytest.mark.parametrize(
    ("id_", "text"),
    [
        ("changing-chassis", "Changing chassis for lport p1 from cmp1 to cmp2."),
        (
            "bfd-state",
            (
                "ovn-cmp1-0: BFD state change: "
                '(bfd.SessionState: up, bfd.LocalDiag: "No Diagnostic") -> '
                '(bfd.SessionState: down, bfd.LocalDiag: "Control Detection Time Expired")'
            ),
        ),
        ("not-claiming", "Not claiming lport p1, chassis cmp2 requested-chassis cmp1"),
        ("releasing-port", "Releasing lport p1 from this chassis."),
    ],
)
def test_other_releases_say_it_otherwise(id_: str, text: str) -> None:
    groups = pattern(id_).match(text, "INFO")
    assert groups is not None
    if id_ == "changing-chassis":
        assert (groups["old"], groups["new"]) == ("cmp1", "cmp2")
    if id_ == "bfd-state":
        assert (groups["old"], groups["new"]) == ("up", "down")


def test_ids_of_every_kind_are_found() -> None:
    text = (
        "req-b7c52993-aaa1-4b8d-8fd3-87c1df6a5b6d tape10ee707-b2 fa:16:3e:32:65:77 "
        "instance-00000001 1805f7ca-d337-4c03-8ec9-62e4fa4ef2ce 103cb82049a341689370741a18552d98"
    )
    assert ids_in(text) == (
        "req-b7c52993-aaa1-4b8d-8fd3-87c1df6a5b6d",
        "tape10ee707-b2",
        "fa:16:3e:32:65:77",
        "instance-00000001",
        "1805f7ca-d337-4c03-8ec9-62e4fa4ef2ce",
    )
