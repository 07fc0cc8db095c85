"""Filters of the scheduler that left no host, each told by the log and not by the flavor."""

from __future__ import annotations

import pytest

from tests.openstack import BLANK, FILTERED, ID, answer, cases, cloud_of, server, signal
from viftrail.facts.log.logs import Signal
from viftrail.verdict import Risk

BY = {
    "NUMATopologyFilter": "sched-pci-numa",
    "PciPassthroughFilter": "sched-pci-numa",
    "ServerGroupAntiAffinityFilter": "sched-server-group",
    "ServerGroupAffinityFilter": "sched-server-group",
}


def log(name: str) -> Signal:
    results = f"ComputeFilter: (start: 2, end: 2), {name}: (start: 2, end: 0)"
    return signal(
        "filtering-removed-all", "Filtering removed all hosts", server=ID, results=results
    )


@pytest.mark.parametrize("name", BY)
def test_each_filter_is_its_fault(name: str) -> None:
    cloud = cloud_of(server(FILTERED), logs=(log(name),))
    assert answer(cloud) == ("broken", "S1", BY[name])
    (case,) = cases(BY[name], cloud)
    assert f"{name} 2 to 0" in case.summary
    assert {step.risk for step in case.steps} == {Risk.SAFE}
    assert not any("SERVER" in step.command or "FLAVOR" in step.command for step in case.steps)
    (other,) = set(BY.values()) - {BY[name]}
    assert not cases(other, cloud)


@pytest.mark.parametrize("fault_id", sorted(set(BY.values())))
def test_without_a_log_and_with_another_filter_nobody_is_accused(fault_id: str) -> None:
    assert not cases(fault_id, cloud_of(server(FILTERED)))
    assert not cases(fault_id, cloud_of(server(FILTERED), logs=(log("RamFilter"),)))


@pytest.mark.parametrize("name", BY)
def test_an_old_log_of_a_server_that_placement_refuses_now_does_not_count(name: str) -> None:
    assert not cases(BY[name], cloud_of(server(BLANK), logs=(log(name),)))
    assert not cases(BY[name], cloud_of(server(), logs=(log(name),)))
