"""sched-compute-id-lost."""

from __future__ import annotations

import pytest

from tests.openstack import FILTERED, SERVICES, answer, cases, cloud_of, server, service, signal
from viftrail.facts.log.logs import Signal

LOST = "sched-compute-id-lost"
DOWN = (
    *SERVICES[:2],
    service("cmp1", state="down", updated="1970-01-01T00:00:10"),
    service("cmp2", state="down", updated="1970-01-01T00:00:10"),
)


def identity(on: str = "cmp1", time: float = 20.0) -> Signal:
    return signal("node-identity-lost", "No local node identity found", time=time, on=on)


def renamed(old: str = "cmp1", on: str = "cmp9") -> Signal:
    text = f"My node N has host '{old}' but my host is '{on}'; Possible rename detected"
    return signal("host-renamed", text, time=20.0, on=on, node="N", old=old, new=on)


@pytest.mark.parametrize("why", [identity(), renamed()])
def test_a_host_that_refuses_to_start_is_not_merely_down(why: Signal) -> None:
    cloud = cloud_of(server(host="cmp1"), services=DOWN, logs=(why,))
    assert answer(cloud) == ("degraded", "S1", LOST)
    (case,) = cases(LOST, cloud)
    assert case.subject.name == "cmp1"
    down = {case.subject.name for case in cases("sched-compute-down", cloud)}
    assert down == {"cmp2"}


def test_what_is_to_be_put_back_is_said_before_it_is_started() -> None:
    (lost,) = cases(LOST, cloud_of(services=DOWN, logs=(identity(),)))
    assert "/var/lib/nova/compute_id on cmp1" in lost.note
    (other,) = cases(LOST, cloud_of(services=DOWN, logs=(renamed(),)))
    assert "[DEFAULT]host = cmp1" in other.note
    assert other.steps[-1].where == "cmp9"


def test_a_server_that_no_other_host_could_take_is_its_victim() -> None:
    cloud = cloud_of(server(FILTERED), services=DOWN[:3], logs=(identity(),))
    assert answer(cloud) == ("broken", "S1", LOST)


def test_what_came_up_again_or_said_so_before_it_was_heard_of_is_not_lost() -> None:
    up = (*SERVICES[:2], service("cmp1"))
    assert cases(LOST, cloud_of(services=up, logs=(identity(),))) == []
    assert cases(LOST, cloud_of(services=DOWN, logs=(identity(time=5.0),))) == []
    assert cases(LOST, cloud_of(services=DOWN, logs=(identity(on=""),))) == []
    assert cases(LOST, cloud_of(services=None, logs=(identity(),))) == []
