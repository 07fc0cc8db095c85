"""Markdown for an incident note: tables stay tables."""

from __future__ import annotations

import re

import pytest

from tests.recordings import NAMES, source_of
from tests.report.verdicts import hostile
from viftrail.report.markdown import render
from viftrail.verdict import Verdict
from viftrail.why import why


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def check_tables(verdict: Verdict) -> int:
    width, rows = 0, 0
    for line in render(verdict).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        width = width or cells(line)
        assert cells(line) == width, line
        rows += 1
    return rows


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_as_many_cells_as_its_head(name: str) -> None:
    assert check_tables(why(source_of(name), "vm1")) >= 16


def test_a_hostile_value_ends_no_cell_and_no_line() -> None:
    evil = "a|b\n|c| d"
    assert check_tables(hostile(evil)) >= 18


def test_the_note_says_it_all() -> None:
    text = render(why(source_of("vif-tap-down"), "vm1"))
    assert text.startswith("# vm1: broken at S8\n")
    assert "- cause: `vif-tap-down` (proven)\n" in text
    for heading in ("## Chain", "### Mend", "## Ruled out"):
        assert f"\n{heading}\n" in text
    assert "| S8 vif | **broken** |" in text
    assert "1. On compute1 (safe):\n   ```\n   ip link set tap" in text


def test_a_healthy_note_has_no_mend() -> None:
    text = render(why(source_of("healthy"), "vm1"))
    assert text.startswith("# vm1: healthy\n")
    assert "Mend" not in text


def test_a_programs_name_keeps_its_letters() -> None:
    text = render(why(source_of("northd-paused"), "vm1"))
    assert "ovn-northd on controller" in text
    assert "Ovn-northd" not in text
