"""Large clouds: made once, kept in the user's cache, and served by real ovsdb-servers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contest import VIFTRAIL

NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
SEED = 3
PLANTED = 200
READY = 300.0
"""Seconds until a server has read its file."""


@dataclass(frozen=True)
class Cloud:
    """A folder that ``viftrail lab synth`` made."""

    folder: Path

    def file(self, which: str) -> Path:
        """The database file of ``nb`` or ``sb``."""
        return self.folder / f"ovn{which}_db.db"

    @property
    def megabytes(self) -> float:
        """Both files together."""
        return sum(self.file(which).stat().st_size for which in NAMES) / 1e6

    @property
    def owner(self) -> Path:
        """What Neutron wants."""
        return self.folder / "owner.json"

    @property
    def key(self) -> set[tuple[str, str]]:
        """The planted faults: id and subject."""
        lines = json.loads((self.folder / "key.json").read_text())
        return {(line["fault"], line["subject"]) for line in lines}

    def port(self) -> str:
        """The id of a port in the middle of the cloud.

        By another process: what this one has ever held would count as the
        memory of every process that it measures (getrusage(2)).
        """
        code = (
            "import json,sys; p = json.load(open(sys.argv[1]))['ports']; print(p[len(p)//2]['id'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(self.owner)],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def cloud(ports: int, *, northd: bool = True) -> Cloud:
    """A cloud of this size, from the cache if it was made before."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "viftrail-bench"
    how = "northd" if northd else "flows"
    folder = base / f"{ports}-{how}-{PLANTED}-{SEED}"
    if not folder.exists():
        print(f"making a cloud of {ports} ports ({how}) in {folder}", file=sys.stderr)
        planted = min(PLANTED, ports // 40)
        order = [f"--ports={ports}", f"--plant={planted}", f"--seed={SEED}"]
        order += [] if northd else ["--without-northd", "--flows"]
        subprocess.run([*VIFTRAIL, "lab", "synth", str(folder), *order], check=True)
    return Cloud(folder)


@dataclass(frozen=True)
class Server:
    """A running ovsdb-server."""

    pid: int
    remote: str

    @property
    def cpu(self) -> float:
        """CPU seconds that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(servers: dict[str, Server]) -> None:
    """Wait until the servers are done with whoever came last.

    ovsdb-server takes an answer apart only when the next question comes: at
    100,000 ports for half a second, which the next client would pay.
    """
    for which, server in servers.items():
        command = ["ovsdb-client", "--timeout=60", "get-schema-version", server.remote]
        subprocess.run([*command, NAMES[which]], capture_output=True, check=True)
    before: list[float] = []
    while (now := [server.cpu for server in servers.values()]) != before:
        before = now
        time.sleep(0.3)


@contextmanager
def serving(of: Cloud) -> Iterator[dict[str, Server]]:
    """Both databases of a cloud, each by a server of its own, from copies of the files."""
    with tempfile.TemporaryDirectory(prefix="viftrail-bench-") as name:
        folder = Path(name)
        processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for which in NAMES:
                copy = folder / f"{which}.db"
                shutil.copyfile(of.file(which), copy)
                processes[which] = subprocess.Popen(
                    [
                        "ovsdb-server",
                        f"--remote=punix:{folder}/{which}.sock",
                        f"--unixctl={folder}/{which}.ctl",
                        f"--log-file={folder}/{which}.log",
                        "--no-chdir",
                        "-vsyslog:off",
                        "-vconsole:off",
                        str(copy),
                    ],
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "OVS_RUNDIR": name, "OVS_LOGDIR": name},
                )
            for which in NAMES:
                _await(folder, which)
            yield {
                which: Server(process.pid, f"unix:{folder}/{which}.sock")
                for which, process in processes.items()
            }
        finally:
            for process in processes.values():
                process.kill()
                process.wait()


def _await(folder: Path, which: str) -> None:
    end = time.monotonic() + READY
    command = ["ovsdb-client", "--timeout=60", "list-dbs", f"unix:{folder}/{which}.sock"]
    while time.monotonic() < end:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if NAMES[which] in done.stdout:
            return
        time.sleep(0.3)
    sys.exit(f"{NAMES[which]} was not served within {READY:.0f} s")
