"""All rounds, several labs at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from itertools import combinations

from viftrail import __version__
from viftrail.faults.catalogue import CATALOGUE
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape
from viftrail.score.round import play
from viftrail.score.tally import Round, Score


def singles() -> tuple[tuple[str, ...], ...]:
    """Every fault that a lab without OpenStack can provoke, in the order of the chain."""
    known = all_provocations()
    plain = {each for each, way in known.items() if not way.needs.openstack}
    return tuple((fault.id,) for fault in CATALOGUE if fault.id in plain)


def pairs() -> tuple[tuple[str, ...], ...]:
    """One fault of each stage with one of each other.

    The first of a stage that leaves packets to be lost, in the plain lab: a round takes ten
    seconds, and all pairs of the catalogue would take a day.
    """
    known = all_provocations()
    chosen: dict[int, str] = {}
    for fault in CATALOGUE:
        way = known.get(fault.id)
        if way and way.breaks and not way.size and way.needs == Shape():
            chosen.setdefault(fault.stage.number, fault.id)
    return tuple(combinations(chosen.values(), 2))


def score(
    wanted: Sequence[tuple[str, ...]],
    jobs: int,
    tell: Callable[[Round], None] = lambda _round: None,
) -> Score:
    """Play the rounds, so many at a time; ``tell`` hears of each as it ends."""
    order = {faults: place for place, faults in enumerate(wanted)}
    results: dict[int, Round] = {}
    names: Iterator[str] = (f"score-{os.getpid()}-{number}" for number in range(len(wanted)))
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        running = {pool.submit(play, faults, next(names)): faults for faults in wanted}
        for done in as_completed(running):
            results[order[running[done]]] = done.result()
            tell(done.result())
    finally:
        # After Ctrl-C the rounds that run take their labs down; the others never begin.
        pool.shutdown(wait=True, cancel_futures=True)
    return Score(
        tool=f"viftrail {__version__}",
        versions=versions(),
        date=date.today().isoformat(),  # noqa: DTZ011 - the date on the wall where it was measured
        rounds=tuple(results[place] for place in sorted(results)),
    )


def versions() -> str:
    """The OVN and Open vSwitch that were broken."""
    found = []
    for program in ("ovn-controller", "ovs-vswitchd"):
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
        found.append(done.stdout.partition("\n")[0].replace("ovn-controller", "OVN"))
    return " and ".join(
        line.replace("ovs-vswitchd (Open vSwitch)", "Open vSwitch") for line in found
    )
