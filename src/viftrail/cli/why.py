"""`viftrail why TARGET`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import FORMATS, deliver, format_option, output_option, renderer

if TYPE_CHECKING:
    from viftrail.facts.source import Source
    from viftrail.probing.plan import Sending
    from viftrail.verdict import Verdict


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target")
@origin_options
@format_option(FORMATS, "How to print the verdict.")
@output_option
@click.option(
    "--probe",
    is_flag=True,
    help="Also send a few harmless packets, said beforehand, to decide what rows cannot.",
)
@click.option(
    "--timeline",
    "story",
    is_flag=True,
    help="Also tell what happened to it: what was asked, log lines and rows, in one sequence.",
)
@click.pass_context
def why(
    ctx: click.Context,
    origin: Origin,
    target: str,
    format_: str,
    output: str,
    probe: bool,
    story: bool,
) -> None:
    """Name the first broken link of TARGET's network, and prove it.

    TARGET is a VM's name or id, a port id, a MAC, a fixed or floating IP
    address, a device name such as tap0b63cd1e-5d, or a pair A:B.

    Exit status: 0 healthy, 1 broken, 2 could not tell.
    """
    from viftrail.verdict import State
    from viftrail.why import why as ask

    with open_source(origin) as source:
        # A report that is read later tells the story as well, where it is at hand.
        told = story or (format_ != "text" and bool(origin.saved))
        verdict = sounded(source, target) if probe else ask(source, target, story=told)
    deliver(renderer(format_)(verdict), output)
    codes = {State.HEALTHY: 0, State.BROKEN: 1, State.DEGRADED: 1}
    ctx.exit(codes.get(verdict.verdict.state, 2))


def sounded(source: Source, target: str) -> Verdict:
    """Ask, say what will be sent, send it, and judge by both.

    Raises:
        UsageError: nothing can be sent into what was recorded.
    """
    from viftrail.errors import UsageError
    from viftrail.facts.live import LiveSource
    from viftrail.why import probe

    if not isinstance(source, LiveSource):
        raise UsageError(
            "--probe sends packets, and a bundle or file is no running cloud.", "Leave it out."
        )
    return probe(source, target, _announce)


def _announce(planned: Sending) -> None:
    """On standard error, so that the verdict stays what it is."""
    for words in planned.words() or ("nothing: no host, plug or tunnel allows it",):
        click.echo(f"--probe: {words}", err=True)
