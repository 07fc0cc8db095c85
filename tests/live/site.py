"""A lab as the tests of bad input use it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from viftrail.lab.client import Lab
from viftrail.lab.status import Status, VmStatus

from .harness import VIFTRAIL, Outcome, eventually, viftrail

VICTIM = "vm1"


class Site:
    """One running lab, its addresses, and ways to make it half dead."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.name = lab.name

    @cached_property
    def status(self) -> Status:
        return self.lab.status()

    @cached_property
    def vm(self) -> VmStatus:
        """The victim, as its owner wants it."""
        return next(vm for vm in self.status.vms if vm.name == VICTIM)

    def run_dir(self, node: str) -> Path:
        return Path(next(n.run_dir for n in self.status.nodes if n.name == node))

    def db_dir(self, node: str) -> Path:
        return Path(next(n.db_dir for n in self.status.nodes if n.name == node))

    @property
    def nb(self) -> str:
        return f"unix:{self.run_dir('controller')}/ovnnb_db.sock"

    @property
    def sb(self) -> str:
        return f"unix:{self.run_dir('controller')}/ovnsb_db.sock"

    def inside(self, node: str) -> Sequence[str]:
        """The prefix that runs a command in a node."""
        return (*VIFTRAIL, "lab", "exec", "--name", self.name, node, "--")

    def nbctl(self, *arguments: str) -> str:
        done = self.lab.run("controller", ["ovn-nbctl", *arguments])
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def why(self, target: str = VICTIM, *options: str) -> Outcome:
        """``viftrail why TARGET --lab … -f json``."""
        return viftrail("why", target, "--lab", self.name, "-f", "json", *options)

    def why_live(self, *options: str, target: str = "", node: str = "controller") -> Outcome:
        """The same by the databases' addresses, from a node that has no lab to ask."""
        argv = ("why", target or self.vm.id, "--nb", self.nb, "--sb", self.sb, "-f", "json")
        return viftrail(*argv, *options, prefix=self.inside(node))

    def pid(self, node: str, daemon: str) -> int:
        return int((self.run_dir(node) / f"{daemon}.pid").read_text())

    def await_healthy(self) -> None:
        assert eventually(lambda: self.why().code == 0), self.why()

    @contextmanager
    def stopped(self, node: str, *daemons: str) -> Iterator[None]:
        """Daemons that are there and do nothing."""
        pids = [self.pid(node, daemon) for daemon in daemons]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def accused(outcome: Outcome) -> set[str]:
    """The stages of every cause that the verdict names."""
    return {cause["stage"] for cause in json.loads(outcome.out)["causes"]}
