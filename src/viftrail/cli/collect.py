"""`viftrail collect -o FILE`."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from viftrail.cli.origin import Origin, open_source, origin_options
from viftrail.cli.output import deliver, harmless, named
from viftrail.errors import UsageError

if TYPE_CHECKING:
    from viftrail.facts.bundle.manifest import Manifest
    from viftrail.facts.facts import Facts

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_OFF = 1.0
"""Seconds by which a clock may be wrong without being told here; the manifest has them all."""

_SHOWN = 5
_NONE = ("0", "none")


def _hindsight(_: click.Context, param: click.Parameter, value: str) -> float:
    """Seconds from now back: of ``90m``, or of a moment in ISO 8601."""
    from viftrail.facts.log.moment import parse

    if value in _NONE:
        return 0.0
    length = _LENGTH.fullmatch(value.strip().lower())
    moment = None if length else parse(value.strip())
    back = float(length[1]) * _UNITS[length[2]] if length else time.time() - (moment or math.nan)
    if not back > 0:
        raise click.BadParameter(
            f"{value!r} is neither a time of the past (2026-11-20T08:00Z) nor a length of it "
            "(90m, 12h, 7d), nor 0 for no logs.",
            param=param,
        )
    return back


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@origin_options
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Collect no more than the trail of this target (or pair A:B), as `why` follows it; may "
    "be repeated.",
)
@click.option(
    "--since",
    "hindsight",
    default="1d",
    show_default=True,
    callback=_hindsight,
    metavar="TIME",
    help="How far back logs are looked through: 90m, 12h, 7d, or a moment; 0 for no logs.",
)
@click.option(
    "--gentle", is_flag=True, help="Read in small bites, to spare the database servers; slower."
)
@click.option(
    "-o",
    "--output",
    required=True,
    callback=named,
    metavar="FILE",
    help="The bundle to write; - for standard output.",
)
def collect(
    origin: Origin, *, targets: tuple[str, ...], hindsight: float, gentle: bool, output: str
) -> None:
    """Write all evidence to one bundle file, for `why --bundle` to read.

    Both databases as far as a diagnosis reads them, every host that can be
    reached, and of the logs what decides something. Logical_Flow is never
    read. Secrets are taken out, and what was taken out is said.
    """
    from viftrail.facts.bundle import bundle
    from viftrail.facts.bundle.collection import Wanted, gather

    straight = output == "-"
    if straight and (sys.stdout is None or sys.stdout.isatty()):
        raise UsageError("A bundle is nothing to look at.", "Pipe it on, or name a file with -o.")
    wanted = Wanted(targets=targets, hindsight=hindsight, gentle=gentle)
    with open_source(origin) as source:
        name = origin.bundle or " ".join(origin.saved) or source.name
        facts, manifest = gather(source, wanted, name=name)
    if straight:
        manifest = bundle.write_out(sys.stdout.buffer, facts, manifest)
        click.echo(
            "".join(f"{harmless(line)}\n" for line in _said("-", facts, manifest)),
            err=True,
            nl=False,
        )
        return
    manifest = bundle.write(Path(output), facts, manifest)
    deliver("".join(f"{line}\n" for line in _said(output, facts, manifest)), "")


def _said(output: str, facts: Facts, manifest: Manifest) -> Iterator[str]:
    """What is in it, what was taken out of it, and what is missing."""
    from viftrail.facts.redaction import hidden

    size = f", {Path(output).stat().st_size / 1024:.0f} KiB" if Path(output).is_file() else ""
    of = f", the trail of {' and '.join(trail.asked for trail in manifest.targets)}"
    yield f"{output}: {len(facts.hosts)} hosts{size}{of if manifest.targets else ''}"
    if manifest.since:
        told = {signal.line.source for signal in facts.logs.all_signals}
        told |= {line.source for line in facts.logs.lines}
        yield f"  logs: {len(told)} records of {len(facts.logs.files)} files since {manifest.since}"
    for host, clock in sorted(manifest.clocks.items()):
        if abs(clock.ahead) > _OFF + clock.within:
            side = "ahead of" if clock.ahead > 0 else "behind"
            yield f"  clock of {host}: {abs(clock.ahead):.1f} s {side} this host's"
    yield from _redacted(manifest)
    yield from (f"  not in it: {gap.place}: {hidden(gap.why)}" for gap in facts.gaps)


def _redacted(manifest: Manifest) -> Iterator[str]:
    every = manifest.redactions
    if not every:
        yield "  redacted: nothing, no secret was found"
        return
    kinds: dict[str, int] = {}
    for each in every:
        kinds[each.kind] = kinds.get(each.kind, 0) + each.count
    told = ", ".join(f"{kind.replace('-', ' ')} ({count})" for kind, count in kinds.items())
    yield f"  redacted: {told}"
    for each in every[:_SHOWN]:
        yield f"    {each.kind.replace('-', ' ')} in {each.place}"
    if len(every) > _SHOWN:
        yield f"    and {len(every) - _SHOWN} more places; manifest.json in it lists them"
