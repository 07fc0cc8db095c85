"""Where the time of a live audit goes: a time line of its phases.

    .venv/bin/python bench/phases.py [--ports N]

Databases are read side by side, so phases overlap. Most of ``receiving`` is
waiting: a database server says nothing until its answer is put together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import clouds
from contest import python

WIDTH = 48


def watched(
    began: float, spans: dict[str, list[float]], name: str, work: Any
) -> Callable[..., Any]:
    """The same function, noting its first beginning, its last end and its sum."""

    def call(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter() - began
        result = work(*arguments, **options)
        end = time.perf_counter() - began
        label = f"{name} {_database(arguments)}".strip()
        span = spans.setdefault(label, [start, end, 0.0])
        span[1] = end
        span[2] += end - start
        return result

    return call


def _database(arguments: tuple[Any, ...]) -> str:
    """Which server a method's object talks to."""
    where = str(getattr(arguments[0], "where", getattr(arguments[0], "endpoint", "")))
    return "" if ".sock" not in where else "NB" if "nb.sock" in where else "SB"


def child(nb: str, sb: str) -> None:
    """One audit as the command line runs it, watched."""
    began = time.perf_counter()
    from viftrail.cli import main
    from viftrail.facts import inquiry
    from viftrail.facts.ovsdb import client, wire

    spans: dict[str, list[float]] = {"starting": [0.0, time.perf_counter() - began, 0.0]}

    def watch(owner: Any, method: str, name: str) -> None:
        setattr(owner, method, watched(began, spans, name, getattr(owner, method)))

    watch(wire.Stream, "send", "asking")
    watch(wire.Stream, "_take", "receiving")
    watch(client.Client, "_results", "cutting into rows")
    watch(client.Client, "select", "until rows are made")
    watch(inquiry.Inquiry, "facts", "sorting into tables")
    from viftrail import audit
    from viftrail.report import findings

    watch(audit, "audit", "faults")
    watch(findings, "as_json", "report")
    sys.argv = ["viftrail", "audit", "--nb", nb, "--sb", sb, "-f", "json", "-o", os.devnull]
    try:
        main.main()
    except SystemExit:
        spans["all"] = [0.0, time.perf_counter() - began, 0.0]
    print(json.dumps(spans))


def main() -> None:
    """Print the time line of one audit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ports", type=int, default=100_000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    tempfile.tempdir = os.environ.get("TMPDIR", "/var/tmp")
    with clouds.serving(clouds.cloud(given.ports)) as served:
        remotes = [served[which].remote for which in clouds.NAMES]
        command = [*python("phases.py"), "--child", *remotes]
        for _ in range(2):  # the first one finds everything cold
            done = subprocess.run(command, capture_output=True, text=True, check=True)
    spans = json.loads(done.stdout.splitlines()[-1])
    whole = spans["all"][1]
    for name, (start, end, _) in sorted(spans.items(), key=lambda item: item[1]):
        left, right = round(WIDTH * start / whole), round(WIDTH * end / whole)
        bar = " " * left + "#" * max(1, right - left)
        print(f"{name:<24}{start:6.2f} to {end:5.2f} s  |{bar:<{WIDTH}}|")


if __name__ == "__main__":
    main()
