"""`viftrail faults [ID]`."""

from __future__ import annotations

import sys

import click

from viftrail.cli.output import format_option


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("fault_id", metavar="[ID]", default="")
@format_option(("text", "json", "markdown"), "How to print the catalogue.")
def faults(fault_id: str, format_: str) -> None:
    """Print the catalogue of faults, or one entry, from the definitions themselves."""
    from viftrail.faults.catalogue import CATALOGUE, fault
    from viftrail.report import catalogue

    chosen = (fault(fault_id),) if fault_id else CATALOGUE
    if format_ == "json":
        text = catalogue.as_json(chosen)
    elif format_ == "markdown":
        text = catalogue.as_markdown(chosen)
    else:
        text = catalogue.entry(chosen[0]) if fault_id else catalogue.index(chosen)
    click.echo(text, nl=False, color=None if sys.stdout.isatty() else False)
