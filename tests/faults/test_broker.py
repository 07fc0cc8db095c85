"""RabbitMQ down, and clocks that Nova takes for it."""

from __future__ import annotations

from msgspec.structs import replace

from tests.openstack import SERVICES, answer, cases, cloud_of, server, service, signal, verdict
from viftrail.facts.log.moment import parse
from viftrail.verdict import Certainty

WAITING = server(status="BUILD", vm_state="building", task_state="scheduling")
LOST = tuple(
    signal(
        "amqp-unreachable", f"AMQP server on ctl:5672 is unreachable ({by})", server="ctl", by=by
    )
    for by in ("nova-compute", "nova-conductor")
)
SILENT = tuple(service(row.host, row.binary, state="down") for row in SERVICES)


def test_several_daemons_complain_and_somebody_waits() -> None:
    cloud = cloud_of(WAITING, logs=LOST)
    assert answer(cloud) == ("broken", "S0", "infra-rabbitmq-down")
    (case,) = cases("infra-rabbitmq-down", cloud)
    assert "ctl" in case.summary
    assert case.certainty is Certainty.PROVEN


def test_all_computes_are_silent_at_once() -> None:
    cloud = cloud_of(WAITING, services=SILENT)
    (case,) = cases("infra-rabbitmq-down", cloud)
    assert case.certainty is Certainty.LIKELY


def test_computes_that_are_silent_since_the_broker_is_away() -> None:
    computes = tuple(row for row in SILENT if row.binary == "nova-compute")
    # The scheduler and the conductor write that they live into the database, and not by RabbitMQ.
    others = tuple(row for row in SERVICES if row.binary != "nova-compute")
    now = parse(computes[0].updated) or 0.0
    lost = tuple(replace(each, line=replace(each.line, time=now + 30.0)) for each in LOST)
    told = verdict(cloud_of(server(host="cmp1"), services=(*others, *computes), logs=lost))
    assert [cause.id for cause in told.causes] == ["infra-rabbitmq-down"]
    assert told.verdict.stage == "S0"


def test_computes_that_died_after_the_broker_was_away() -> None:
    computes = tuple(row for row in SILENT if row.binary == "nova-compute")
    others = tuple(row for row in SERVICES if row.binary != "nova-compute")
    now = parse(computes[0].updated) or 0.0
    lost = tuple(replace(each, line=replace(each.line, time=now - 3600.0)) for each in LOST)
    cloud = cloud_of(server(host="cmp1"), services=(*others, *computes), logs=lost)
    assert not cases("infra-rabbitmq-down", cloud)
    assert cases("sched-compute-down", cloud)


def test_who_runs_is_frozen_and_not_broken() -> None:
    cloud = cloud_of(server(host="cmp1"), services=SILENT, logs=LOST)
    assert answer(cloud)[0] == "degraded"


def test_one_daemon_alone_is_cut_off_by_itself() -> None:
    assert not cases("infra-rabbitmq-down", cloud_of(WAITING, logs=LOST[:1]))


def test_a_broker_that_is_back() -> None:
    assert not cases("infra-rabbitmq-down", cloud_of(server(host="cmp1"), logs=LOST))


def test_one_host_that_is_down_is_not_the_broker() -> None:
    services = (*SERVICES[:3], service("cmp2", state="down"))
    assert not cases("infra-rabbitmq-down", cloud_of(WAITING, services=services))
    assert not cases("infra-rabbitmq-down", cloud_of(WAITING, services=None))


def test_a_compute_whose_clock_is_ahead() -> None:
    ahead = service("cmp2", updated="2026-01-01T00:02:00", state="down")
    (case,) = cases("infra-clock-skew", cloud_of(server(), services=(*SERVICES[:3], ahead)))
    assert case.subject.name == "cmp2"
    assert "120 s" in case.summary


def test_a_compute_that_reports_late_has_no_wrong_clock() -> None:
    late = service("cmp2", updated="2025-12-31T23:00:00", state="down")
    assert not cases("infra-clock-skew", cloud_of(server(), services=(*SERVICES[:3], late)))
