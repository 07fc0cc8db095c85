"""Choosing how a verdict is printed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from viftrail.errors import CannotWrite

if TYPE_CHECKING:
    from viftrail.verdict import Verdict

FORMATS = ("text", "json", "markdown", "html")


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
        CannotWrite: the file could not be written.
    """
    if not output or output == "-":
        click.echo(text, nl=False, color=None if sys.stdout.isatty() else False)
        return
    path = Path(output)
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as draft:
            draft_path = Path(draft.name)
            try:
                draft.write(click.unstyle(text))
                draft.flush()
                draft_path.chmod(0o644)
                draft_path.replace(path)
            except BaseException:
                draft_path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CannotWrite(
            f"{path} could not be written ({error.strerror or error}).",
            "Choose another place with -o; nothing was left behind.",
        ) from error
