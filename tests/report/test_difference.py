"""A difference in print: short, aligned, one screen, nothing that steers a terminal or a table."""

from __future__ import annotations

import json

from click import unstyle

from viftrail.difference.change import Change, Difference, Side
from viftrail.report.difference import SHOWN, as_json, as_markdown, as_text

BEFORE = Side(name="a.bundle", time="2026-01-01", state="healthy")
AFTER = Side(name="b.bundle", time="2026-01-02", state="broken", stage="S8", cause="vif-tap-down",
             summary="the tap is down")  # fmt: skip


def change(name: str, **more: object) -> Change:
    values: dict[str, object] = {
        "stage": "S8",
        "kind": "device",
        "id": name,
        "what": f"device {name}",
        "host": "compute1",
        "trait": "state",
        "before": ("up",),
        "after": ("down",),
    }
    values |= more
    return Change(**values)  # type: ignore[arg-type]


def text(*changes: Change) -> list[str]:
    return unstyle(as_text(Difference(before=BEFORE, after=AFTER, changes=changes))).splitlines()


def test_both_sides_and_what_changed() -> None:
    assert text(change("tap1")) == [
        "A  a.bundle (2026-01-01): HEALTHY",
        "B  b.bundle (2026-01-02): BROKEN at S8 vif: vif-tap-down",
        "   the tap is down",
        "",
        "Changed from A to B (1)",
        "  S8   compute1 device tap1: state up → down",
    ]


def test_a_set_tells_what_went_and_what_came_and_not_all_of_it() -> None:
    many = change("r", before=("1", "2", "3", "4"), after=("5",), trait="rules")
    assert text(many)[-1] == "  S8   compute1 device r: rules - 1; - 2; - 3; + 5 and 1 more"


def test_what_happened_to_many_alike_is_one_line() -> None:
    lines = text(*(change(f"tap{n}") for n in range(9)))
    assert lines[4:] == [
        "Changed from A to B (9)",
        "  S8   9 times state up → down (compute1 device tap0, compute1 device tap1,",
        "         compute1 device tap2 and more)",
    ]


def test_it_fits_on_a_screen_whatever_changed() -> None:
    lines = text(*(change(f"tap{n}", after=(f"x{n}" * 90,)) for n in range(500)))
    assert len(lines) < 4 * SHOWN
    assert max(map(len, lines)) <= 110
    assert lines[-1] == f"  … and {500 - SHOWN} more lines; -f json has all."


def test_json_has_all() -> None:
    found = json.loads(
        as_json(Difference(before=BEFORE, after=AFTER, changes=(change("a"),) * 500))
    )
    assert len(found["changes"]) == 500


def test_markdown_is_a_table_that_no_value_breaks_out_of() -> None:
    gone = change("x|y", presence="gone", before=(), after=(), trait="")
    nasty = change("z", after=("a\n# b | c",))
    table = as_markdown(Difference(before=BEFORE, after=AFTER, changes=(gone, nasty)))
    assert "| S8 | compute1 device x\\|y | there |  |" in table
    assert "a # b \\| c" in table
    assert [line for line in table.splitlines() if line.startswith("#")] == ["# What changed"]
