"""Everything that is promised about speed and memory, measured beside what is used today.

    make bench                       all of it, 15 minutes after the clouds are made
    .venv/bin/python bench/run.py --only live --ports 20000 --runs 5

Every row is a whole process; the rows of one part take turns, so that a busy
machine is busy for all; figures are medians. A ratio is to the row that the
part's heading names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import clouds
import columns
import kindness
from contest import VIFTRAIL, Contender, Result, python, take_turns

RECORDED = Path(__file__).parent.parent / "tests" / "recorded"
TOGETHER = 20
LIBRARY_PORTS = 20_000
FOUND = (0, 1, 2)
"""Exit codes of a verdict: healthy, broken, not all could be seen."""


@dataclass(frozen=True)
class Bench:
    """What to measure, and how often."""

    ports: int
    runs: int
    peers: str
    """A Python that has the packages ovs and ovsdbapp."""

    @property
    def spec(self) -> str:
        """Tables and columns of an audit, for the peers."""
        return json.dumps({w: [str(columns.schema(w)), columns.wanted(w)] for w in clouds.NAMES})


@dataclass(frozen=True)
class Goal:
    """A promise: ``row`` compared with ``base``, or in itself."""

    words: str
    met: Callable[[dict[str, Result]], bool]
    value: Callable[[dict[str, Result]], str]


def ratio(row: str, base: str, limit: float) -> Goal:
    """At most ``limit`` times the wall time of another row."""
    return Goal(
        f"{row} ≤ {limit:g} x {base}",
        lambda found: found[row].seconds <= limit * found[base].seconds,
        lambda found: f"{found[row].seconds / found[base].seconds:.2f} x",
    )


def faster(row: str, base: str, factor: float) -> Goal:
    """At least ``factor`` times as fast as another row."""
    return Goal(
        f"{row} ≥ {factor:g} x faster than {base}",
        lambda found: factor * found[row].seconds <= found[base].seconds,
        lambda found: f"{found[base].seconds / found[row].seconds:.1f} x",
    )


def within(row: str, seconds: float) -> Goal:
    """At most so many seconds."""
    return Goal(
        f"{row} ≤ {seconds:g} s",
        lambda found: found[row].seconds <= seconds,
        lambda found: f"{found[row].seconds:.3f} s",
    )


def memory(row: str, megabytes: float) -> Goal:
    """At most so much memory."""
    return Goal(
        f"{row} ≤ {megabytes:g} MB",
        lambda found: found[row].peak <= megabytes,
        lambda found: f"{found[row].peak:.0f} MB",
    )


def show(title: str, results: list[Result], base: str, goals: tuple[Goal, ...] = ()) -> bool:
    """One part of the table, and whether its goals are met."""
    found = {result.name: result for result in results}
    print(f"\n{title}")
    print(f"{'':<44}{'s':>8}  {'min-max':<13}{'x ' + 'base':>7}{'cpu s':>8}{'MB':>7}")
    for result in results:
        print(
            f"{result.name:<44}{result.seconds:8.3f}  {result.spread:<13}"
            f"{result.seconds / found[base].seconds:7.2f}{result.cpu:8.2f}{result.peak:7.0f}"
        )
    for goal in goals:
        print(
            f"  {'met ' if goal.met(found) else 'MISS'}  {goal.words}: {goal.value(found)}",
        )
    return all(goal.met(found) for goal in goals)


def start(bench: Bench) -> bool:
    """Start-up, and a verdict from a bundle."""
    bundle = str(RECORDED / "northd-paused.bundle")
    results = take_turns(
        [
            Contender("python3 -c pass", (sys.executable, "-c", "pass")),
            Contender("viftrail --help", (*VIFTRAIL, "--help")),
            Contender("why, bundle", (*VIFTRAIL, "why", "vm1", "--bundle", bundle), FOUND),
            Contender("audit, bundle", (*VIFTRAIL, "audit", "--bundle", bundle), FOUND),
        ],
        max(bench.runs, 9),
    )
    goals = (within("viftrail --help", 0.15), within("why, bundle", 0.4))
    return show("Starting up (base: python3 -c pass)", results, "python3 -c pass", goals)


def port(bench: Bench) -> bool:
    """One port of a large cloud, live."""
    cloud = clouds.cloud(bench.ports)
    name = cloud.port()
    with clouds.serving(cloud) as served:
        nb, sb = served["nb"].remote, served["sb"].remote
        why = (*VIFTRAIL, "why", name, "--nb", nb, "--sb", sb)
        ctl = kindness.finding(nb, sb, name)
        crowd = f"for i in $(seq {TOGETHER}); do {' '.join(why)} & done; wait"
        results = take_turns(
            [
                Contender("why, one port", why, FOUND),
                Contender("ovn-nbctl find + ovn-sbctl find", ("sh", "-c", ctl)),
                Contender(f"{TOGETHER} x why at once", ("sh", "-c", crowd)),
            ],
            bench.runs,
            between=lambda: clouds.settle(served),
        )
    goals = (
        within("why, one port", 1.0),
        memory("why, one port", 120),
        faster("why, one port", "ovn-nbctl find + ovn-sbctl find", 20),
    )
    title = f"One port of {bench.ports}, live (base: why)"
    return show(title, results, "why, one port", goals)


def library(bench: Bench) -> bool:
    """One port of a smaller cloud, where ovsdbapp takes seconds and not minutes."""
    cloud = clouds.cloud(LIBRARY_PORTS)
    name = cloud.port()
    with clouds.serving(cloud) as served:
        nb, sb = served["nb"].remote, served["sb"].remote
        lookups = python("peer_ovsdbapp.py", nb, sb, name, interpreter=bench.peers)
        results = take_turns(
            [
                Contender("why, one port", (*VIFTRAIL, "why", name, "--nb", nb, "--sb", sb), FOUND),
                Contender("ovsdbapp, two lookups", lookups),
            ],
            bench.runs,
            between=lambda: clouds.settle(served),
        )
    return show(f"One port of {LIBRARY_PORTS}, live (base: why)", results, "why, one port")


def live(bench: Bench) -> bool:
    """The whole cloud, live."""
    cloud = clouds.cloud(bench.ports)
    with clouds.serving(cloud) as served:
        nb, sb = served["nb"].remote, served["sb"].remote
        results = take_turns(
            [
                Contender("raw socket, same columns", python("peer_raw.py", bench.spec, nb, sb)),
                Contender("viftrail, reading only", python("peer_reader.py", "live", nb, sb)),
                Contender("viftrail audit", (*VIFTRAIL, "audit", "--nb", nb, "--sb", sb), FOUND),
            ],
            bench.runs,
            between=lambda: clouds.settle(served),
        )
    base = "raw socket, same columns"
    goals = (
        ratio("viftrail, reading only", base, 1.3),
        ratio("viftrail audit", base, 1.6),
        memory("viftrail audit", 1200),
    )
    return show(f"{bench.ports} ports, live (base: raw socket)", results, base, goals)


def replica(bench: Bench) -> bool:
    """The whole cloud, live, as the stock Python client replicates it."""
    cloud = clouds.cloud(bench.ports)
    with clouds.serving(cloud) as served:
        nb, sb = served["nb"].remote, served["sb"].remote
        results = take_turns(
            [
                Contender("viftrail, reading only", python("peer_reader.py", "live", nb, sb)),
                Contender(
                    "ovs.db.idl, same columns",
                    python("peer_idl.py", bench.spec, nb, sb, interpreter=bench.peers),
                ),
            ],
            bench.runs,
            between=lambda: clouds.settle(served),
        )
    base = "viftrail, reading only"
    goals = (faster(base, "ovs.db.idl, same columns", 8),)
    return show(f"{bench.ports} ports, live (base: reading)", results, base, goals)


def files(bench: Bench) -> bool:
    """The whole cloud, from its files."""
    cloud = clouds.cloud(bench.ports)
    nb, sb = str(cloud.file("nb")), str(cloud.file("sb"))
    query = " && ".join(
        f"ovsdb-tool query {cloud.file(which)} '{_selects(which)}'" for which in clouds.NAMES
    )
    results = take_turns(
        [
            Contender("viftrail audit", (*VIFTRAIL, "audit", "--nb", nb, "--sb", sb), FOUND),
            Contender("viftrail, reading only", python("peer_reader.py", "files", nb, sb)),
            Contender("ovsdb-tool query, same columns", ("sh", "-c", query)),
            Contender("json.loads of every record", python("peer_json.py", nb, sb)),
        ],
        bench.runs,
    )
    speed = Goal(
        "viftrail audit ≥ 250 MB/s of file",
        lambda found: cloud.megabytes / found["viftrail audit"].seconds >= 250,
        lambda found: f"{cloud.megabytes / found['viftrail audit'].seconds:.0f} MB/s",
    )
    title = f"{bench.ports} ports, from files of {cloud.megabytes:.0f} MB (base: audit)"
    return show(title, results, "viftrail audit", (speed,))


def _selects(which: str) -> str:
    operations = [
        {"op": "select", "table": table, "where": [], "columns": names}
        for table, names in columns.wanted(which).items()
    ]
    return json.dumps([clouds.NAMES[which], *operations])


def growth(bench: Bench) -> bool:
    """Audits of ever larger clouds, from files."""
    sizes = (20_000, 100_000, 200_000)
    contenders = []
    for size in sizes:
        cloud = clouds.cloud(size, northd=False)
        command = (*VIFTRAIL, "audit", "--nb", str(cloud.file("nb")), "--sb", str(cloud.file("sb")))
        contenders.append(Contender(f"audit of {size} ports", command, FOUND))
    results = take_turns(contenders, bench.runs)
    first, *others = results
    base = sizes[0]

    def linear(result: Result, size: int) -> Iterator[Goal]:
        factor = size / base
        for what in ("seconds", "peak"):
            times = getattr(result, what) / getattr(first, what) / factor
            yield Goal(
                f"{result.name}: {what} at most 10 % above linear",
                lambda _, times=times: times <= 1.1,  # type: ignore[misc]
                lambda _, times=times: f"{times:.2f} of linear",  # type: ignore[misc]
            )

    goals = tuple(
        goal
        for result, size in zip(others, sizes[1:], strict=True)
        for goal in linear(result, size)
    )
    return show(f"Growth, from files (base: {base} ports)", results, first.name, goals)


def kind(bench: Bench) -> bool:
    """What the database servers pay."""
    kindness.show(clouds.cloud(bench.ports), min(bench.runs, 3))
    return True


PARTS: dict[str, Callable[[Bench], bool]] = {
    "start": start,
    "port": port,
    "library": library,
    "live": live,
    "replica": replica,
    "files": files,
    "growth": growth,
    "kind": kind,
}


def main() -> None:
    """Print the table; exit with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ports", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--peers", default=sys.executable, help="a Python with ovs and ovsdbapp")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    bench = Bench(given.ports, given.runs, given.peers)
    ovs = subprocess.run(["ovsdb-server", "--version"], capture_output=True, text=True, check=True)
    print(
        f"{date.today().isoformat()}, {os.cpu_count()} cores, Python {platform.python_version()}, "  # noqa: DTZ011
        f"{ovs.stdout.splitlines()[0]}, medians of {bench.runs}"
    )
    met = [PARTS[name](bench) for name in PARTS if name in given.only]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    tempfile.tempdir = os.environ.get("TMPDIR", "/var/tmp")  # a copy of the databases is large
    main()
