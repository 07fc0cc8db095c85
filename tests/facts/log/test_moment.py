from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viftrail.facts.log.moment import Window, iso, parse

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2026-11-21T12:00:00.000Z", 3600.0, NOON),
        ("2026-11-21 12:00:00.250", 0.0, NOON + 0.25),
        ("2026-11-21 21:00:00.000", 9 * 3600.0, NOON),
        ("2026-11-21 12:00:00.008+0000", -3600.0, NOON + 0.008),
        ("2026-11-21T13:00:00+01:00", 0.0, NOON),
        ("2026-11-21T06:30:00-0530", 0.0, NOON),
        ("2026-11-21 12:00:00,123", 0.0, NOON + 0.123),
    ],
)
def test_zones_and_fractions(text: str, offset: float, expected: float) -> None:
    assert parse(text, offset) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-45 12:00:00", "12:00:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_what_is_written_is_read(moment: datetime) -> None:
    seconds = moment.replace(tzinfo=timezone.utc).timestamp()
    found = parse(iso(seconds))
    assert found is not None
    assert abs(found - seconds) < 0.002


def test_a_window_holds_its_ends() -> None:
    window = Window(1.0, 2.0)
    assert 1.0 in window
    assert 2.0 in window
    assert 2.1 not in window
    assert timedelta(days=36500).total_seconds() in Window()


def test_a_window_around_two() -> None:
    assert Window(1.0, 2.0).around(Window(5.0, 6.0)) == Window(1.0, 6.0)
    assert Window(1.0, 6.0).around(Window(2.0, 3.0)) == Window(1.0, 6.0)
