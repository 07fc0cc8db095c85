"""Numbers that somebody else wrote: what is none is none, and never an error."""

from __future__ import annotations

import pytest

from viftrail.facts.number import MAX_DIGITS, number


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("007", 7), ("9" * MAX_DIGITS, 10**18 - 1)])
def test_a_number(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", " 1", "-1", "1.5", "\u00b2", "1\u00b2", "\u0663", "9" * 19, "9" * 5000, "1 abc"]
)
def test_what_is_none(text: str) -> None:
    assert number(text) is None
