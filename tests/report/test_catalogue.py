"""The catalogue, printed."""

from __future__ import annotations

import json

import click
import pytest

from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.report.catalogue import WIDTH, as_json, as_markdown, entry, index

HEADINGS = ("What it is", "How it shows", "Decisive evidence", "Remedy and its risk", "References")


def test_the_index_has_a_line_for_each() -> None:
    lines = index(CATALOGUE).splitlines()
    heads = [line.split()[:2] for line in lines if line.startswith("S")]
    assert heads == [[fault.stage.value, fault.id] for fault in CATALOGUE]
    assert all(len(line) <= WIDTH for line in lines)
    assert all(" ".join(fault.title.split()[:2]) in index([fault]) for fault in CATALOGUE)


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault.id)
def test_an_entry_has_the_five_headings_and_fits(fault: Fault) -> None:
    text = click.unstyle(entry(fault))
    places = [text.index(f"\n{heading}") for heading in HEADINGS]
    assert places == sorted(places)
    assert f"({fault.risk.value})" in text
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_the_page_has_every_entry_once() -> None:
    text = as_markdown(CATALOGUE)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        fault.id for fault in CATALOGUE
    ]
    assert text.count("### References") == len(CATALOGUE)


def test_json_has_every_field() -> None:
    rows = json.loads(as_json(CATALOGUE))
    assert [row["id"] for row in rows] == [fault.id for fault in CATALOGUE]
    for row in rows:
        assert all(row[key] for key in ("stage", "title", "what", "shows", "decisive", "remedy"))
        assert isinstance(row["unlike"], dict)
        assert row["references"]
