"""The two incidents that come with the package: what `viftrail try` shows without a lab."""

from __future__ import annotations

import pytest

from tests.recordings import path
from viftrail.facts.bundle import bundle
from viftrail.facts.stored import StoredSource
from viftrail.faults.catalogue import fault
from viftrail.incidents import INCIDENTS, VICTIM, Incident
from viftrail.why import why


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.id)
def test_an_incident_is_found_in_its_recording(incident: Incident) -> None:
    facts, manifest = bundle.read(incident.bundle)
    verdict = why(StoredSource(facts, manifest.time), VICTIM)
    assert verdict.verdict.cause == incident.fault
    assert verdict.remedy.steps
    assert fault(incident.fault).stage.value == verdict.verdict.stage


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.id)
def test_it_is_the_recording_that_is_tested(incident: Incident) -> None:
    assert incident.bundle.read_bytes() == path(incident.fault).read_bytes(), "run `make record`"


def test_both_notes_are_there() -> None:
    assert {incident.id for incident in INCIDENTS} == {"000", "001"}
