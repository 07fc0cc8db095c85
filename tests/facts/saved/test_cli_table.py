"""Tables that a command drew in a terminal."""

from __future__ import annotations

import pytest

from viftrail.facts.saved.cli_table import looks_like_table, records

LIST = """
+----+--------+
| ID | Name   |
+----+--------+
| 1  | web    |
| 2  | a | b  |
+----+--------+
"""


def test_a_list_is_a_record_a_line() -> None:
    text = LIST.replace("| 2  | a | b  |\n", "| 2  |        |\n")
    assert records(text) == [{"ID": "1", "Name": "web"}, {"ID": "2", "Name": ""}]


def test_a_line_of_another_width_is_left_out() -> None:
    assert records(LIST) == [{"ID": "1", "Name": "web"}]


def test_a_show_is_one_record() -> None:
    text = LIST.replace("| ID | Name   |", "| Field | Value |")
    assert records(text) == [{"1": "web"}]


def test_a_cell_of_several_lines_is_put_together() -> None:
    text = LIST.replace("| 2  | a | b  |", "|    | server |")
    assert records(text) == [{"ID": "1", "Name": "web\nserver"}]


def test_several_tables_and_one_that_was_cut_off() -> None:
    cut = "\n".join(LIST.splitlines()[:-2])
    assert len(records(LIST + LIST)) == 2
    assert records(f"$ openstack server list\n{LIST}\nnoise\n{cut}") == [
        {"ID": "1", "Name": "web"},
        {"ID": "1", "Name": "web"},
    ]


@pytest.mark.parametrize("text", ["", "no table", "| a | b |", "+", "+----+\n| ID |\n+----+\n"])
def test_what_holds_no_rows_has_no_records(text: str) -> None:
    assert records(text) == []


def test_it_is_known_by_its_upper_rule() -> None:
    assert looks_like_table(LIST)
    assert not looks_like_table("+1 ok\n")
    assert not looks_like_table('{"a": 1}')
