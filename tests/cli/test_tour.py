"""`viftrail try` where no lab can run: the same two incidents, recorded."""

from __future__ import annotations

from tests.cli.conftest import Run
from viftrail.incidents import INCIDENTS


def test_recorded_incidents_are_found(run: Run) -> None:
    done = run("try", "--recorded")
    assert (done.code, done.err) == (0, "")
    for incident in INCIDENTS:
        assert f"Incident {incident.id}\n" in done.out
        assert f": {incident.fault} (proven)" in done.out
    assert "recorded" in done.out
