"""What the README shows is what is printed."""

from __future__ import annotations

from pathlib import Path

import click

from tests.recordings import source_of
from viftrail.report import text
from viftrail.why import why

README = Path(__file__).parents[1] / "README.md"


def test_the_verdict_is_the_recorded_one() -> None:
    shown = click.unstyle(text.render(why(source_of("northd-paused"), "vm1")))
    assert f"$ viftrail why vm1\n{shown}```" in README.read_text()
