"""The JSON verdict keeps its word: docs/json.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recordings import NAMES, source_of
from tests.report.verdicts import EVIL, hostile
from viftrail.report.json import render
from viftrail.verdict import FORMAT, Certainty, Risk, State
from viftrail.why import why

DOCS = Path(__file__).parents[2] / "docs" / "json.md"


def verdict(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(why(source_of(name), "vm1")))
    return found


EVIDENCE = {"where", "what", "seen", "expected", "command"}
STEP = {"command", "where", "risk", "undo", "verify"}
TARGET = {"asked", "port", "server", "host", "mac", "addresses", "network", "floating_ips"}
CAUSE = {
    *("id", "stage", "state", "title", "summary", "confidence", "subject", "evidence", "remedy"),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_keys_are_those_that_were_promised(name: str) -> None:
    found = verdict(name)
    assert found["format"] == FORMAT == 1
    assert found.keys() >= {
        *(
            "target",
            "verdict",
            "causes",
            "stages",
            "ruled_out",
            "undecided",
            "unknown",
            "remedy",
            "time",
            "tool",
        ),
    }
    assert found["target"].keys() >= TARGET
    assert found["verdict"].keys() >= {"state", "stage", "cause", "confidence", "summary"}
    for stage in found["stages"]:
        assert stage.keys() >= {"id", "name", "state", "summary", "evidence"}
        assert stage["state"] in {state.value for state in State}
        for item in stage["evidence"]:
            assert item.keys() >= EVIDENCE
    for cause in found["causes"]:
        assert cause.keys() >= CAUSE
        assert cause["confidence"] in {certainty.value for certainty in Certainty}
    assert found["remedy"].keys() >= {"steps", "note"}
    for step in found["remedy"]["steps"]:
        assert step.keys() >= STEP
        assert step["risk"] in {risk.value for risk in Risk}
    for guess in found["ruled_out"]:
        assert guess.keys() >= {"guess", "because", "evidence"}


def test_stages_are_all_fourteen_in_order() -> None:
    assert [stage["id"] for stage in verdict("healthy")["stages"]] == [f"S{n}" for n in range(14)]


def test_a_healthy_target_has_no_stage_and_no_cause() -> None:
    found = verdict("healthy")
    assert found["verdict"]["state"] == "healthy"
    assert (found["verdict"]["stage"], found["verdict"]["cause"]) == ("", "")
    assert (found["causes"], found["remedy"]["steps"]) == ([], [])


def test_the_remedy_is_that_of_the_first_cause() -> None:
    found = verdict("vif-tap-down")
    assert found["remedy"] == found["causes"][0]["remedy"]
    assert found["verdict"]["cause"] == found["causes"][0]["id"] == "vif-tap-down"


def test_any_text_survives() -> None:
    assert json.loads(render(hostile()))["target"]["server"] == EVIL


def test_every_field_is_documented() -> None:
    text = DOCS.read_text()
    found = verdict("vif-tap-down")
    for key in (
        *(found.keys() - {"verdict"}),
        *found["target"],
        *found["causes"][0],
        *found["verdict"],
    ):
        assert f"`{key}`" in text or f"`{key}[]" in text or f".{key}`" in text, key
    for state in set(State) - {State.HEALTHY}:
        assert f"`{state.value}`" in text, state
