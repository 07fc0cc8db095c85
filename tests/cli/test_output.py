"""Printing and writing: whole or not at all, and nothing that steers a terminal."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import click
import pytest

from viftrail.cli.output import FORMATS, deliver, harmless, renderer
from viftrail.errors import CannotWrite


def test_every_format_has_its_renderer() -> None:
    made = {renderer(name) for name in FORMATS}
    assert len(made) == len(FORMATS) == 4


def test_colours_are_for_terminals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = click.style("red", fg="red") + "\n"
    deliver(text, "")
    assert capsys.readouterr().out == "red\n"
    deliver(text, str(tmp_path / "x"))
    assert (tmp_path / "x").read_text() == "red\n"


@pytest.mark.parametrize(
    ("name", "value", "coloured"),
    [("TERM", "xterm", True), ("TERM", "dumb", False), ("NO_COLOR", "1", False)],
)
def test_who_wants_no_colours_gets_none(
    name: str, value: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a terminal is told, https://no-color.org."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, os.fdopen(ours, "rb", 0) as shown:
        monkeypatch.setattr("sys.stdout", terminal)
        deliver(click.style("red", fg="red") + "\n", "")
        assert (b"\x1b[31m" in shown.read(100)) is coloured


@pytest.mark.parametrize("evil", ["\x1b]0;title\x07", "\x1b[2J", "\r", "\x9b2J", "\x00"])
def test_a_name_cannot_steer_the_terminal(evil: str) -> None:
    shown = harmless(f"vm{evil}1")
    assert not set(shown) & set("\x07\r\x9b\x00")
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_colours_and_lines_stay() -> None:
    text = click.style("red", fg="red", bold=True) + "\n\tx ä ·\n"
    assert harmless(text) == text


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "no" / "x", tmp_path / "folder"):
        with pytest.raises(CannotWrite):
            deliver("text", str(place))
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
