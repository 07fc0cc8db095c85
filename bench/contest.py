"""Whole processes that take turns at the same work, and what each of them cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ["PATH"] += ":/usr/sbin:/sbin"
PATIENCE = 900.0
"""Seconds for one run."""


@dataclass(frozen=True)
class Contender:
    """A command, and the exit codes that mean that it did its work."""

    name: str
    command: tuple[str, ...]
    good: tuple[int, ...] = (0,)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One process, or several one after the other: wall and CPU seconds, peak memory in MB."""

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Result:
    """All counted runs of one contender."""

    name: str
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def spread(self) -> str:
        """The fastest and the slowest run."""
        seconds = [run.seconds for run in self.runs]
        return f"{min(seconds):.2f}-{max(seconds):.2f}"

    @property
    def cpu(self) -> float:
        """Median CPU time of the process itself."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        """Median peak memory, MB."""
        return statistics.median(run.peak for run in self.runs)


def run(contender: Contender) -> Run:
    """One run, with the operating system's own accounting of the finished process.

    The peak is the largest process' resident set (getrusage(2), ru_maxrss);
    this program is small, so that nobody inherits much of it.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        contender.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **contender.env},
    ) as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in contender.good:
        sys.exit(f"{contender.name}: exit {process.returncode}: {errors.decode()[-600:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(
    contenders: Sequence[Contender],
    runs: int,
    between: Callable[[], None] = lambda: None,
    warm: int = 1,
) -> list[Result]:
    """Every contender once, then again: a machine that is busy for one is busy for all.

    ``between`` is done before each run, so that nobody pays for the one before.
    """
    found: dict[str, list[Run]] = {each.name: [] for each in contenders}
    for turn in range(-warm, runs):
        for each in contenders:
            between()
            taken = run(each)
            if turn >= 0:
                found[each.name].append(taken)
    return [Result(name, tuple(taken)) for name, taken in found.items()]


def python(script: str, *arguments: str, interpreter: str = sys.executable) -> tuple[str, ...]:
    """A program of this folder."""
    return (interpreter, str(Path(__file__).with_name(script)), *arguments)


VIFTRAIL = (sys.executable, "-m", "viftrail")
