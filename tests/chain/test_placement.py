"""Why a provider would be refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openstack import SERVICES, cloud_of, provider, server, service
from viftrail.chain.placement import (
    DISABLED,
    compute_of,
    computes,
    decisive,
    refusals,
    would_fit,
)
from viftrail.facts.openstack import Flavor, Hypervisor, Image, Inventory, Provider

FULL = {"MEMORY_MB": 7680}


def texts(row: Provider, **fields: Any) -> list[str]:
    """Every reason against one provider."""
    asked = server(**fields)
    cloud = cloud_of(asked, providers=(row,))
    return [each.text for each in refusals(cloud, asked)[row.uuid]]


def test_who_has_room_is_not_refused() -> None:
    cloud = cloud_of(server(), providers=(provider("cmp1"), provider("cmp2", FULL)))
    assert [row.name for row in would_fit(cloud, server())] == ["cmp1"]
    assert decisive(cloud, server()) == {}


def test_of_several_reasons_those_of_the_nearest_provider_decide() -> None:
    far = provider("cmp1", {**FULL, "DISK_GB": 100}, traits=(DISABLED,))
    near = provider("cmp2", FULL)
    found = decisive(cloud_of(server(), providers=(far, near)), server())
    assert set(found) == {"MEMORY_MB"}
    assert [each.provider.name for each in found["MEMORY_MB"]] == ["cmp2"]


def test_of_a_provider_that_was_not_read_nothing_is_reckoned() -> None:
    unread = provider("cmp2", FULL, inventories=None)
    cloud = cloud_of(server(), providers=(provider("cmp1", FULL), unread))
    assert decisive(cloud, server()) == {}
    assert would_fit(cloud, server()) == ()


@pytest.mark.parametrize(
    ("word", "traits", "says"),
    [
        ("required", (), "cmp1 lacks HW_NIC"),
        ("forbidden", ("HW_NIC",), "cmp1 has HW_NIC"),
        ("required", ("HW_NIC",), ""),
        ("required", None, ""),
    ],
)
def test_traits_of_flavor_and_image(word: str, traits: tuple[str, ...] | None, says: str) -> None:
    flavor = Flavor(name="f", vcpus=1, ram=1, disk=1, extra_specs={"trait:HW_NIC": word})
    row = provider("cmp1", traits=traits)
    assert texts(row, flavor=flavor) == ([says] if says else [])
    asked = server()
    image = Image(id="image", properties={"trait:HW_NIC": word})
    cloud = cloud_of(asked, providers=(row,), images=(image,))
    assert [each.text for each in refusals(cloud, asked)[row.uuid]] == ([says] if says else [])


def test_a_trait_that_stayed_behind_is_called_so() -> None:
    assert texts(provider("cmp1", traits=(DISABLED,))) == [
        f"cmp1 has the trait {DISABLED}, though it is enabled"
    ]


def test_a_zone_of_another_name() -> None:
    assert texts(provider("cmp1"), availability_zone="az9") == [
        "cmp1 is in zone nova, az9 was asked for"
    ]
    assert texts(provider("cmp1"), availability_zone="nova") == []


def test_a_compute_is_found_by_its_hypervisor_where_the_names_differ() -> None:
    row = provider("cmp1.example.org")
    nodes = (Hypervisor(hostname="cmp1.example.org", host="cmp1"),)
    found = compute_of(cloud_of(server(), hypervisors=nodes), row)
    assert found is not None
    assert found.host == "cmp1"
    assert compute_of(cloud_of(server(), hypervisors=()), row) is None
    scheduler = (service("cmp1", "nova-scheduler"),)
    assert compute_of(cloud_of(server(), services=scheduler), provider("cmp1")) is None


def test_a_shared_disk_is_no_host() -> None:
    shared = provider("nfs", inventories={"DISK_GB": Inventory(total=9)})
    cloud = cloud_of(server(), providers=(shared, provider("cmp1")), services=SERVICES)
    assert [row.name for row in computes(cloud)] == ["cmp1"]
