from __future__ import annotations

import json

from viftrail.score.table import as_json, as_markdown, as_text
from viftrail.score.tally import Round, Score

BOARD = Score(
    tool="viftrail 1",
    versions="OVN 23.03.1",
    date="2026-01-01",
    rounds=(
        Round(
            faults=("northd-paused", "prov-nic-not-in-bridge"),
            stage="S5",
            found_stage="S5",
            found_causes=("northd-paused",),
            mended=True,
            seconds=0.5,
        ),
        Round(
            faults=("vif-tap-down",),
            stage="S8",
            found_stage="S9",
            alarms=("vm2: vif-tap-down",),
            mended=False,
        ),
        Round(faults=("tunnel-mtu",), stage="S10", provoked=False, note="still passes: external"),
    ),
)


def test_text_is_aligned_and_says_what_went_wrong() -> None:
    lines = as_text(BOARD).splitlines()
    column = lines[0].index("STAGE")
    assert lines[1][column:].startswith("S5")
    assert lines[1].endswith("not named: prov-nic-not-in-bridge")
    assert "named no cause; found S9, not S8; vm2: vif-tap-down" in lines[2]
    assert lines[3].endswith("not provoked: still passes: external")
    assert "provoked: 2 of 3" in lines
    assert not any(line.endswith(" ") for line in lines)


def test_markdown_has_a_row_for_each_round_and_the_date() -> None:
    page = as_markdown(BOARD)
    assert "Measured on 2026-01-01 with viftrail 1 and OVN 23.03.1." in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(BOARD.rounds)
    assert len({row.count("|") for row in rows}) == 1


def test_json_carries_every_round_and_the_sums() -> None:
    body = json.loads(as_json(BOARD))
    assert [each["faults"][0] for each in body["rounds"]][1:] == ["vif-tap-down", "tunnel-mtu"]
    assert body["sums"]["alarms"] == 1
    assert body["sums"]["reached"] is False
    assert body["sums"]["first_stage"] == 0.5
