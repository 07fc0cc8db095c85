"""What an audit prints."""

from __future__ import annotations

import json

import click
import pytest

from tests.cloud import healthy, without
from tests.recordings import NAMES, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Gap
from viftrail.report.findings import WIDTH, as_json, as_text


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_a_terminal(name: str) -> None:
    for line in click.unstyle(as_text(audit(facts_of(name)))).splitlines():
        assert len(line) <= WIDTH or " $ " in line or len(line.split()) == 1, line


def test_nothing_wrong_is_said_so() -> None:
    text = click.unstyle(as_text(audit(healthy())))
    assert text.startswith("3 ports of VMs, 3 chassis and 4 hosts looked at, for ")
    assert "nothing wrong found" in text


def test_a_fault_is_told_once_with_its_number_and_mend() -> None:
    text = click.unstyle(as_text(audit(facts_of("vif-tap-down"))))
    assert "S8   vif-tap-down: 1, 1 port affected" in text
    assert "compute1 $ ip link set tap" in text


def test_what_could_not_be_looked_at_is_listed() -> None:
    facts = without(healthy(), "compute1")
    gap = Gap("host compute1", "It did not answer.", "Look whether it is up.")
    text = click.unstyle(as_text(audit(type(facts)(nb=facts.nb, sb=facts.sb, gaps=(gap,)))))
    assert "host compute1: It did not answer. Look whether it is up." in text


def test_json() -> None:
    found = json.loads(as_json(audit(facts_of("vif-tap-down"))))
    assert (found["format"], found["ports"], found["hosts"]) == (1, 3, 4)
    assert [group["id"] for group in found["groups"]] == ["vif-tap-down"]
    assert found["unknown"] == []
