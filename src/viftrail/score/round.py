"""One round: a fresh lab, broken, asked, mended by `fix`, and proved with packets.

It runs the commands that an operator runs, in processes of their own: what is measured is
what people get, and a diagnosis that hangs costs its round and not the scoreboard. Only the
bystanders are asked about in this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from viftrail import itself
from viftrail.errors import LabError, ViftrailError
from viftrail.faults.catalogue import fault
from viftrail.lab.client import Lab
from viftrail.lab.ping import ping
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape
from viftrail.lab.source import open_lab
from viftrail.score.tally import Round
from viftrail.verdict import Stage, State, Verdict
from viftrail.why import why

VICTIM = "vm1"
_PATIENCE = 120.0
"""Seconds after which a command counts as hung: a mend may wait half a minute for packets."""
_ANSWER = 5.0
"""Seconds for one answer of a database, as the command line has it."""
_AT_ONCE = 2
"""Bystanders that are asked about at the same time: half of that each of them waits."""
_GREEN_WITHIN = 30.0
_BROKEN_WITHIN = 10.0
_FLAPS_WITHIN = 60.0
"""Seconds for what is said to be broken to fail, and for what lets packets pass in between."""


def whatever_it_takes() -> tuple[str, ...]:
    """Options of `fix`: nobody works in a lab whose round this is."""
    return ("--apply", "--allow", "disruptive", "--allow", "destroys")


def shape_for(faults: Sequence[str]) -> Shape:
    """The smallest lab that can have all of them."""
    needs = [all_provocations()[each].needs for each in faults]
    names = Shape.__struct_fields__
    return Shape(**{name: max(getattr(each, name) for each in needs) for name in names})


def order_of(faults: Sequence[str]) -> tuple[str, ...]:
    """The order to break a lab in: what is upstream last, while the rest can still be written.

    What makes the VM anew goes before everything, as it would mend what was wrong with its port;
    what is wrong with its plug goes last, as some plug it anew.
    """
    known = all_provocations()

    def place(each: str) -> tuple[bool, bool, int]:
        stage = fault(each).stage
        return not known[each].renews, stage is Stage.VIF, -stage.number

    return tuple(sorted(faults, key=place))


def play(faults: tuple[str, ...], name: str, shape: Shape | None = None, vm: str = VICTIM) -> Round:
    """Play one round in a lab of this name; the lab is gone afterwards, whatever happens.

    ``shape`` is the lab, by default the smallest that can have these faults; ``vm`` the victim.
    """
    first = min(faults, key=lambda each: fault(each).stage.number)
    ordered = (first, *(each for each in faults if each != first))
    empty = Round(faults=ordered, stage=fault(first).stage.value)
    try:
        lab = Lab.up(name, shape or shape_for(faults))
    except ViftrailError as error:
        return replace(empty, provoked=False, note=f"no lab: {error}")
    try:
        return _played(empty, lab, vm)
    except (ViftrailError, subprocess.TimeoutExpired, ValueError) as error:
        return replace(empty, note=f"{type(error).__name__}: {error}")
    finally:
        lab.down()


def _played(empty: Round, lab: Lab, vm: str) -> Round:
    size = max(all_provocations()[each].size for each in empty.faults)
    if not green(lab, size):
        return replace(empty, provoked=False, note="the fresh lab had no traffic")
    for each in order_of(empty.faults):
        lab.ask("break", fault=each, vm=vm)
    ways = [all_provocations()[each] for each in empty.faults]
    direct = _is_direct(lab, vm)
    expected = {path for way in ways for path in (way.breaks_direct if direct else way.breaks)}
    if not expected and not any(way.freezes for way in ways):
        return _harmless(empty, lab)
    patience = _FLAPS_WITHIN if any(way.flaps for way in ways) else _BROKEN_WITHIN
    missing = expected - _broken(lab, size, vm, patience, expected) if expected else set()
    if missing:
        # A floating IP that one of the two takes away has no paths any more.
        missing &= {path.path for path in ping(lab, vm, size).paths}
    if missing:
        return replace(empty, provoked=False, note=f"still passes: {', '.join(sorted(missing))}")
    packets = ("--probe",) if any(way.probe for way in ways) else ()
    began = time.monotonic()
    verdict = run("why", vm, lab, *packets)
    seconds = time.monotonic() - began
    asked = replace(
        empty,
        found_stage=verdict["verdict"]["stage"],
        found_causes=tuple(cause["id"] for cause in verdict["causes"]),
        alarms=tuple(_alarms(lab, empty.faults, size, patience, vm)),
        seconds=seconds,
    )
    if any(way.by_hand for way in ways):
        return replace(asked, note="the mend is the operator's own")
    ending, last = _mend(lab, vm, len(empty.faults), *packets)
    if ending == "told":
        return replace(asked, note="the next step is the operator's own")
    mended = ending == "mended" and green(lab, size)
    return replace(asked, mended=mended, note="" if mended else f"fix ended {ending}: {last}")


def _mend(lab: Lab, vm: str, times: int, *more: str) -> tuple[str, str]:
    """How `fix` ended and what it saw last; of two faults one may have hidden what mends the other."""
    ending, last = "unchanged", ""
    with tempfile.TemporaryDirectory(prefix="viftrail-score-") as folder:
        log = Path(folder) / "fix.jsonl"
        for _ in range(times):
            if ending == "unchanged":
                fix = run("fix", vm, lab, *whatever_it_takes(), *more, "--log", str(log))
                ending = str(fix["ending"])
                last = (fix["after"] or fix["before"])["verdict"]["summary"]
    return ending, last


def _broken(
    lab: Lab, size: int, vm: str, patience: float, expected: Collection[str] = ()
) -> set[str]:
    """Paths of a VM that fail: all of these, or any, in a while."""
    broken: set[str] = set()
    end = time.monotonic() + patience
    while not (broken and broken.issuperset(expected)) and time.monotonic() < end:
        broken |= {path.path for path in ping(lab, vm, size).paths if not path.ok}
    return broken


def _harmless(empty: Round, lab: Lab) -> Round:
    """A fault that cuts nobody off is an audit's to find."""
    began = time.monotonic()
    groups = run("audit", "", lab)["groups"]
    seconds = time.monotonic() - began
    asked = replace(
        empty,
        found_stage=groups[0]["stage"] if groups else "",
        found_causes=tuple(group["id"] for group in groups),
        alarms=tuple(_alarms(lab, empty.faults)),
        seconds=seconds,
        note="found by audit",
    )
    for group in groups:
        for step in group["example"]["remedy"]["steps"]:
            done = lab.run(step["where"], ["sh", "-c", step["command"]])
            if done.returncode:
                return replace(asked, mended=False, note=f"failed: {step['command']}")
    return replace(asked, mended=_audited_clean(lab) and green(lab))


