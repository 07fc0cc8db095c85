"""Hosts with room that Placement does not offer."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from msgspec.structs import replace

from tests.openstack import (
    BLANK,
    FILTERED,
    ID,
    PROVIDERS,
    SERVICES,
    answer,
    cases,
    cloud_of,
    provider,
    server,
    service,
    signal,
)
from viftrail.facts.openstack import Flavor, Image
from viftrail.verdict import Certainty

TRAIT = "trait:HW_CPU_X86_AVX512F"
SPECIAL = Flavor(name="avx", vcpus=1, ram=64, disk=1, extra_specs={TRAIT: "required"})


def test_a_trait_of_the_flavor_that_no_host_has() -> None:
    cloud = cloud_of(server(BLANK, flavor=SPECIAL))
    assert answer(cloud) == ("broken", "S1", "sched-traits-image-properties")
    (case,) = cases("sched-traits-image-properties", cloud)
    assert f"flavor unset --property {TRAIT} avx" in case.steps[0].command
    assert f"flavor set --property {TRAIT}=required avx" in case.steps[0].undo


def test_a_trait_of_the_image() -> None:
    images = (Image(id="image", properties={TRAIT: "required"}),)
    (case,) = cases("sched-traits-image-properties", cloud_of(server(BLANK), images=images))
    assert "image unset --property" in case.steps[0].command


def test_a_host_that_has_the_trait_is_enough() -> None:
    rows = (provider("cmp1", traits=("HW_CPU_X86_AVX512F",)), provider("cmp2"))
    assert not cases(
        "sched-traits-image-properties", cloud_of(server(BLANK, flavor=SPECIAL), providers=rows)
    )


def test_traits_that_were_not_read_are_likely_lacking_where_all_else_would_do() -> None:
    rows = (provider("cmp1", traits=None),)
    cloud = cloud_of(server(BLANK, flavor=SPECIAL), providers=rows)
    (case,) = cases("sched-traits-image-properties", cloud)
    assert case.certainty is Certainty.LIKELY
    assert "were not recorded" in case.summary
    full = (provider("cmp1", {"MEMORY_MB": 7680}, traits=None),)
    cloud = cloud_of(server(BLANK, flavor=SPECIAL), providers=full)
    assert not cases("sched-traits-image-properties", cloud), "something else is known"
    off = (SERVICES[0], service("cmp1", status="disabled"))
    cloud = cloud_of(server(BLANK, flavor=SPECIAL), providers=rows, services=off)
    assert not cases("sched-traits-image-properties", cloud), "and here"


def test_a_zone_whose_aggregates_were_not_read_is_likely_where_all_else_would_do() -> None:
    services = (SERVICES[0], service("cmp1", zone="az1"), service("cmp2"))
    rows = (provider("cmp1"), provider("cmp2"))
    asked = server(BLANK, availability_zone="az1")
    cloud = cloud_of(asked, services=services, providers=rows)
    assert answer(cloud) == ("broken", "S1", "sched-az-aggregate")
    (case,) = cases("sched-az-aggregate", cloud)
    assert case.certainty is Certainty.LIKELY
    both = server(BLANK, availability_zone="az1", flavor=SPECIAL)
    rows = (provider("cmp1", traits=None), provider("cmp2", traits=None))
    cloud = cloud_of(both, services=services, providers=rows)
    assert not cases("sched-az-aggregate", cloud), "it may as well be the trait"
    assert not cases("sched-traits-image-properties", cloud)


def test_a_zone_without_hosts() -> None:
    cloud = cloud_of(server(BLANK, availability_zone="az9"))
    assert answer(cloud) == ("broken", "S1", "sched-az-aggregate")


def test_a_zone_with_a_host_that_is_full_wants_for_room() -> None:
    services = (SERVICES[0], service("cmp1", zone="az1"), service("cmp2", zone="az2"))
    rows = (provider("cmp1", {"MEMORY_MB": 7600}), provider("cmp2"))
    cloud = cloud_of(server(BLANK, availability_zone="az1"), services=services, providers=rows)
    found = {each for each in ("sched-az-aggregate", "sched-ram-capacity") if cases(each, cloud)}
    assert found == {"sched-az-aggregate", "sched-ram-capacity"}


def test_the_zone_that_it_is_in_is_fine() -> None:
    assert not cases("sched-az-aggregate", cloud_of(server(BLANK, availability_zone="nova")))


@pytest.mark.parametrize(
    ("name", "fault_id"),
    [
        ("AvailabilityZoneFilter", "sched-az-aggregate"),
        ("ImagePropertiesFilter", "sched-traits-image-properties"),
        ("ServerGroupAntiAffinityFilter", "sched-server-group"),
        ("NUMATopologyFilter", "sched-pci-numa"),
    ],
)
def test_the_filter_that_left_none_decides(name: str, fault_id: str) -> None:
    results = f"'First: (start: 2, end: 2)', '{name}: (start: 2, end: 0)'"
    log = (signal("filtering-removed-all", server=ID, results=results),)
    assert answer(cloud_of(server(FILTERED), logs=log)) == ("broken", "S1", fault_id)
    other = (signal("filtering-removed-all", server="another", results=results),)
    assert not cases(fault_id, cloud_of(server(FILTERED), logs=other))


def test_a_compute_without_a_provider() -> None:
    cloud = cloud_of(server(BLANK), providers=())
    assert answer(cloud)[2] == "sched-provider-missing"


def test_a_compute_that_is_not_to_be_used_needs_none() -> None:
    services = (service("cmp1"), service("cmp2", status="disabled"))
    cloud = cloud_of(server(), services=services, providers=PROVIDERS[:1])
    assert not cases("sched-provider-missing", cloud)
    assert not cases("sched-provider-missing", cloud_of(server(), providers=None))


def test_a_silent_placement() -> None:
    log = (signal("placement-unreachable", why="Placement API service is not responding"),)
    cloud = cloud_of(server(BLANK), logs=log)
    assert answer(cloud) == ("broken", "S1", "sched-placement-unreachable")
    (case,) = cases("sched-placement-unreachable", cloud)
    assert case.certainty is Certainty.PROVEN


def test_a_placement_that_was_silent_at_another_time_is_not_what_failed_this_build() -> None:
    built = {"created": "2026-01-01T12:00:00Z", "updated": "2026-01-01T12:00:09Z"}
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc).timestamp()
    for late, found in ((-600, False), (-5, True), (12, True), (600, False)):
        said = signal("placement-unreachable", time=noon + late, why="no answer")
        said = replace(said, line=replace(said.line, ids=()))
        cloud = cloud_of(server(BLANK, **built), logs=(said,))
        told = [
            case for case in cases("sched-placement-unreachable", cloud) if "ask" in case.summary
        ]
        assert bool(told) is found


def test_room_that_was_not_offered_is_a_suspicion_only() -> None:
    cloud = cloud_of(server(BLANK))
    (case,) = cases("sched-placement-unreachable", cloud)
    assert case.certainty is Certainty.POSSIBLE
    assert answer(cloud) == ("broken", "S1", "")


def test_a_placement_that_answers_nobody() -> None:
    cloud = cloud_of(server(BLANK), providers=None, unanswered=("placement",))
    assert answer(cloud) == ("broken", "S1", "sched-placement-unreachable")


def test_a_zone_that_placement_was_not_told_of() -> None:
    services = (SERVICES[0], service("cmp1", zone="az1"), service("cmp2"))
    rows = (provider("cmp1", aggregates=()), provider("cmp2", aggregates=()))
    cloud = cloud_of(server(BLANK, availability_zone="az1"), services=services, providers=rows)
    assert answer(cloud) == ("broken", "S1", "sched-az-aggregate")
    told = (provider("cmp1", aggregates=("agg",)), rows[1])
    cloud = cloud_of(server(BLANK, availability_zone="az1"), services=services, providers=told)
    assert not cases("sched-az-aggregate", cloud)
