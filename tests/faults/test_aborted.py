"""build-flavor-vs-image, infra-storage-full."""

from __future__ import annotations

import pytest

from tests.openstack import BLANK, ID, answer, cases, cloud_of, server, signal, tried
from viftrail.verdict import Certainty

VOLUME = "44444444-4444-4444-4444-444444444444"
SMALL = (
    f"Build of instance {ID} aborted: Flavor's disk is too small for requested image. Flavor disk "
    "is 1073741824 bytes, image is 2361393152 bytes."
)
MIN_DISK = (
    "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is "
    "1073741824 bytes, minimum size is 3221225472 bytes."
)
NO_BACKEND = "No valid backend was found. No weighed backends available"


def lost(status: str = "error") -> str:
    return (
        f"Build of instance {ID} aborted: Volume {VOLUME} did not finish being created even after "
        f"we waited 3 seconds or 2 attempts. And its status is {status}."
    )


@pytest.mark.parametrize("message", [SMALL, MIN_DISK])
def test_an_image_that_is_larger_than_the_flavors_disk(message: str) -> None:
    cloud = cloud_of(server(message))
    assert answer(cloud) == ("broken", "S2", "build-flavor-vs-image")
    (case,) = cases("build-flavor-vs-image", cloud)
    assert case.certainty is Certainty.PROVEN
    assert "takes 3 GiB of disk, and its flavor small has 1" in case.summary
    assert "--flavor LARGER" in case.steps[0].command


def test_other_ends_of_a_build_are_not_the_flavors() -> None:
    for message in ("", BLANK, lost(), f"Build of instance {ID} aborted: No space left on device"):
        assert cases("build-flavor-vs-image", cloud_of(server(message))) == []
    assert cases("build-flavor-vs-image", cloud_of(server(SMALL, vm_state="active"))) == []


def test_a_volume_that_cinder_gave_up() -> None:
    cloud = cloud_of(server(lost()))
    assert answer(cloud) == ("broken", "S2", "infra-storage-full")
    (case,) = cases("infra-storage-full", cloud)
    assert case.certainty is Certainty.LIKELY
    assert VOLUME in case.steps[0].verify


def test_what_the_scheduler_said_of_that_volume_proves_it() -> None:
    text = f"{NO_BACKEND} for {VOLUME}"
    said = signal("volume-without-backend", text, by="cinder", why="No weighed backends available")
    (case,) = cases("infra-storage-full", cloud_of(server(lost()), logs=(said,)))
    assert case.certainty is Certainty.PROVEN
    assert NO_BACKEND in case.evidence[0].seen


def test_so_does_what_it_said_of_the_request_that_nova_handed_on() -> None:
    said = signal("volume-without-backend", NO_BACKEND, by="cinder")
    cloud = cloud_of(server(lost()), logs=(said,), actions=(tried("cmp1"),))
    (case,) = cases("infra-storage-full", cloud)
    assert case.certainty is Certainty.PROVEN


def test_what_it_said_of_another_volume_does_not() -> None:
    said = signal("volume-without-backend", NO_BACKEND, by="cinder")
    (case,) = cases("infra-storage-full", cloud_of(server(lost()), logs=(said,)))
    assert case.certainty is Certainty.LIKELY


@pytest.mark.parametrize("status", ["creating", "downloading", "available"])
def test_a_volume_that_was_only_slow_is_not_for_want_of_room(status: str) -> None:
    assert cases("infra-storage-full", cloud_of(server(lost(status)))) == []
