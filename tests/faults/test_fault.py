"""Cases: where a fault sits, whom it cuts off, what it leaves behind."""

from __future__ import annotations

import pytest

from tests.recordings import FAULTS, facts_of, port_of
from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.faults.fault import Case, Fault


def cases(fault: Fault) -> list[Case]:
    return list(fault.find(Cloud(facts_of(fault.id))))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_case_is_complete(fault: Fault) -> None:
    found = cases(fault)
    assert found
    for case in found:
        assert case.summary
        assert not case.summary.endswith("."), "the report puts the full stop"
        assert case.evidence
        assert case.steps or case.note


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_healthy_cloud_has_no_case(fault: Fault) -> None:
    assert list(fault.find(Cloud(facts_of("healthy")))) == []


@pytest.mark.parametrize("name", ["northd-paused", "northd-not-running"])
def test_victims_have_traces_of_their_own(name: str) -> None:
    (fault,) = (fault for fault in FAULTS if fault.id == name)
    (case,) = cases(fault)
    victim = subject.port(port_of(facts_of(name), "vm1"))
    assert case.victims == frozenset({victim})
    assert all(victim.name in item.what + item.command for item in case.traces[victim])
