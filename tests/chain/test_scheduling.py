"""S1, and what Placement reckons."""

from __future__ import annotations

import pytest

from tests.openstack import BLANK, FILTERED, PLUG, cloud_of, provider, server, tried
from viftrail.chain.cloud import Cloud
from viftrail.chain.scheduling import examine, room, short_of, wanted
from viftrail.chain.trail import trail_of_server
from viftrail.facts.openstack import Flavor
from viftrail.verdict import Finding


def stage(cloud: Cloud) -> Finding:
    return examine(cloud, trail_of_server(cloud, (cloud.openstack.servers or ())[0], "vm"))


@pytest.mark.parametrize("message", [BLANK, FILTERED])
def test_no_host_in_novas_words(message: str) -> None:
    found = stage(cloud_of(server(message)))
    assert found.state.value == "broken"
    assert message.strip() in found.summary
    assert found.evidence[0].seen == message.strip()


def test_a_build_that_failed_later_was_scheduled() -> None:
    found = stage(cloud_of(server(PLUG), actions=(tried("cmp2"),)))
    assert (found.state.value, found.summary) == ("ok", "given to cmp2")


def test_a_host_that_is_hidden_is_no_host_that_is_missing() -> None:
    found = stage(cloud_of(server()))
    assert found.state.value == "ok"
    assert "needs admin" in found.summary


def test_a_server_on_its_way_is_not_judged() -> None:
    found = stage(cloud_of(server(status="BUILD", vm_state="building", task_state="scheduling")))
    assert found.state.value == "unknown"
    assert "scheduling" in found.summary


@pytest.mark.parametrize(
    ("flavor", "image", "asked"),
    [
        (Flavor(vcpus=2, ram=64, disk=3), "i", {"VCPU": 2, "MEMORY_MB": 64, "DISK_GB": 3}),
        (Flavor(vcpus=2, ram=64, disk=3), "", {"VCPU": 2, "MEMORY_MB": 64}),
        (Flavor(vcpus=1, ephemeral=1, swap=1025), "", {"VCPU": 1, "DISK_GB": 3}),
        (Flavor(vcpus=2, extra_specs={"hw:cpu_policy": "dedicated"}), "", {"PCPU": 2}),
        (Flavor(vcpus=2, extra_specs={"resources:VCPU": "0"}), "", {}),
        (Flavor(vcpus=1, extra_specs={"resources:CUSTOM_X": "1"}), "", {"VCPU": 1, "CUSTOM_X": 1}),
        (Flavor(vcpus=1, extra_specs={"resources:CUSTOM_X": "many"}), "", {"VCPU": 1}),
    ],
)
def test_what_nova_asks_for(flavor: Flavor, image: str, asked: dict[str, int]) -> None:
    assert wanted(server(flavor=flavor, image=image)) == asked


def test_room_is_reckoned_as_placement_does() -> None:
    row = provider("cmp1", {"VCPU": 30, "MEMORY_MB": 7000}, ratio=1.5)
    assert room(row, "VCPU") == 8 * 4 - 30
    assert room(row, "MEMORY_MB") == int((8192 - 512) * 1.5) - 7000
    assert room(row, "CUSTOM_X") is None
    assert room(provider("cmp1", usages=None), "VCPU") is None


def test_what_is_short_comes_with_its_numbers() -> None:
    row = provider("cmp1", {"MEMORY_MB": 7000})
    assert short_of(row, {"MEMORY_MB": 680, "VCPU": 1}) == {}
    assert short_of(row, {"MEMORY_MB": 681}) == {
        "MEMORY_MB": "cmp1 has (8192 - 512) x 1 - 7000 = 680 left"
    }
    assert short_of(row, {"VCPU": 9})["VCPU"].endswith("no server may have more than 8")
    assert short_of(row, {"VGPU": 1}) == {"VGPU": "cmp1 offers no VGPU"}
    assert short_of(provider("cmp1", inventories=None), {"VGPU": 1}) == {}
