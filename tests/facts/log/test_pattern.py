"""One kind of record."""

from __future__ import annotations

from viftrail.facts.log.pattern import Pattern


def made(level: str = "WARNING") -> Pattern:
    return Pattern(
        id="x",
        level=level,
        phrase="Refusing to bind",
        regex=r"Refusing to bind port (?P<port>\w+)(?: to (?P<host>\w+))?.*",
        means="it was refused",
        example="Refusing to bind port p",
        source="here",
    )


def test_groups_that_are_not_there_are_not_told() -> None:
    assert made().match("Refusing to bind port p to cmp1", "WARNING") == {
        "port": "p", "host": "cmp1"
    }  # fmt: skip
    assert made().match("Refusing to bind port p", "WARNING") == {"port": "p"}


def test_the_phrase_alone_is_not_enough() -> None:
    assert made().match("Refusing to bind", "WARNING") is None
    assert made().match("something else", "WARNING") is None


def test_what_is_said_at_debug_is_no_trouble_unless_it_always_is() -> None:
    text = "Refusing to bind port p"
    assert made().match(text, "DEBUG") is None
    assert made("DEBUG").match(text, "DEBUG") == {"port": "p"}
    assert made().match(text, "") == {"port": "p"}


def test_it_may_go_over_several_lines() -> None:
    assert made().match("first\nRefusing to bind port p\nlast", "ERROR") == {"port": "p"}
