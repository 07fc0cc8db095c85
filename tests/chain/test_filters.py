"""Which filter left no host."""

from __future__ import annotations

from tests.openstack import FILTERED, ID, cloud_of, server, signal, tried
from viftrail.chain.filters import filtering_of

RESULTS = (
    "ComputeFilter: (start: 2, end: 2), ServerGroupAntiAffinityFilter: (start: 2, end: 0), "
    "NUMATopologyFilter: (start: 0, end: 0)"
)


def test_the_first_that_left_none_decides() -> None:
    log = signal("filtering-removed-all", "Filtering removed all hosts", results=RESULTS)
    found = filtering_of(cloud_of(server(FILTERED), logs=(log,)), server(FILTERED))
    assert found is not None
    assert found.deciding == "ServerGroupAntiAffinityFilter"
    assert [str(sieve) for sieve in found.sieves][:2] == [
        "ComputeFilter 2 to 2",
        "ServerGroupAntiAffinityFilter 2 to 0",
    ]
    assert found.proof.seen == "Filtering removed all hosts"


def test_the_short_line_is_enough_where_it_is_of_this_request() -> None:
    log = signal("filter-returned-none", filter="PciPassthroughFilter")
    cloud = cloud_of(server(FILTERED), logs=(log,), actions=(tried("cmp1"),))
    found = filtering_of(cloud, server(FILTERED))
    assert found is not None
    assert found.deciding == "PciPassthroughFilter"


def test_another_servers_request_tells_nothing() -> None:
    log = signal("filter-returned-none", filter="PciPassthroughFilter")
    other = server(FILTERED, id=ID.replace("1", "9"))
    assert filtering_of(cloud_of(other, logs=(log,)), other) is None
    assert filtering_of(cloud_of(server(FILTERED)), server(FILTERED)) is None


def test_results_that_are_cut_off_decide_nothing() -> None:
    log = signal("filtering-removed-all", results="ComputeFilter: (start: 2, end: 2), Aggr")
    found = filtering_of(cloud_of(server(FILTERED), logs=(log,)), server(FILTERED))
    assert found is not None
    assert found.deciding == ""
