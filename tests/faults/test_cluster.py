"""RAFT clusters: lost majorities, members apart, hosts that know one; and a follower is no fault."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, healthy, on_host, settings, stage, without
from tests.faults.test_server import found, process, servers
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.verdict import State

MEMBERS = ("tcp:192.0.2.10:6642", "tcp:192.0.2.12:6642", "tcp:192.0.2.13:6642")
NO_QUORUM = facts_of("sb-raft-no-quorum")
SINGLE = facts_of("sb-stale-or-single-endpoint")
APART = facts_of("raft-member-apart")


def southbound(facts: Facts, name: str, **columns: Any) -> Facts:
    """The server of Southbound on a controller with other columns."""
    known = facts.hosts[name].servers
    changed = msgspec.structs.replace(known[SOUTHBOUND], **columns)
    return on_host(facts, name, servers={**known, SOUTHBOUND: changed})


def said(facts: Facts, name: str, *changes: tuple[str, str]) -> Facts:
    """The same with another cluster/status."""
    status = facts.hosts[name].servers[SOUTHBOUND].status
    for old, new in changes:
        assert old in status
        status = status.replace(old, new)
    return southbound(facts, name, status=status)


def line(facts: Facts, name: str, key: str) -> str:
    """A line of its cluster/status."""
    status = facts.hosts[name].servers[SOUTHBOUND].status
    return next(each for each in status.splitlines() if each.startswith(key))


def test_a_cluster_without_a_majority() -> None:
    facts = servers(healthy(), model="clustered", connected=False)
    assert "sb-raft-no-quorum" in accused(ask(facts, "vm1"))
    follower = servers(healthy(), model="clustered", leader=False)
    assert found(follower) == set(), "a follower serves as well"


def test_without_a_majority_the_dead_are_started_and_what_is_read_may_be_old() -> None:
    verdict = ask(NO_QUORUM)
    (cause,) = verdict.causes
    assert cause.id == "sb-raft-no-quorum"
    assert [step.where for step in cause.remedy.steps] == ["controller2", "controller3"]
    assert {step.command for step in cause.remedy.steps} == {
        "systemctl restart ovn-ovsdb-server-sb"
    }
    assert "may be old" in cause.remedy.note
    (gap,) = (each for each in verdict.unknown if each.place == SOUTHBOUND)
    assert "has lost its cluster" in gap.why
    assert any("192.0.2.2:6644" in each.seen for each in cause.evidence)


def test_without_a_majority_northd_and_the_chassis_are_not_to_blame() -> None:
    verdict = ask(NO_QUORUM, "vm2")
    assert verdict.verdict.state is State.DEGRADED
    assert stage(verdict, "S5") == "ok"
    assert found(NO_QUORUM) == {"sb-raft-no-quorum"}


def test_one_member_that_is_in_contact_is_enough() -> None:
    facts = southbound(NO_QUORUM, "controller", connected=True)
    for other in ("controller2", "controller3"):
        facts = on_host(facts, other, processes={})
    assert "sb-raft-no-quorum" not in found(facts), "nobody saw that the others are dead"


def test_a_follower_that_has_not_noticed_yet_is_not_believed() -> None:
    facts = said(
        southbound(NO_QUORUM, "controller", connected=True),
        "controller",
        ("disconnected from the cluster (election timeout)", "cluster member"),
        ("Role: candidate", "Role: follower"),
        ("Leader: unknown", "Leader: aa3d"),
    )
    verdict = ask(facts)
    assert verdict.verdict.cause == "sb-raft-no-quorum"
    (told,) = (each for each in verdict.causes[0].evidence if each.what.startswith("cluster/"))
    assert told.seen.startswith("cluster member; follower")
    assert told.seen.endswith("leader aa3d: it has not noticed yet")
    assert found(facts) == {"sb-raft-no-quorum"}


def test_a_host_that_knows_one_member_of_three() -> None:
    facts = servers(healthy(), model="clustered")
    for name in ("compute1", "compute2", "network1"):
        facts = settings(facts, name, ovn_remote=",".join(MEMBERS))
    assert found(facts) == set()
    facts = settings(facts, "compute2", ovn_remote=MEMBERS[1])
    (group,) = audit(facts).groups
    assert (group.id, group.subjects) == ("sb-stale-or-single-endpoint", ("host compute2",))
    assert group.state is State.DEGRADED
    assert ask(facts, "vm3").verdict.state is State.HEALTHY, "it only threatens"
    behind_a_virtual_address = settings(facts, "compute2", ovn_remote="tcp:192.0.2.99:6642")
    assert found(behind_a_virtual_address) == set()


def test_one_endpoint_is_all_there_is_of_a_standalone_server() -> None:
    facts = settings(servers(healthy()), "compute2", ovn_remote=",".join(MEMBERS))
    assert found(facts) == set()


def test_a_host_that_knows_the_dead_member_only() -> None:
    verdict = ask(SINGLE)
    assert verdict.verdict.cause == "sb-stale-or-single-endpoint"
    (cause,) = verdict.causes
    assert [each.where for each in cause.evidence] == ["compute1", "compute1", "controller3"]
    (step,) = cause.remedy.steps
    whole = SINGLE.hosts["network1"].settings["ovn-remote"]
    assert whole.count("tcp:") == 3
    assert whole in step.command
    assert ask(SINGLE, "vm2").verdict.state is State.DEGRADED, "on the same host, and frozen"
    assert accused(ask(SINGLE, "vm3")) == set()


def test_an_address_of_nobody_is_another_fault() -> None:
    facts = settings(SINGLE, "compute1", ovn_remote="tcp:192.0.2.99:6642")
    assert {"controller-sb-unreachable", "raft-member-apart"} == found(facts)


def test_a_dead_member_is_named_and_nobody_is_harmed() -> None:
    (group,) = audit(APART).groups
    assert (group.id, group.subjects) == ("raft-member-apart", ("host controller3",))
    assert group.state is State.DEGRADED
    assert ask(APART).verdict.state is State.HEALTHY


def test_a_dead_server_that_nobody_calls_a_member_is_not_named() -> None:
    assert found(process(healthy(), "ovnsb_db", "")) == set()
    assert found(without(APART, "controller3")) == set(), "it was not looked at"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"connected": False}, "may be old"),
        ({"key": "Cluster ID:", "to": "Cluster ID: beef (beefbeef)"}, "another cluster (beef)"),
        ({"key": "Log:", "to": "Log: [2, 90000]"}, "entries behind"),
    ],
)
def test_a_member_that_is_not_of_one_mind(change: dict[str, Any], told: str) -> None:
    whole = without(APART, "controller3")
    if "key" in change:
        # Which of the two is odd is told by what the third says.
        third = whole.hosts["controller2"]
        facts = type(whole)(
            nb=whole.nb,
            sb=whole.sb,
            owner=whole.owner,
            gaps=whole.gaps,
            hosts={**whole.hosts, "controller4": third},
        )
        facts = said(facts, "controller", (line(facts, "controller", change["key"]), change["to"]))
    else:
        facts = southbound(whole, "controller2", **change)
    groups = [group for group in audit(facts).groups if group.id == "raft-member-apart"]
    assert groups
    assert told in groups[0].example.summary
    assert ask(facts).verdict.state is State.HEALTHY


def test_a_leader_of_an_earlier_term() -> None:
    whole = without(APART, "controller3")
    whole = said(whole, "controller", ("Role: leader", "Role: follower"))
    newer = said(
        whole,
        "controller2",
        (line(whole, "controller2", "Term:"), "Term: 99"),
        (line(whole, "controller2", "Leader:"), "Leader: beef"),
    )
    (group,) = audit(newer).groups
    assert (group.id, group.subjects) == ("raft-member-apart", ("host controller",))
    assert "earlier term" in group.example.summary


def test_a_term_that_has_just_begun_is_no_quarrel() -> None:
    whole = without(APART, "controller3")
    newer = said(whole, "controller2", (line(whole, "controller2", "Term:"), "Term: 99"))
    assert found(newer) == set()


def three(*, apart: float = 0.0, report: bool = False) -> Facts:
    """Three members, of which the first by name was looked at so much earlier."""
    whole = without(APART, "controller3")
    facts = Facts(
        nb=whole.nb,
        sb=whole.sb,
        owner=whole.owner,
        gaps=whole.gaps,
        hosts={**whole.hosts, "controller4": whole.hosts["controller2"]},
    )
    for name in ("controller2", "controller4"):
        moment = facts.hosts["controller"].time + apart
        facts = on_host(facts, name, **({"reported": moment} if report else {"time": moment}))
    if report:
        facts = on_host(facts, "controller", reported=facts.hosts["controller"].time)
    return facts


def led(facts: Facts) -> Facts:
    """The first by name takes itself for the leader, and the others have another of a later term."""
    for name in ("controller2", "controller4"):
        facts = said(
            facts,
            name,
            (line(facts, name, "Term:"), "Term: 99"),
            (line(facts, name, "Leader:"), "Leader: beef"),
        )
    return facts


@pytest.mark.parametrize("late", ["controller", "controller2", "controller4"])
def test_who_is_behind_is_seen_wherever_its_name_stands(late: str) -> None:
    facts = three()
    for name in ("controller", "controller2", "controller4"):
        end = "[2, 20000]" if name == late else "[2, 95000]"
        facts = said(facts, name, (line(facts, name, "Log:"), f"Log: {end}"))
    (group,) = audit(facts).groups
    assert (group.id, group.subjects) == ("raft-member-apart", (f"host {late}",))
    assert "is 75000 entries behind" in group.example.summary


@pytest.mark.parametrize("report", [True, False])
def test_what_passed_between_two_looks_is_no_fault(report: bool) -> None:
    later = three(apart=300.0, report=report)
    assert found(led(later)) == set(), "an election"
    grown = said(later, "controller", (line(later, "controller", "Log:"), "Log: [2, 9]"))
    assert found(grown) == set(), "rows that were written"
    assert "raft-member-apart" in found(led(three(apart=2.0, report=report)))


def test_a_leader_that_was_replaced() -> None:
    (group,) = audit(led(three())).groups
    assert (group.id, group.subjects) == ("raft-member-apart", ("host controller",))
    assert "still takes itself for the leader" in group.example.summary
