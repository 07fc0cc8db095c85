"""Choosing how a verdict is printed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from viftrail.errors import CannotWrite
from viftrail.facts.draft import whole_file

if TYPE_CHECKING:
    from viftrail.verdict import Verdict

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "markdown", "html")


def named(_: click.Context, param: click.Parameter, value: str | None) -> str:
    """Refuses an empty name: an unset shell variable must not mean the terminal."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty.", param=param)
    return value or ""


def format_option(formats: Sequence[str], what: str) -> Callable[[F], F]:
    """``-f``: in which of these formats to print; text unless told."""
    return click.option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(formats),
        default="text",
        show_default=True,
        help=what,
    )


output_option = click.option(
    "-o", "--output", callback=named, metavar="FILE", help="Write to a file instead."
)


def renderer(name: str) -> Callable[[Verdict], str]:
    """The report of that name."""
    if name == "json":
        from viftrail.report import json as report
    elif name == "markdown":
        from viftrail.report import markdown as report  # type: ignore[no-redef]
    elif name == "html":
        from viftrail.report import html as report  # type: ignore[no-redef]
    else:
        from viftrail.report import text as report  # type: ignore[no-redef]
    return report.render


def deliver(text: str, output: str) -> None:
    """Print to the terminal, or write a file whole or not at all.

    Raises:
        CannotWrite: the file, or standard output, could not be written.
    """
    text = harmless(text)
    if output and output != "-":
        with whole_file(Path(output)) as file:
            file.write(click.unstyle(text).encode("utf-8", "replace"))
        return
    if sys.stdout is None:
        raise CannotWrite("There is no standard output to print to.", "Name a file with -o.")
    try:
        click.echo(text, nl=False, color=None if _has_colours() else False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (| head); the verdict's exit status still counts.
        leave_stdout()
    except OSError as error:
        leave_stdout()
        raise CannotWrite(
            f"The result could not be printed ({error.strerror or error}).",
            "Name a file on another disk with -o.",
        ) from error


def _has_colours() -> bool:
    """A terminal, unless the operator wants none of them (no-color.org) or it cannot show any."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return sys.stdout.isatty() and wanted


def leave_stdout() -> None:
    """Make Python's own flush at its end go nowhere, instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_STEERING = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Without what could steer a terminal, save colours.

    Names and values come from databases, hosts and bundles: they may be anything.
    """
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)
