"""Clocks of hosts against ours."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viftrail.facts.clock import offset_of
from viftrail.facts.ways.carrier import Local, probe

SECONDS = st.floats(0, 100)


def test_our_own_clock_is_right() -> None:
    own = probe("here", Local(), 0.0).clock
    assert own is not None
    assert abs(own.ahead) <= own.within + 0.05
    assert 0 < own.within < 5


@given(ahead=st.floats(-1e6, 1e6), way=SECONDS, work=SECONDS, back=SECONDS)
def test_the_truth_is_within_the_bounds(ahead: float, way: float, work: float, back: float) -> None:
    began = 1.8e9
    start = began + way + ahead
    found = offset_of(start, start + work, began, way + work + back)
    assert found is not None
    assert abs(found.ahead - ahead) <= found.within + 0.01
    assert found.within == pytest.approx((way + back) / 2, abs=0.01)


def test_what_was_not_read_is_no_clock() -> None:
    now = time.time()
    assert offset_of(now, 0.0, now, 1.0) is None
    assert offset_of(now, now, 0.0, 1.0) is None
