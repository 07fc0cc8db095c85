"""`viftrail audit`."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver, format_option, output_option
from viftrail.errors import UsageError

if TYPE_CHECKING:
    from viftrail.audit import Findings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@origin_options
@click.option("--only", default="", metavar="STAGE|FAULT", help="Look for these faults only.")
@click.option(
    "--project", default="", metavar="ID", help="Leave out ports of other Neutron projects."
)
@click.option(
    "--since", default="", metavar="BUNDLE", help="Leave out what was found in this bundle already."
)
@click.option(
    "--confirm",
    default=0.0,
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    help="Look twice, so far apart, and print what was found both times: in a busy cloud some "
    "port is always being made.",
)
@click.option(
    "--gentle", is_flag=True, help="Read in small bites, to spare the database servers; slower."
)
@format_option(("text", "json", "html", "junit"), "How to print the findings.")
@output_option
@click.pass_context
def audit(
    ctx: click.Context,
    origin: Origin,
    *,
    only: str,
    project: str,
    since: str,
    confirm: float,
    gentle: bool,
    format_: str,
    output: str,
) -> None:
    """Look for every known fault in the whole cloud, without a target.

    Exit status: 0 nothing found, 1 something found, 2 nothing could be read.
    """
    from viftrail.facts.ovsdb import collector
    from viftrail.facts.parallel import aside

    only = only.upper() if only[:1] == "s" and only[1:].isdigit() else only
    _check_only(only)
    known = _earlier(since) if since else None
    with open_source(origin) as source, collector.paused():
        if confirm and source.taken:
            raise UsageError(
                "--confirm looks twice, and what was recorded stays the same.", "Leave it out."
            )

        def found_now(before: Findings | None) -> Findings:
            reading = aside(partial(source.everything, gentle=gentle))
            from viftrail.audit import audit as look  # while the servers work

            facts = reading.result()
            taken = source.taken or datetime.now(timezone.utc).isoformat(timespec="seconds")
            return look(
                facts, only=only, project=project, known=known, confirming=before, time=taken
            )

        found = found_now(None)
        if confirm and found.groups:
            time.sleep(confirm)
            found = found_now(found)
    from viftrail.report import findings

    reports = {
        "text": findings.as_text,
        "json": findings.as_json,
        "html": findings.as_html,
        "junit": findings.as_junit,
    }
    deliver(reports[format_](found), output)
    ctx.exit(1 if found.groups else 2 if found.blind else 0)


def _check_only(only: str) -> None:
    """Refuse what is neither a stage nor a fault, before anybody is asked anything.

    Raises:
        UsageError: it is neither.
    """
    if not only:
        return
    from viftrail.faults.catalogue import CATALOGUE

    if not any(only in (fault.id, fault.stage.value) for fault in CATALOGUE):
        raise UsageError(
            f"--only {only} is neither a stage nor a fault.", "`viftrail faults` lists them."
        )


def _earlier(path: str) -> Findings:
    from viftrail.audit import audit as look
    from viftrail.facts.bundle import bundle

    return look(bundle.read(Path(path))[0])
