"""What Placement reckons, and what it does not look at."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.openstack import BLANK, FILTERED, answer, cases, cloud_of, provider, server
from viftrail.facts.openstack import Candidates, Flavor
from viftrail.verdict import Certainty

NEEDS = {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 10}
FULL = {
    "sched-disk-capacity": {"DISK_GB": 95},
    "sched-ram-capacity": {"MEMORY_MB": 7000},
    "sched-vcpu-capacity": {"VCPU": 32},
}

each = pytest.mark.parametrize("fault_id", FULL)


@each
def test_the_resource_that_every_host_is_short_of(fault_id: str) -> None:
    rows = (provider("cmp1", FULL[fault_id]), provider("cmp2", FULL[fault_id]))
    assert answer(cloud_of(server(BLANK), providers=rows)) == ("broken", "S1", fault_id)


@each
def test_one_host_with_room_is_enough(fault_id: str) -> None:
    rows = (provider("cmp1", FULL[fault_id]), provider("cmp2"))
    assert not cases(fault_id, cloud_of(server(BLANK), providers=rows))


@each
def test_a_server_that_runs_is_not_short_of_anything(fault_id: str) -> None:
    rows = (provider("cmp1", FULL[fault_id]), provider("cmp2", FULL[fault_id]))
    assert not cases(fault_id, cloud_of(server(), providers=rows))
    assert not cases(fault_id, cloud_of(server(FILTERED), providers=rows))


def test_the_numbers_are_there() -> None:
    rows = (provider("cmp1", {"MEMORY_MB": 7000}),)
    (case,) = cases("sched-ram-capacity", cloud_of(server(BLANK), providers=rows))
    assert "(8192 - 512) x 1 - 7000 = 680 left" in case.summary
    (step,) = case.steps
    assert "allocation_ratio=1.1 --amend" in step.command
    assert "allocation_ratio=1 --amend" in step.undo


def test_of_many_full_hosts_those_with_most_left_are_told_of() -> None:
    rows = [provider(f"cmp{at:03}", {"DISK_GB": 91 + at % 10}) for at in range(200)]
    (case,) = cases("sched-disk-capacity", cloud_of(server(BLANK), providers=rows))
    assert "100 - 0) x 1 - 91 = 9 left; 195 more hosts are refused as well" in case.summary
    assert len(case.evidence) < 10
    assert "rp-cmp000 " in case.steps[0].command


def test_a_flavor_larger_than_any_host_is_not_mended_by_a_ratio() -> None:
    large = server(BLANK, flavor=Flavor(name="big", vcpus=1, ram=40000, disk=1))
    (case,) = cases("sched-ram-capacity", cloud_of(large))
    assert not case.steps
    assert "larger than any host" in case.note


def test_a_volume_needs_no_disk() -> None:
    rows = (provider("cmp1", {"DISK_GB": 95}), provider("cmp2", {"DISK_GB": 95}))
    assert not cases("sched-disk-capacity", cloud_of(server(BLANK, image=""), providers=rows))


def test_each_host_short_of_another_resource() -> None:
    rows = (provider("cmp1", {"DISK_GB": 95}), provider("cmp2", {"MEMORY_MB": 7000}))
    cloud = cloud_of(server(BLANK), providers=rows)
    for fault_id in ("sched-disk-capacity", "sched-ram-capacity"):
        (case,) = cases(fault_id, cloud)
        assert case.certainty is Certainty.LIKELY


@pytest.mark.parametrize("field", ["inventories", "usages"])
def test_what_was_not_read_is_not_reckoned(field: str) -> None:
    rows = (provider("cmp1", {"MEMORY_MB": 7000}), replace(provider("cmp2"), **{field: None}))
    cloud = cloud_of(server(BLANK), providers=rows)
    assert not any(cases(fault_id, cloud) for fault_id in FULL)


def test_without_admin_placements_answers_decide() -> None:
    asked = (
        Candidates(resources=NEEDS, providers=0),
        Candidates(resources={"VCPU": 1, "MEMORY_MB": 1024}, providers=2),
        Candidates(resources={"VCPU": 1, "DISK_GB": 10}, providers=0),
    )
    cloud = cloud_of(server(BLANK), providers=None, candidates=asked)
    assert answer(cloud) == ("broken", "S1", "sched-disk-capacity")
    assert not cases("sched-ram-capacity", cloud)


def test_without_any_of_it_nobody_is_accused() -> None:
    cloud = cloud_of(server(BLANK), providers=None, services=None, hypervisors=None)
    assert answer(cloud) == ("broken", "S1", "")
