"""`viftrail faults`."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from viftrail.faults.catalogue import CATALOGUE
from viftrail.report.catalogue import as_markdown


def test_the_list_and_one_entry(run: Run) -> None:
    listed = run("faults")
    assert listed.code == 0
    for fault in CATALOGUE:
        assert f" {fault.id} " in listed.out
    one = run("faults", "northd-paused")
    assert one.out.startswith("northd-paused  S5 northd\novn-northd is paused\n")
    assert "\x1b" not in one.out


def test_the_page_and_json(run: Run) -> None:
    assert run("faults", "-f", "markdown").out == as_markdown(CATALOGUE)
    assert len(json.loads(run("faults", "-f", "json").out)) == len(CATALOGUE)
    assert [row["id"] for row in json.loads(run("faults", "vif-tap-down", "-f", "json").out)] == [
        "vif-tap-down"
    ]
