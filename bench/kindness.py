"""What a command costs the database servers: CPU time, and how long they answer nobody else.

ovsdb-server has one thread. While it puts an answer together nobody else is
served, not even a leader's heartbeat; so beside its CPU time it matters how
long it was deaf at most. A second connection asks it ``echo`` all the time
and keeps the longest wait.
"""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from collections.abc import Sequence

import clouds
from contest import VIFTRAIL, Contender, run

EVERY = 0.005
"""Seconds between two questions."""


class Ear:
    """Asks a server ``echo`` again and again, and keeps the longest wait."""

    def __init__(self, server: clouds.Server) -> None:
        self.longest = 0.0
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Ear:  # noqa: PYI034
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _listen(self) -> None:
        request = json.dumps({"method": "echo", "params": [], "id": "ear"}).encode()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self._server.remote.removeprefix("unix:"))
            while not self._stop.is_set():
                began = time.perf_counter()
                line.sendall(request)
                answer = b""
                while not answer.endswith(b"}"):
                    answer += line.recv(4096)
                self.longest = max(self.longest, time.perf_counter() - began)
                self._stop.wait(EVERY)


def measure(
    served: dict[str, clouds.Server], contender: Contender, runs: int
) -> dict[str, tuple[float, float, float]]:
    """For each server the medians of its CPU seconds and longest wait, and our wall seconds."""
    found: dict[str, list[tuple[float, float, float]]] = {which: [] for which in served}
    for _ in range(runs):
        clouds.settle(served)
        before = {which: server.cpu for which, server in served.items()}
        with Ear(served["nb"]) as nb, Ear(served["sb"]) as sb:
            taken = run(contender)
        for which, ear in (("nb", nb), ("sb", sb)):
            spent = served[which].cpu - before[which]
            found[which].append((spent, ear.longest, taken.seconds))
    return {
        which: (
            statistics.median(each[0] for each in taken),
            statistics.median(each[1] for each in taken),
            statistics.median(each[2] for each in taken),
        )
        for which, taken in found.items()
    }


def contenders(cloud: clouds.Cloud, nb: str, sb: str) -> Sequence[Contender]:
    """Each command that reads a live cloud, and the tools of OVN."""
    name, databases = cloud.port(), ("--nb", nb, "--sb", sb)
    verdict = (0, 1, 2)
    return (
        Contender("nothing for 5 s", ("sleep", "5")),
        Contender("viftrail why PORT", (*VIFTRAIL, "why", name, *databases), verdict),
        Contender("viftrail audit", (*VIFTRAIL, "audit", *databases), verdict),
        Contender("viftrail audit --gentle", (*VIFTRAIL, "audit", "--gentle", *databases), verdict),
        Contender(
            "ovn-nbctl find + ovn-sbctl find",
            (
                "sh",
                "-c",
                finding(nb, sb, name),
            ),
        ),
    )


def finding(nb: str, sb: str, port: str) -> str:
    """The two commands by which an operator looks a port up."""
    return " && ".join(
        (
            f"ovn-nbctl --no-leader-only --db={nb} find Logical_Switch_Port name={port}",
            f"ovn-sbctl --no-leader-only --db={sb} find Port_Binding logical_port={port}",
        )
    )


def show(cloud: clouds.Cloud, runs: int) -> None:
    """One line a command."""
    print("\nWhat the database servers pay: CPU s, and ms without an answer at most")
    print(f"{'':<36}{'took s':>8}{'NB cpu':>9}{'NB deaf':>9}{'SB cpu':>9}{'SB deaf':>9}")
    with clouds.serving(cloud) as served:
        for each in contenders(cloud, served["nb"].remote, served["sb"].remote):
            found = measure(served, each, runs)
            cells = "".join(f"{found[w][0]:9.2f}{found[w][1] * 1000:9.0f}" for w in ("nb", "sb"))
            print(f"{each.name:<36}{found['nb'][2]:8.2f}{cells}")
