"""`viftrail try`: two real incidents, found, mended, and traffic proved."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from viftrail.facts.source import Source
    from viftrail.incidents import Incident
    from viftrail.lab.client import Lab
    from viftrail.verdict import Verdict

_GREEN_WITHIN = 20.0
"""Seconds after a mend in which guests ask for their lease again."""


@click.command("try", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", default="try", show_default=True, help="Name of the lab that is made.")
@click.option("--recorded", is_flag=True, help="Use the recordings even where a lab could run.")
def tour(name: str, *, recorded: bool) -> None:
    """Watch two real incidents being found and mended.

    As root, with the OVN packages, in a lab that is made for it and taken
    down again; otherwise from recordings that come with viftrail.
    """
    from viftrail.errors import LabError, NotPermitted

    if not recorded:
        try:
            _live(name)
        except (NotPermitted, LabError) as error:
            click.echo(f"No lab can run here: {error}")
            click.echo("So these are recordings of the same two incidents.\n")
        else:
            return
    _recorded()


def _recorded() -> None:
    from viftrail.facts.bundle import bundle
    from viftrail.facts.stored import StoredSource
    from viftrail.incidents import INCIDENTS

    for incident in INCIDENTS:
        _introduce(incident)
        facts, manifest = bundle.read(incident.bundle)
        click.echo(f"(recorded {manifest.time} in a lab)\n")
        _ask(StoredSource(facts, manifest.time))


def _live(name: str) -> None:
    from viftrail.incidents import INCIDENTS
    from viftrail.lab.client import Lab

    began = time.monotonic()
    lab = Lab.up(name)
    try:
        took = time.monotonic() - began
        click.echo(f"A real OVN cloud is up after {took:.1f} s: lab {name!r}.\n")
        _wait_green(lab)
        for incident in INCIDENTS:
            _incident(lab, incident)
    finally:
        lab.down()
    click.echo(f"Lab {name!r} is down; {time.monotonic() - began:.0f} s in all.")


def _incident(lab: Lab, incident: Incident) -> None:
    from viftrail.errors import LabError
    from viftrail.incidents import VICTIM
    from viftrail.lab.source import open_lab

    _introduce(incident)
    click.echo(f"$ viftrail lab break {incident.fault} --vm {VICTIM}")
    lab.ask("break", fault=incident.fault, vm=VICTIM)
    click.echo(f"$ viftrail lab ping --vm {VICTIM}")
    _show_ping(lab)
    source = open_lab(lab.name, timeout=5.0)
    try:
        began = time.monotonic()
        click.echo(f"\n$ viftrail why {VICTIM}")
        verdict = _ask(source)
        click.echo(f"(found in {time.monotonic() - began:.2f} s)\n")
    finally:
        source.close()
    click.echo(click.style("The mend, as printed:", bold=True))
    for step in verdict.remedy.steps:
        click.echo(f"{step.where} $ {step.command}")
        done = lab.run(step.where, ["sh", "-c", step.command])
        if done.returncode:
            raise LabError(f"{step.command} failed: {done.stderr.decode().strip()}")
    _wait_green(lab)
    click.echo(f"\n$ viftrail lab ping --vm {VICTIM}")
    _show_ping(lab)
    lab.ask("mend")
    click.echo()


def _introduce(incident: Incident) -> None:
    click.echo(click.style(f"Incident {incident.id}", bold=True))
    click.echo(textwrap.fill(incident.story, 80) + "\n")


def _ask(source: Source) -> Verdict:
    from viftrail.incidents import VICTIM
    from viftrail.report import text
    from viftrail.why import why

    verdict = why(source, VICTIM)
    click.echo(text.render(verdict))
    return verdict


def _show_ping(lab: Lab) -> bool:
    from viftrail.incidents import VICTIM
    from viftrail.lab.ping import ping

    result = ping(lab, VICTIM)
    for path in result.paths:
        word = click.style("ok  ", fg="green") if path.ok else click.style("FAIL", fg="red")
        click.echo(f"  {word} {path.path:<18} {path.source} -> {path.target}: {path.detail}")
    return result.ok


def _wait_green(lab: Lab) -> None:
    """Guests retry DHCP on their own; wait for that, not for a fixed time."""
    from viftrail.errors import LabError
    from viftrail.lab.ping import ping

    deadline = time.monotonic() + _GREEN_WITHIN
    while not ping(lab).ok:
        if time.monotonic() > deadline:
            raise LabError(f"Lab {lab.name!r} does not pass traffic after {_GREEN_WITHIN:g} s.")
