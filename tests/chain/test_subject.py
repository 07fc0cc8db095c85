"""What a fault is about."""

from __future__ import annotations

from viftrail.chain import subject


def test_a_tunnel_has_no_direction() -> None:
    assert subject.tunnel("b", "a") == subject.tunnel("a", "b")
    assert subject.tunnel("a", "b") != subject.tunnel("a", "c")


def test_names_of_different_kinds_are_different_subjects() -> None:
    made = {subject.port("x"), subject.host("x"), subject.router("x"), subject.floating_ip("x")}
    assert len(made) == 4


def test_in_words() -> None:
    assert str(subject.host("compute1")) == "host compute1"
    assert str(subject.tunnel("b", "a")) == "tunnel a and b"
    assert str(subject.CLOUD) == "cloud"
