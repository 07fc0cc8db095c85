"""ovn-northd: who is active, and whether it has caught up."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, on_host, stage
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.chain.northd import northd_state
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NBGlobal
from viftrail.verdict import State


def answering(status: str) -> Facts:
    host = healthy().hosts["controller"]
    unixctl = {**host.unixctl, "ovn-northd": {"status": status} if status else {}}
    return on_host(healthy(), "controller", unixctl=unixctl)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Status: active", "active"),
        ("Status: standby", "standby"),
        ("paused", "paused"),
        ("", "hung"),
    ],
)
def test_its_answer_in_words(answer: str, words: str) -> None:
    assert northd_state(answering(answer).hosts["controller"]) == words


def test_one_standby_of_many_is_normal() -> None:
    """On a cluster, one central host was looked at, and the active northd is on another."""
    facts = answering("Status: standby")
    verdict = ask(facts)
    assert verdict.verdict.state is State.HEALTHY
    assert accused(verdict) == set()
    assert audit(facts).causes == ()
    assert "not looked at" in next(f for f in verdict.stages if f.id == "S5").summary


def test_a_hung_northd_freezes_what_there_is() -> None:
    verdict = ask(answering(""))
    assert (verdict.verdict.stage, verdict.verdict.cause) == ("S5", "northd-no-active")


def test_southbound_that_lags_is_seen() -> None:
    facts = edit(healthy(), NBGlobal, lambda row: msgspec.structs.replace(row, nb_cfg=9, sb_cfg=7))
    assert stage(ask(facts), "S5") == "degraded"


def test_a_request_of_this_moment_is_no_lag() -> None:
    facts = edit(healthy(), NBGlobal, lambda row: msgspec.structs.replace(row, nb_cfg=8, sb_cfg=7))
    verdict = ask(facts)
    assert verdict.verdict.state is State.HEALTHY
    assert "on its way" in next(f for f in verdict.stages if f.id == "S5").summary


def test_where_southbound_is_dead_no_northd_elsewhere_is_said_to_be_active() -> None:
    verdict = ask(facts_of("sb-server-down"))
    said = next(f for f in verdict.stages if f.id == "S5").summary
    assert "no ovn-northd can take its lock in Southbound, which nobody serves" in said
    assert "not looked at" not in said
