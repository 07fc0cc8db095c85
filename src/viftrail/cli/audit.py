"""`viftrail audit`."""

from __future__ import annotations

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@origin_options
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write to a file instead.")
@click.pass_context
def audit(ctx: click.Context, origin: Origin, format_: str, output: str) -> None:
    """Look for every known fault in the whole cloud, without a target.

    Exit status: 0 nothing found, 1 something found, 2 nothing could be read.
    """
    from viftrail.audit import audit as look
    from viftrail.report import findings

    with open_source(origin) as source:
        found = look(source.everything())
    text = findings.as_json(found) if format_ == "json" else findings.as_text(found)
    deliver(text, output)
    ctx.exit(1 if found.causes else 2 if found.blind else 0)
