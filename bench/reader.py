"""How fast whole databases are read, beside what else could read them.

    .venv/bin/python bench/reader.py [--ports 20000] [--flows 220000] [--idl PYTHON]

Makes an OVN_Northbound and an OVN_Southbound of that size (see
``synthetic.py``), reads them from their files and from two ovsdb-servers, and
prints the median of several runs. Each run is a process of its own, so that
its peak memory is its own as well; the rows of one table take turns, so that
a busy machine is busy for all. ``--idl`` names a Python that has the ``ovs``
package (PyPI), for the row of ovs.db.idl.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import synthetic

from viftrail.facts import northbound, southbound
from viftrail.facts.facts import Gap
from viftrail.facts.inquiry import NORTHBOUND, Inquiry
from viftrail.facts.live import LiveSource
from viftrail.facts.ovsdb.client import Client
from viftrail.facts.ovsdb.remote import parse_remotes
from viftrail.facts.ovsdb.values import columns_of
from viftrail.facts.source import Ask
from viftrail.facts.stored import from_files

os.environ["PATH"] += ":/usr/sbin:/sbin"
RUNS = 5
NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
IDL = """
import json, sys, time
import ovs.db.idl, ovs.poller
began = time.perf_counter()
for remote, schema, tables in json.loads(sys.argv[1]):
    helper = ovs.db.idl.SchemaHelper(schema)
    for table, columns in tables.items():
        helper.register_columns(table, columns)
    idl = ovs.db.idl.Idl(remote, helper)
    while not idl.has_ever_connected():
        idl.run()
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.block() if not idl.has_ever_connected() else None
seconds = time.perf_counter() - began
cpu = time.process_time()
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps([seconds, cpu, int(peak[0]), 0]))
"""


def row_types(which: str) -> tuple[Any, ...]:
    """What an audit reads of this database."""
    return northbound.TABLES if which == "nb" else southbound.TABLES


def known_columns(which: str) -> dict[str, list[str]]:
    """The same as tables and columns, as far as the installed schema has them."""
    schema = json.loads((synthetic.SCHEMAS / f"ovn-{which}.ovsschema").read_text())["tables"]
    return {
        row.table: [name for name in columns_of(row) if name in schema[row.table]["columns"]]
        for row in row_types(which)
    }


def files(directory: Path) -> int:
    """Our reader on both files."""
    from_files(directory / "nb.db", directory / "sb.db")
    return sum((directory / f"{which}.db").stat().st_size for which in NAMES)


def json_loads(directory: Path) -> int:
    """The json module on each record of both files; nothing else is done with them."""
    size = 0
    for which in NAMES:
        kept = []
        with (directory / f"{which}.db").open("rb") as file:
            while header := file.readline():
                kept.append(json.loads(file.read(int(header.split()[2]))))
            size += file.tell()
    return size


def receive(directory: Path, which: str, sizes: list[int]) -> None:
    """Send the same selects, and only take the bytes."""
    operations = [
        {"op": "select", "table": table, "where": [], "columns": ["_uuid", *columns]}
        for table, columns in known_columns(which).items()
    ]
    request = {"method": "transact", "params": [NAMES[which], *operations], "id": 1}
    known = directory / f"{which}.size"
    expected = int(known.read_text()) if known.exists() else sys.maxsize
    buffer = bytearray(1 << 20)
    total = 0
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(directory / f"{which}.sock"))
        line.sendall(json.dumps(request).encode())
        while total < expected:
            try:
                total += line.recv_into(buffer)
            except TimeoutError:
                break
            if expected == sys.maxsize:
                line.settimeout(2)  # the first time, silence tells the end
    known.write_text(str(total))
    sizes.append(total)


def raw_one_by_one(directory: Path) -> int:
    """One database after the other."""
    sizes: list[int] = []
    for which in NAMES:
        receive(directory, which, sizes)
    return sum(sizes)


def raw_side_by_side(directory: Path) -> int:
    """Both at once: the servers are two processes."""
    sizes: list[int] = []
    threads = [threading.Thread(target=receive, args=(directory, w, sizes)) for w in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(sizes)


def live(directory: Path) -> int:
    """Our reader on both servers."""

    def connect(database: str) -> Client:
        which = "nb" if database == NORTHBOUND else "sb"
        remotes = parse_remotes(f"unix:{directory}/{which}.sock", 1)
        return Client.connect(remotes, database=database, timeout=300)

    source = LiveSource(connect, lambda host: Gap(host, "", ""))
    inquiry = Inquiry(source)
    inquiry.fetch(Ask(row) for which in NAMES for row in row_types(which))
    source.close()
    return sum(int((directory / f"{which}.size").read_text()) for which in NAMES)


CHILDREN: dict[str, Callable[[Path], int]] = {
    "json.loads of the records": json_loads,
    "viftrail, files": files,
    "raw socket, one by one": raw_one_by_one,
    "raw socket, side by side": raw_side_by_side,
    "viftrail, live": live,
}
IDL_ROW = "ovs.db.idl, same columns"


def child(name: str, directory: Path) -> None:
    """Run one measurement in this process; print seconds, those of CPU, peak KiB, bytes."""
    began = time.perf_counter()
    size = CHILDREN[name](directory)
    seconds = time.perf_counter() - began
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps([seconds, time.process_time(), peak, size]))


def measure(names: list[str], directory: Path, idl: str) -> dict[str, list[list[float]]]:
    """Every run of each, in turns."""
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    spec = [
        [
            f"unix:{directory}/{which}.sock",
            str(synthetic.SCHEMAS / f"ovn-{which}.ovsschema"),
            known_columns(which),
        ]
        for which in NAMES
    ]
    for _ in range(RUNS):
        for name in names:
            command = [sys.executable, __file__, "--child", name, "--directory", str(directory)]
            if name == IDL_ROW:
                command = [idl, "-c", IDL, json.dumps(spec)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            found[name].append(json.loads(done.stdout))
    return found


def show(found: dict[str, list[list[float]]], base: str) -> None:
    """One table; ratios are of the medians, to the row named ``base``.

    The CPU seconds are the reader's own, its start included.
    """
    unit = statistics.median(run[0] for run in found[base])
    heads = f"{'s':>8}{'min':>8}{'max':>8}{'ratio':>8}{'cpu s':>8}{'MB/s':>8}{'peak MB':>9}"
    print(f"{'':<28}{heads}")
    for name, runs in found.items():
        seconds = [run[0] for run in runs]
        median = statistics.median(seconds)
        cpu = statistics.median(run[1] for run in runs)
        peak = statistics.median(run[2] for run in runs) / 1024
        speed = f"{runs[0][3] / 1e6 / median:8.0f}" if runs[0][3] else " " * 8
        print(
            f"{name:<28}{median:8.2f}{min(seconds):8.2f}{max(seconds):8.2f}"
            f"{median / unit:8.2f}{cpu:8.2f}{speed}{peak:9.0f}"
        )
    print()


@contextmanager
def serving(directory: Path) -> Iterator[None]:
    """An ovsdb-server for a copy of each file."""
    servers = []
    for which in NAMES:
        copy = directory / f"{which}-served.db"
        copy.write_bytes((directory / f"{which}.db").read_bytes())
        servers.append(
            subprocess.Popen(
                [
                    "ovsdb-server",
                    f"--remote=punix:{directory}/{which}.sock",
                    f"--unixctl={directory}/{which}.ctl",
                    "--no-chdir",
                    "-vconsole:off",
                    str(copy),
                ],
                env={**os.environ, "OVS_RUNDIR": str(directory), "OVS_LOGDIR": str(directory)},
            )
        )
    try:
        while not all((directory / f"{which}.sock").exists() for which in NAMES):
            time.sleep(0.2)
        yield
    finally:
        for server in servers:
            server.kill()
            server.wait()


def main() -> None:
    """Make the databases, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ports", type=int, default=20_000)
    parser.add_argument("--flows", type=int, default=220_000)
    parser.add_argument("--idl", default="", help="a Python that has the ovs package")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, default=Path(), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.directory)
        return
    with tempfile.TemporaryDirectory(prefix="vtb", dir="/tmp") as name:
        directory = Path(name)
        synthetic.northbound(directory / "nb.db", given.ports)
        synthetic.southbound(directory / "sb.db", given.ports, given.flows)
        sizes = [(directory / f"{which}.db").stat().st_size / 1e6 for which in NAMES]
        print(f"{given.ports} ports: NB {sizes[0]:.0f} MB, SB {sizes[1]:.0f} MB\n")
        names = list(CHILDREN)
        show(measure(names[:2], directory, ""), names[0])
        with serving(directory):
            raw_one_by_one(directory)  # learns how much there is to receive
            live_rows = names[2:] + ([IDL_ROW] if given.idl else [])
            show(measure(live_rows, directory, given.idl), names[2])


if __name__ == "__main__":
    main()
