"""A window is found without reading the file, and nothing of it is missed."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts.log.logs_written import START, oslo, raised, vlog
from viftrail.facts.log.layout import OSLO, VLOG
from viftrail.facts.log.moment import Window
from viftrail.facts.log.seek import SLACK, stretch

LINE = 200


class Endless:
    """A log of any size that is made up where it is read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0

    def line(self, number: int) -> bytes:
        """One second after the other."""
        text = vlog(START + number, f"line {number}", module="main").rstrip("\n")
        return text.ljust(LINE - 1, ".").encode() + b"\n"

    def read(self, offset: int, size: int) -> bytes:
        end = min(offset + size, self.size)
        first, last = offset // LINE, -(-end // LINE)
        data = b"".join(self.line(number) for number in range(first, last))
        start = offset - first * LINE
        found = data[start : start + max(0, end - offset)]
        self.count += len(found)
        return found


def test_of_two_gigabytes_little_is_read() -> None:
    log = Endless(LINE * 10_000_000)
    wanted = 7_654_321
    window = Window(START + wanted, START + wanted + 60)
    begin, end = stretch(log.read, log.size, VLOG, window)
    assert begin <= wanted * LINE < (wanted + 60) * LINE < end
    assert end - begin < 512 << 10
    assert log.count < 1 << 20
    assert begin % LINE == 0


def test_before_and_after_everything() -> None:
    log = Endless(LINE * 1_000_000)
    begin, end = stretch(log.read, log.size, VLOG, Window(0.0, START - 100))
    assert begin == 0
    assert end <= 64 << 10
    begin, end = stretch(log.read, log.size, VLOG, Window(START + 2_000_000, START + 3_000_000))
    assert log.size - begin <= 64 << 10
    assert end == log.size


def test_without_ends_it_is_everything() -> None:
    log = Endless(LINE * 10_000)
    assert stretch(log.read, log.size, VLOG, Window()) == (0, log.size)


def test_a_hole_of_zeros_ends_the_search_only_there() -> None:
    one = b"".join(Endless(0).line(number) for number in range(2000))
    data = one + b"\0" * 500_000
    begin, _ = stretch(
        lambda offset, size: data[offset : offset + size], len(data), VLOG, Window(START + 1990)
    )
    assert begin <= 1990 * LINE


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 3000),
    start=st.floats(-100, 4000),
    length=st.floats(0, 2000),
)
def test_what_is_of_the_window_is_in_the_stretch(
    seed: int, count: int, start: float, length: float
) -> None:
    """Records late by less than the slack, some of them long, some with a traceback."""
    chance = random.Random(seed)
    data = bytearray()
    heads: list[tuple[int, float]] = []
    now = START
    for number in range(count):
        now += chance.expovariate(1.0)
        moment = round(now - chance.random() * (SLACK - 1) * (chance.random() < 0.1), 3)
        heads.append((len(data), moment))
        text = "x" * chance.choice((3, 80, 200, 3000, 20_000 if number % 50 == 0 else 5))
        data += oslo(moment, text, level=chance.choice(("INFO", "ERROR"))).encode()
        if chance.random() < 0.05:
            data += raised(moment, *["  File x"] * chance.randrange(60)).encode()
    window = Window(START + start, START + start + length)
    whole = bytes(data)
    begin, end = stretch(
        lambda offset, size: whole[offset : offset + size], len(whole), OSLO, window
    )
    assert begin == 0 or begin in dict(heads)
    assert all(begin <= offset < end for offset, moment in heads if moment in window)
