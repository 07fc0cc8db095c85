"""Allocations of nobody."""

from __future__ import annotations

from tests.openstack import BLANK, ID, answer, cases, cloud_of, provider, server
from viftrail.facts.openstack import Provider
from viftrail.verdict import Certainty, Risk

GHOST = "99999999-9999-9999-9999-999999999999"


def held(name: str, consumer: str = GHOST, amount: int = 7000) -> Provider:
    return provider(name, {"MEMORY_MB": amount}, allocations={consumer: {"MEMORY_MB": amount}})


def test_what_is_held_by_nobody_is_in_the_way() -> None:
    cloud = cloud_of(server(BLANK), providers=(held("cmp1"), held("cmp2")), lost_consumers=(GHOST,))
    assert answer(cloud) == ("broken", "S1", "sched-orphan-allocations")
    assert not cases("sched-ram-capacity", cloud)
    case = cases("sched-orphan-allocations", cloud)[0]
    assert case.certainty is Certainty.PROVEN
    assert GHOST in case.summary
    assert case.steps[0].risk is Risk.DESTROYS
    assert "allocation set" in case.steps[0].undo


def test_what_a_server_holds_is_no_orphan() -> None:
    living = server(id="living", name="other", host="cmp1")
    rows = (held("cmp1", "living"), held("cmp2", "living"))
    cloud = cloud_of(server(BLANK), living, providers=rows, listed=True)
    assert not cases("sched-orphan-allocations", cloud)
    assert answer(cloud) == ("broken", "S1", "sched-ram-capacity")


def test_a_list_of_one_server_proves_nothing_about_others() -> None:
    cloud = cloud_of(server(BLANK), providers=(held("cmp1"), held("cmp2")))
    assert not cases("sched-orphan-allocations", cloud)


def test_a_list_of_all_servers_makes_it_likely() -> None:
    living = server(id="living", name="other", host="cmp1")
    cloud = cloud_of(server(BLANK), living, providers=(held("cmp1"), held("cmp2")), listed=True)
    assert {case.certainty for case in cases("sched-orphan-allocations", cloud)} == {
        Certainty.LIKELY
    }


def test_an_orphan_that_would_not_help_leaves_the_shortage() -> None:
    rows = tuple(
        provider(host, {"MEMORY_MB": 7600}, allocations={GHOST: {"MEMORY_MB": 10}})
        for host in ("cmp1", "cmp2")
    )
    cloud = cloud_of(server(BLANK), providers=rows, lost_consumers=(GHOST,))
    assert answer(cloud) == ("broken", "S1", "sched-ram-capacity")


def test_who_runs_on_that_host_is_not_accused() -> None:
    cloud = cloud_of(server(host="cmp1"), providers=(held("cmp1"),), lost_consumers=(GHOST,))
    (case,) = cases("sched-orphan-allocations", cloud)
    assert case.subject.kind == "host"
    assert answer(cloud)[0] == "healthy", ID


def used(name: str, amount: int) -> Provider:
    """As it is saved by most: what is used, and not by whom."""
    return provider(name, {"MEMORY_MB": amount}, allocations=None)


def test_what_no_flavor_accounts_for_is_likely_held_by_nobody() -> None:
    living = server(id="living", name="other", host="cmp1")
    rows = (used("cmp1", 7680), used("cmp2", 7680))
    cloud = cloud_of(server(BLANK), living, providers=rows, listed=True)
    assert answer(cloud) == ("broken", "S1", "sched-orphan-allocations")
    first, second = cases("sched-orphan-allocations", cloud)
    assert first.certainty is Certainty.LIKELY
    assert [each.seen for each in first.evidence] == ["7680, 1024"]
    assert [each.seen for each in second.evidence] == ["7680, 0"]
    assert first.steps[0].risk is Risk.SAFE, "nothing is deleted before its owner is known"


def test_what_flavors_account_for_is_not() -> None:
    many = [server(id=f"s{n}", name=f"s{n}", host=f"cmp{n % 2 + 1}") for n in range(14)]
    rows = (used("cmp1", 7 * 1024), used("cmp2", 7 * 1024))
    cloud = cloud_of(server(BLANK), *many, providers=rows, listed=True)
    assert answer(cloud) == ("broken", "S1", "sched-ram-capacity")


def test_a_server_on_the_move_is_no_sum() -> None:
    moving = server(id="living", name="other", host="cmp1", status="VERIFY_RESIZE")
    rows = (used("cmp1", 7680), used("cmp2", 7680))
    cloud = cloud_of(server(BLANK), moving, providers=rows, listed=True)
    assert answer(cloud) == ("broken", "S1", "sched-ram-capacity")
