"""One record: the ids in it, and how much of it is kept."""

from __future__ import annotations

import pytest

from tests.facts.log.logs_written import PORT, REQUEST
from viftrail.facts.log.line import MOST_IDS, TEXT, ids_in, shortened


def test_each_id_is_there_once() -> None:
    assert ids_in(f"{PORT} and {PORT} by {REQUEST}") == (PORT, REQUEST)


@pytest.mark.parametrize(
    "text",
    [
        "103cb82049a341689370741a18552d98",
        f"x{PORT}",
        f"{PORT}0",
        "tape10ee707",
        "fa:16:3e:32:65",
        "instance-1",
        "",
    ],
)
def test_what_is_no_id_or_a_part_of_more(text: str) -> None:
    assert ids_in(text) == ()


def test_a_listing_of_everybody_names_no_more_than_some() -> None:
    text = " ".join(f"{number:08x}{PORT[8:]}" for number in range(100))
    assert len(ids_in(text)) == MOST_IDS


def test_of_a_long_record_the_end_is_kept_as_it_tells_why() -> None:
    text = "Traceback " + "x" * 9000 + " PortBindingFailed"
    kept = shortened(text)
    assert len(kept) == TEXT
    assert kept.startswith("Traceback")
    assert kept.endswith("PortBindingFailed")
    assert shortened("  short \n") == "short"
