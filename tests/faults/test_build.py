"""Builds that failed on their host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.openstack import (
    HOSTS,
    ID,
    PLUG,
    PORT,
    answer,
    cases,
    chassis,
    cloud_of,
    port,
    server,
    signal,
    tried,
    up,
)
from tests.openstack import verdict as verdict_of
from tests.recordings import facts_of
from viftrail.diagnose import diagnose, diagnose_server
from viftrail.facts.log.moment import parse
from viftrail.facts.openstack import Hypervisor, ServerFault
from viftrail.faults.build import asked_anew
from viftrail.fix.shell import objection
from viftrail.verdict import Certainty

ON: dict[str, Any] = {"actions": (tried("cmp2"),)}
WAITED = signal("vif-plug-timeout", time=30, server=ID, events=f"['network-vif-plugged-{PORT}']")


def test_a_plug_that_was_never_reported() -> None:
    cloud = cloud_of(server(PLUG), logs=(WAITED,), **ON)
    assert answer(cloud) == ("broken", "S2", "build-vif-plug-timeout")
    assert "on cmp2" in cases("build-vif-plug-timeout", cloud)[0].summary


@pytest.mark.parametrize("behind", [1, 5])
def test_what_keeps_the_port_down_is_the_cause(behind: int) -> None:
    rows = [*chassis("cmp1"), *chassis("cmp2", behind=behind)]
    cloud = cloud_of(server(PLUG), rows=rows, **ON)
    assert answer(cloud) == ("broken", "S7", "controller-flow-lag")


def test_another_host_that_lags_is_not_the_cause() -> None:
    rows = [*chassis("cmp1", behind=5), *chassis("cmp2")]
    assert answer(cloud_of(server(PLUG), rows=rows, **ON))[2] == "build-vif-plug-timeout"


def test_a_controller_that_did_not_answer_southbound() -> None:
    nodes = tuple(
        Hypervisor(hostname=h, host=h, address=f"10.0.0.{n}") for n, h in enumerate(HOSTS)
    )
    then = parse("2026-01-01T00:00:10Z") or 0.0
    mute = signal("inactivity", time=then, by="ovsdb-server", remote="tcp:10.0.0.1:47104")
    cloud = cloud_of(server(PLUG), hypervisors=nodes, logs=(mute,), **ON)
    assert answer(cloud) == ("broken", "S7", "controller-flow-lag")
    assert verdict_of(cloud).verdict.confidence == "proven", "it was deaf while it was waited for"
    before = signal("inactivity", time=then - 600, by="ovsdb-server", remote="tcp:10.0.0.1:47104")
    cloud = cloud_of(server(PLUG), hypervisors=nodes, logs=(before,), **ON)
    assert answer(cloud)[2] == "build-vif-plug-timeout", "it was deaf at another time"
    other = signal("inactivity", time=then, by="ovsdb-server", remote="tcp:10.0.0.11:47104")
    cloud = cloud_of(server(PLUG), hypervisors=nodes, logs=(other,), **ON)
    assert answer(cloud)[2] == "build-vif-plug-timeout"


def test_what_still_keeps_every_port_down_is_the_cause() -> None:
    """The operator asks after the build has died, and ovn-northd is paused still."""
    paused = facts_of("northd-paused")
    facts = replace(paused, openstack=cloud_of(server(PLUG), **ON).facts.openstack)
    verdict = diagnose_server(facts, ID, "vm").verdict
    assert (verdict.state.value, verdict.stage, verdict.cause) == ("broken", "S5", "northd-paused")
    assert verdict.confidence == "likely", "nobody saw how it was when the build died"
    healthy = replace(facts, openstack=cloud_of(server(host="cmp2"), **ON).facts.openstack)
    assert diagnose_server(healthy, ID, "vm").verdict.state.value != "broken"


def test_a_server_that_was_built_waits_for_nothing() -> None:
    assert not cases("build-vif-plug-timeout", cloud_of(server(host="cmp1")))


def test_nova_was_not_told() -> None:
    reported = signal("ovn-reports-status", time=10, port=PORT, status="up", by="neutron-server")
    failed = signal("nova-not-notified", time=11, by="neutron-server")
    cloud = cloud_of(server(PLUG), logs=(reported, failed, WAITED), **ON)
    assert answer(cloud) == ("broken", "S2", "build-event-lost")
    (case,) = cases("build-event-lost", cloud)
    assert case.certainty is Certainty.PROVEN


def test_a_report_that_came_too_late_is_no_lost_event() -> None:
    late = signal("ovn-reports-status", time=31, port=PORT, status="up", by="neutron-server")
    assert not cases("build-event-lost", cloud_of(server(PLUG), logs=(WAITED, late), **ON))
    down = signal("ovn-reports-status", time=10, port=PORT, status="down", by="neutron-server")
    assert not cases("build-event-lost", cloud_of(server(PLUG), logs=(down, WAITED), **ON))


def test_it_still_waits_for_what_has_come_about() -> None:
    waiting = server(status="BUILD", vm_state="building", task_state="spawning", host="cmp1")
    row, binding = up()
    cloud = cloud_of(waiting, ports=(port(),), northbound=(row,), bindings=(binding,))
    assert [case.subject.name for case in cases("build-event-lost", cloud)] == [PORT]
    down = cloud_of(waiting, ports=(port(status="DOWN"),), northbound=(row,), bindings=(binding,))
    assert not cases("build-event-lost", down)


TEXTS = {
    "build-osvif-plug-failed": "Failure running os_vif plugin plug method: Failed to plug VIF VIFOpen"
    "VSwitch(...). Got error: Commands [...] exceeded timeout 120 seconds, cause: Result queue is empty",
    "build-libvirt-tap-failed": "Unable to create tap device tap2: Device or resource busy",
    "infra-compute-disk-full": "OSError: [Errno 28] No space left on device",
    "build-no-fixed-ip": f"Build of instance {ID} aborted: Failed to allocate the network(s) with error "
    "No fixed IP addresses available for network: x, not rescheduling.",
}

each = pytest.mark.parametrize("fault_id", TEXTS)
RETRIES = f"Exceeded maximum number of retries. Exhausted all hosts available for instance {ID}."


@each
def test_nova_says_so_itself(fault_id: str) -> None:
    cloud = cloud_of(server(TEXTS[fault_id]), **ON)
    assert answer(cloud) == ("broken", "S2", fault_id)


@each
def test_the_traceback_or_the_log_says_so(fault_id: str) -> None:
    if fault_id == "build-no-fixed-ip":
        return  # its message is always the fault's own
    fault = ServerFault(message=RETRIES, details=TEXTS[fault_id])
    assert answer(cloud_of(server(RETRIES, fault=fault), **ON))[2] == fault_id
    log = (signal("spawn-failed", TEXTS[fault_id]),)
    assert answer(cloud_of(server(RETRIES), logs=log, **ON))[2] == fault_id


@each
def test_nothing_says_so(fault_id: str) -> None:
    assert not cases(fault_id, cloud_of(server(RETRIES), **ON))
    assert not cases(fault_id, cloud_of(server(), **ON))


def test_retries_alone_name_no_cause() -> None:
    assert answer(cloud_of(server(RETRIES), **ON)) == ("broken", "S2", "")


def test_a_server_with_its_port_is_judged_by_both_halves() -> None:
    row, binding = up()
    cloud = cloud_of(
        server(host="cmp1", launched="2026"),
        ports=(port(),),
        northbound=(row,),
        bindings=(binding,),
    )
    states = {f.id: f.state.value for f in diagnose(cloud.facts, PORT, "vm").stages}
    assert [states[number] for number in ("S0", "S1", "S2", "S3")] == ["ok"] * 4


def test_who_is_asked_for_anew_keeps_what_nova_knows_and_is_told_what_it_lacks() -> None:
    step = asked_anew(server(PLUG, key_name="my key", availability_zone="az1"), port_id=PORT)
    assert "--key-name 'my key'" in step.command
    assert "--availability-zone az1" in step.command
    for word in ("user data", "security groups", "volumes", "hints"):
        assert word in step.lacks
    assert objection(step.command) == ""
    plain = asked_anew(server(PLUG, availability_zone="nova")).command
    assert "--key-name" not in plain
    assert "--availability-zone" not in plain, "the default zone is none to be asked for"
    assert "zone" not in asked_anew(server(PLUG, availability_zone="az1"), host="cmp2").command
