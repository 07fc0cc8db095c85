"""nova-compute that is down, disabled, in no cell, or nowhere."""

from __future__ import annotations

from tests.openstack import (
    BLANK,
    FILTERED,
    ID,
    SERVICES,
    answer,
    cases,
    cloud_of,
    provider,
    server,
    service,
    signal,
)
from viftrail.diagnose import diagnose_server

NOWHERE = "No valid host was found. No such host - host: cmp9 node: None "
CENTRAL = SERVICES[:2]


def test_all_hosts_down() -> None:
    services = (*CENTRAL, service("cmp1", state="down"), service("cmp2", state="down"))
    cloud = cloud_of(server(FILTERED), services=services)
    assert answer(cloud) == ("broken", "S1", "sched-compute-down")


def test_the_only_host_with_room_down() -> None:
    services = (*CENTRAL, service("cmp1", state="down"), service("cmp2"))
    rows = (provider("cmp1"), provider("cmp2", {"MEMORY_MB": 7600}))
    cloud = cloud_of(server(FILTERED), services=services, providers=rows)
    assert answer(cloud) == ("broken", "S1", "sched-compute-down")


def test_another_filter_decided() -> None:
    services = (*CENTRAL, service("cmp1", state="down"), service("cmp2"))
    log = (signal("filtering-removed-all", server=ID, results="'OtherFilter: (start: 1, end: 0)'"),)
    cloud = cloud_of(server(FILTERED), services=services, logs=log)
    assert {case.subject.kind for case in cases("sched-compute-down", cloud)} == {"host"}


def test_who_runs_there_is_degraded_and_not_broken() -> None:
    services = (*CENTRAL, service("cmp1", state="down"), service("cmp2"))
    cloud = cloud_of(server(host="cmp1"), services=services)
    assert answer(cloud) == ("degraded", "S1", "sched-compute-down")
    cloud = cloud_of(server(host="cmp2"), services=services)
    assert diagnose_server(cloud.facts, ID, "vm").causes == ()


def test_forced_down_is_lifted_by_the_api() -> None:
    services = (*CENTRAL, service("cmp1", state="down", forced_down=True))
    (case,) = cases("sched-compute-down", cloud_of(server(host="cmp1"), services=services))
    assert "set --up cmp1" in case.steps[0].command


def test_nothing_is_down() -> None:
    assert not cases("sched-compute-down", cloud_of(server(FILTERED)))
    assert not cases("sched-compute-down", cloud_of(server(FILTERED), services=None))


def test_all_disabled() -> None:
    off = {"status": "disabled", "disabled_reason": "maintenance"}
    services = (*CENTRAL, service("cmp1", **off), service("cmp2", **off))
    cloud = cloud_of(server(BLANK), services=services)
    assert answer(cloud) == ("broken", "S1", "sched-compute-disabled")
    (case,) = cases("sched-compute-disabled", cloud)
    assert "maintenance" in case.summary
    assert "--disable-reason maintenance" in case.steps[0].undo


def test_enabled_and_placement_does_not_know() -> None:
    rows = tuple(provider(host, traits=("COMPUTE_STATUS_DISABLED",)) for host in ("cmp1", "cmp2"))
    (case,) = cases("sched-compute-disabled", cloud_of(server(BLANK), providers=rows))
    assert "is enabled, and Placement still has it as disabled" in case.summary
    assert case.steps[0].command == "systemctl restart nova-compute"


def test_one_disabled_host_beside_one_with_room() -> None:
    services = (*CENTRAL, service("cmp1", status="disabled"), service("cmp2"))
    assert not cases("sched-compute-disabled", cloud_of(server(BLANK), services=services))
    assert answer(cloud_of(server(host="cmp1"), services=services))[0] == "healthy"


def test_a_host_in_no_cell() -> None:
    cloud = cloud_of(server("Host 'cmp2' is not mapped to any cell"))
    assert answer(cloud) == ("broken", "S1", "sched-host-not-mapped")
    cloud = cloud_of(server(FILTERED), cell_hosts=("cmp1",))
    assert answer(cloud) == ("broken", "S1", "sched-host-not-mapped")


def test_every_host_in_a_cell() -> None:
    assert not cases(
        "sched-host-not-mapped", cloud_of(server(FILTERED), cell_hosts=("cmp1", "cmp2"))
    )
    assert not cases("sched-host-not-mapped", cloud_of(server(NOWHERE)))


def test_a_host_that_does_not_exist() -> None:
    cloud = cloud_of(server(NOWHERE))
    assert answer(cloud) == ("broken", "S1", "sched-forced-host")


def test_a_host_that_is_spelled_otherwise() -> None:
    (case,) = cases(
        "sched-forced-host", cloud_of(server(NOWHERE.replace("cmp9", "cmp1.example.org")))
    )
    assert "cmp1 may be meant" in case.summary
    assert "--host cmp1 " in case.steps[0].command


def test_a_host_that_exists_is_another_fault() -> None:
    cloud = cloud_of(server(NOWHERE.replace("cmp9", "cmp1")))
    assert not cases("sched-forced-host", cloud)
    assert answer(cloud)[2] == "sched-host-not-mapped"


def test_a_host_that_the_api_lists_no_hypervisor_of() -> None:
    cloud = cloud_of(server(FILTERED), hypervisors=())
    assert answer(cloud) == ("broken", "S1", "sched-host-not-mapped")
    assert not cases("sched-host-not-mapped", cloud_of(server(FILTERED), hypervisors=None))
