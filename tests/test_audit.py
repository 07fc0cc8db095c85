"""The catalogue over everything: exactly what is wrong, once, and nothing else."""

from __future__ import annotations

import pytest

from tests.cloud import without
from tests.recordings import FAULTS, HEALTHY, HOSTS, facts_of, port_of
from viftrail.audit import audit
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.faults.fault import Fault
from viftrail.verdict import State


def test_a_healthy_cloud_has_no_findings() -> None:
    found = audit(facts_of(HEALTHY))
    assert found.causes == ()
    assert (found.ports, found.blind) == (3, False)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_exactly_the_fault_is_found(fault: Fault) -> None:
    found = audit(facts_of(fault.id))
    assert {cause.id for cause in found.causes} == {fault.id}
    subjects = [cause.subject for cause in found.causes]
    assert len(subjects) == len(set(subjects)), "told twice"
    assert all(cause.evidence for cause in found.causes)


def test_a_stopped_northd_shows_whom_it_keeps_waiting() -> None:
    facts = facts_of("northd-paused")
    (cause,) = audit(facts).causes
    assert cause.state is State.BROKEN
    assert any(port_of(facts, "vm1") in item.what for item in cause.evidence)


def test_blind_is_who_saw_neither_ports_nor_hosts() -> None:
    facts = without(facts_of(HEALTHY), *HOSTS, "external", NORTHBOUND, SOUTHBOUND)
    assert audit(facts).blind
