"""`viftrail why TARGET`."""

from __future__ import annotations

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import FORMATS, deliver, renderer


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target")
@origin_options
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to print the verdict.",
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write to a file instead.")
@click.pass_context
def why(ctx: click.Context, origin: Origin, target: str, format_: str, output: str) -> None:
    """Name the first broken link of TARGET's network, and prove it.

    TARGET is a VM's name or id, a port id, a MAC, a fixed or floating IP
    address, a device name such as tap0b63cd1e-5d, or a pair A:B.

    Exit status: 0 healthy, 1 broken, 2 could not tell.
    """
    from viftrail.verdict import State
    from viftrail.why import why as ask

    with open_source(origin) as source:
        verdict = ask(source, target)
    deliver(renderer(format_)(verdict), output)
    codes = {State.HEALTHY: 0, State.BROKEN: 1, State.DEGRADED: 1}
    ctx.exit(codes.get(verdict.verdict.state, 2))
