"""How long `viftrail --help` and `why` take, as whole processes.

    .venv/bin/python bench/startup.py

Prints the median and the range of at least five runs each, beside a bare
`python3 -c pass` of the same interpreter, so that a slow machine shows. The
second part needs root and the OVN packages: it brings up a lab of two computes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

RUNS = 9
LAB = "bench"
VIFTRAIL = [sys.executable, "-m", "viftrail"]
GOALS = {"viftrail --help": 150, "viftrail why vm1, live lab": 1000}
"""Milliseconds."""


def measure(command: list[str]) -> list[float]:
    """Wall milliseconds of each run, after one that is not counted."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        times.append((time.perf_counter() - began) * 1000)
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    return times[1:]


def row(name: str, times: list[float], base: float) -> None:
    """One line of the table."""
    median = statistics.median(times)
    goal = f"{GOALS[name]:>6}" if name in GOALS else "      "
    print(f"{name:<34}{median:8.0f}{min(times):8.0f}{max(times):8.0f}{median / base:8.1f}x  {goal}")


def main() -> None:
    """Print the table."""
    print(f"{'whole process, ms':<34}{'median':>8}{'min':>8}{'max':>8}{'ratio':>9}    goal")
    bare = measure([sys.executable, "-c", "pass"])
    base = statistics.median(bare)
    row("python3 -c pass", bare, base)
    row("viftrail --help", measure([*VIFTRAIL, "--help"]), base)
    if os.geteuid() != 0:
        print("not root: the live rows are left out")
        return
    subprocess.run([*VIFTRAIL, "lab", "up", "--name", LAB], check=True, capture_output=True)
    try:
        row("viftrail why vm1, live lab", measure([*VIFTRAIL, "why", "vm1", "--lab", LAB]), base)
        row("viftrail audit, live lab", measure([*VIFTRAIL, "audit", "--lab", LAB]), base)
    finally:
        subprocess.run([*VIFTRAIL, "lab", "down", "--name", LAB], check=True, capture_output=True)


if __name__ == "__main__":
    main()