def _audited_clean(lab: Lab) -> bool:
    """Waits until an audit finds nothing more: a member of a cluster comes back in its own time."""
    end = time.monotonic() + _GREEN_WITHIN
    while run("audit", "", lab)["groups"]:
        if time.monotonic() > end:
            return False
    return True


def _is_direct(lab: Lab, vm: str) -> bool:
    """Whether it is on a network without a router of the cloud's."""
    status = lab.status()
    routed = {network.name for network in status.networks if network.router}
    return any(each.name == vm and each.network not in routed for each in status.vms)


def _alarms(
    lab: Lab,
    provoked: Sequence[str],
    size: int = 0,
    patience: float = _BROKEN_WITHIN,
    victim: str = VICTIM,
) -> Iterator[str]:
    """Every other VM must be healthy, or a true victim of what was provoked."""
    others = [vm.name for vm in lab.status().vms if vm.name != victim]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        verdicts = list(pool.map(lambda vm: _asked(lab, vm), others))
    for vm, verdict in zip(others, verdicts, strict=True):
        for cause in verdict.causes:
            if cause.id not in provoked:
                yield f"{vm}: {cause.id}"
        if verdict.verdict.state is State.BROKEN and not _broken(lab, size, vm, patience):
            yield f"{vm}: called broken, and its packets pass"


def _asked(lab: Lab, vm: str) -> Verdict:
    """In this process: that of the victim is timed, and of the rest only the answer counts."""
    with closing(open_lab(lab.name, timeout=_ANSWER)) as source:
        return why(source, vm)


def green(lab: Lab, size: int = 0) -> bool:
    """Waits until packets pass on every path."""
    end = time.monotonic() + _GREEN_WITHIN
    while not ping(lab, size=size).ok:
        if time.monotonic() > end:
            return False
    return True


def run(command: str, target: str, lab: Lab, *more: str) -> dict[str, Any]:
    """What the command line prints as JSON.

    Raises:
        LabError: it printed none.
        subprocess.TimeoutExpired: it hung.
    """
    words = [command, *([target] if target else []), "--lab", lab.name, "-f", "json", *more]
    done = subprocess.run(
        [*itself.part("viftrail"), *words],
        capture_output=True,
        env=_environment(os.environ),
        stdin=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=False,
    )
    if not done.stdout:
        raise LabError(f"viftrail {command} said: {done.stderr.decode(errors='replace').strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Nothing of a cloud that the caller works with."""
    return {
        key: value
        for key, value in caller.items()
        if not key.startswith(("OVN_", "OVS_", "VIFTRAIL_"))
    }
