"""`viftrail diff A B [TARGET]`."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver, format_option, output_option
from viftrail.errors import UsageError

if TYPE_CHECKING:
    from viftrail.facts.source import Source

LIVE = "live"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.argument("target", required=False)
@origin_options
@format_option(("text", "json", "markdown"), "How to print the changes.")
@output_option
@click.pass_context
def diff(
    ctx: click.Context,
    origin: Origin,
    *,
    before: str,
    after: str,
    target: str | None,
    format_: str,
    output: str,
) -> None:
    """Tell what changed from A to B, for TARGET or for the whole cloud.

    A and B are bundles (- for one on standard input), what --from takes
    (folders, sosreports, database files; put what is of one moment into one folder), or `live`:
    the cloud that the options below name, as for `why`. What touches the first broken stage comes
    first. Without TARGET both clouds are audited.

    Exit status: 0 nothing differs, 1 something does, 2 nothing could be compared.
    """
    from viftrail.difference.ask import difference
    from viftrail.facts.ovsdb import collector
    from viftrail.report import difference as report

    if origin.bundle or origin.saved:
        raise UsageError("diff takes no --bundle and no --from.", "Name them as A and B.")
    if target is not None and not target.strip():
        raise UsageError("The target is empty.", "Leave it out for the whole cloud.")
    if before == after and before in (LIVE, "-"):
        raise UsageError(f"A and B are both {before}.", "Name another file for one of them.")
    if LIVE not in (before, after) and origin != Origin():
        raise UsageError(
            "These options say where `live` is, and neither A nor B is that.", "Leave them out."
        )
    with collector.paused(), _opened(before, origin) as one, _opened(after, origin) as other:
        found = difference(one, other, (before, after), target or "")
    reports = {"text": report.as_text, "json": report.as_json, "markdown": report.as_markdown}
    deliver(reports[format_](found), output)
    ctx.exit(2 if found.blind else 0 if found.nothing else 1)


def _opened(name: str, origin: Origin) -> AbstractContextManager[Source]:
    if name == LIVE:
        return open_source(origin)
    return open_source(Origin(saved=(name,)) if _is_saved(Path(name)) else Origin(bundle=name))


def _is_saved(path: Path) -> bool:
    """A folder, or a file that --from knows: a packed report, a database, an answer of OpenStack.

    What nobody knows, or may not be read, is left to who reads bundles, and says what is wrong.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    if not stat.S_ISREG(mode):
        return stat.S_ISDIR(mode)
    from viftrail.facts.bundle.bundle import is_bundle
    from viftrail.facts.saved.contents import is_known

    return os.access(path, os.R_OK) and is_known(path) and not is_bundle(path)
