"""All rounds, several labs at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from itertools import combinations

from viftrail import __version__
from viftrail.faults.catalogue import CATALOGUE, fault
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape
from viftrail.score.round import play
from viftrail.score.tally import LeftOut, Round, Score

IMPOSSIBLE: Mapping[frozenset[str], str] = {
    frozenset(("nb-lsp-missing", "dhcp-options-missing")): "the one deletes the row that the other "
    "changes",
    frozenset(("northd-not-running", "controller-flow-lag")): "ovn-controller falls behind only "
    "what ovn-northd still writes",
    frozenset(("sb-server-down", "controller-flow-lag")): "how far ovn-controller is stands in "
    "Southbound, which nobody serves",
}
"""Two faults that cannot be there at once, or cannot be told from one of them, and why."""


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
    for each in CATALOGUE:
        way = known.get(each.id)
        if way and way.breaks and not way.size and way.needs == Shape():
            chosen.setdefault(each.stage.number, each.id)
    return tuple(
        both for both in combinations(chosen.values(), 2) if frozenset(both) not in IMPOSSIBLE
    )


def left_out(wanted: Sequence[tuple[str, ...]]) -> tuple[LeftOut, ...]:
    """The impossible pairs of faults that are played with others."""
    played = {each for both in wanted if len(both) > 1 for each in both}
    return tuple(
        LeftOut(faults=tuple(sorted(both, key=lambda each: fault(each).stage.number)), reason=why)
        for both, why in IMPOSSIBLE.items()
        if both <= played
    )


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
        left_out=left_out(wanted),
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
