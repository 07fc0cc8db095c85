"""build-plug-timeout-masked."""

from __future__ import annotations

import pytest

from tests.openstack import ID, PLUG, PORT, cases, cloud_of, server, signal
from viftrail.facts.log.logs import Signal

MASKED = "build-plug-timeout-masked"


def waited(**groups: str) -> Signal:
    events = f"['network-vif-plugged-{PORT}']"
    told = {"vm_state": "building", "task_state": "spawning", **groups}
    return signal("vif-plug-timeout", time=330, events=events, on="cmp1", **told)


def spawned(time: float = 335, on: str = "cmp1") -> Signal:
    return signal("spawned", time=time, seconds="335", on=on)


def test_a_server_that_was_started_after_its_plug_was_waited_for_in_vain() -> None:
    (case,) = cases(MASKED, cloud_of(server(host="cmp1"), logs=(waited(), spawned())))
    assert "on cmp1 waited in vain" in case.summary
    assert case.victims == frozenset()
    assert "vif_plugging" in case.steps[0].command
    assert ID in case.subject.name


@pytest.mark.parametrize(
    "logs",
    [
        (),
        (waited(),),
        (spawned(),),
        (spawned(300), waited()),
        (waited(), spawned(5000)),
        (waited(), spawned(on="cmp2")),
        (waited(vm_state="active"), spawned()),
    ],
)
def test_a_start_that_does_not_follow_such_a_wait_masks_nothing(logs: tuple[Signal, ...]) -> None:
    assert cases(MASKED, cloud_of(server(host="cmp1"), logs=logs)) == []


def test_a_build_that_ended_with_the_wait_is_not_masked() -> None:
    cloud = cloud_of(server(PLUG), logs=(waited(), spawned()))
    assert cases(MASKED, cloud) == []
