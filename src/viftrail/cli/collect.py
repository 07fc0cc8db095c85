"""`viftrail collect -o FILE`."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from viftrail import __version__
from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@origin_options
@click.option(
    "--gentle", is_flag=True, help="Read in small bites, to spare the database servers; slower."
)
@click.option("-o", "--output", required=True, metavar="FILE", help="The bundle to write.")
def collect(origin: Origin, *, gentle: bool, output: str) -> None:
    """Write all evidence to one bundle file, for `why --bundle` to read.

    Both databases as far as a diagnosis reads them, and every host that can
    be reached. Logical_Flow is never read.
    """
    from viftrail.facts import bundle

    with open_source(origin) as source:
        facts = source.everything(gentle=gentle)
    manifest = bundle.Manifest(
        format=bundle.FORMAT,
        tool=f"viftrail {__version__}",
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        source=facts.owner.name or origin.bundle or origin.nb or origin.sb,
    )
    bundle.write(Path(output), facts, manifest)
    size = Path(output).stat().st_size
    lines = [f"{output}: {len(facts.hosts)} hosts, {size / 1024:.0f} KiB"]
    lines += [f"  not in it: {gap.place}: {gap.why}" for gap in facts.gaps]
    deliver("\n".join(lines) + "\n", "")
