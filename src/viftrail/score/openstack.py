"""Rounds in one lab with a real OpenStack, one after the other: it takes two minutes to come up.

Here the sufferer is most often a server that could not be built. That it is mended is proved by
asking for the same server again, and by the lease that it gets.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from viftrail import __version__
from viftrail.errors import ViftrailError
from viftrail.faults.catalogue import CATALOGUE, fault
from viftrail.lab.client import Lab
from viftrail.lab.openstack.kit import LOCK
from viftrail.lab.ping import ping
from viftrail.lab.provoke import Provocation, all_provocations
from viftrail.lab.shape import Shape
from viftrail.score.board import versions
from viftrail.score.round import green, run, whatever_it_takes
from viftrail.score.tally import Round, Score


def openstack_singles() -> tuple[str, ...]:
    """Every fault that takes an OpenStack to be provoked, in the order of the chain."""
    known = all_provocations()
    return tuple(
        each.id for each in CATALOGUE if each.id in known and known[each.id].needs.openstack
    )


def openstack_score(
    faults: Sequence[str] = (), tell: Callable[[Round], None] = lambda _round: None
) -> Score:
    """Bring one lab up, play a round for each of these faults or of all, and take it down."""
    lab = Lab.up(f"score-{os.getpid()}", Shape(openstack=True))
    rounds = []
    try:
        for each in faults or openstack_singles():
            rounds.append(play_in(lab, each))
            tell(rounds[-1])
    finally:
        lab.down()
    return Score(
        tool=f"viftrail {__version__}",
        versions=f"{versions()}, with {_releases()}",
        date=date.today().isoformat(),  # noqa: DTZ011 - the date on the wall where it was measured
        rounds=tuple(rounds),
    )


def _releases() -> str:
    """Nova and Neutron as the lock file pins them."""
    pins = dict(re.findall(r"^(\w[\w-]*)==(\S+)", LOCK.read_text(), re.MULTILINE))
    return f"Nova {pins['nova']} and Neutron {pins['neutron']}"


def play_in(lab: Lab, fault_id: str) -> Round:
    """One round in this lab, which is whole again afterwards."""
    way = all_provocations()[fault_id]
    empty = Round(faults=(fault_id,), stage=fault(fault_id).stage.value)
    try:
        lab.order("break", fault=fault_id, vm="vm1")
        return _judged(lab, way, empty)
    except (ViftrailError, ValueError) as error:
        return replace(empty, note=f"{type(error).__name__}: {error}")
    finally:
        lab.order("mend")


def _judged(lab: Lab, way: Provocation, empty: Round) -> Round:
    paths = ping(lab, way.sufferer).paths if way.breaks else ()
    broken = {path.path for path in paths if not path.ok}
    if missing := set(way.breaks) - broken:
        return replace(empty, provoked=False, note=f"still passes: {', '.join(sorted(missing))}")
    began = time.monotonic()
    verdict = run("why", way.target, lab)
    seconds = time.monotonic() - began
    asked = replace(
        empty,
        found_stage=verdict["verdict"]["stage"],
        found_causes=tuple(cause["id"] for cause in verdict["causes"]),
        alarms=tuple(_alarms(lab, way)),
        seconds=seconds,
    )
    if way.by_hand:
        return replace(asked, note="the mend is the operator's own")
    with tempfile.TemporaryDirectory(prefix="viftrail-score-") as folder:
        log = str(Path(folder) / "fix.jsonl")
        fix = run("fix", way.target, lab, *whatever_it_takes(), "--log", log)
    ending = fix["ending"]
    if ending == "told" and not _asks_anew(fix):
        return replace(asked, note="the next step is the operator's own")
    if not way.request:
        mended = ending == "mended" and green(lab)
        return replace(asked, mended=mended, note="" if mended else f"fix ended {ending}")
    said = str(lab.order("again", fault=way.id))
    mended = "ACTIVE with" in said
    return replace(asked, mended=mended, note="" if mended else f"fix ended {ending}; {said}")


def _asks_anew(fix: Mapping[str, Any]) -> bool:
    """Whether all that is left is to ask for the server once more, which is the lab's to do here."""
    return bool(fix["next"]["step"]["command"].startswith("openstack server create "))


def _alarms(lab: Lab, way: Provocation) -> Iterator[str]:
    """The servers that were there before must not be accused of anything else."""
    for vm in ("vm1", "vm2"):
        if vm != way.target:
            for cause in run("why", vm, lab)["causes"]:
                if cause["id"] not in (way.id, *way.also):
                    yield f"{vm}: {cause['id']}"
