"""Daemons, and the service manager that the keeper plays for a node.

Each daemon runs in the foreground as a child of the keeper: no ``--detach``
that would outlive a crash, no ``--monitor`` that would hide one.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from viftrail.errors import LabError, UsageError
from viftrail.lab.machine import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from viftrail.lab.machine import Machine


def _nothing() -> None:
    """What most daemons need done before or after a start."""


@dataclass
class Daemon:
    """One daemon of a machine: how it is started, stopped and known to be ready.

    ``leave`` is the command that its unit's ExecStop runs; ``ready`` is a file
    that exists once it answers, in which ``{pid}`` stands for its pid; ``answers`` is asked instead
    where a file tells nothing.
    """

    name: str
    machine: Machine
    argv: tuple[str, ...]
    output: Path
    ready: str
    leave: tuple[str, ...] = ()
    after_start: Callable[[], None] = _nothing
    answers: Callable[[], bool] | None = None
    grace: float = 2.0
    """Seconds to end politely."""
    patience: float = 10.0
    """Seconds to answer after a start."""
    workers: bool = False
    """It has children of its own, which end with it."""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether it runs; a zombie does not, whatever its pid file says."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        return self.process.pid if self.process is not None and self.running else None

    def spawn(self) -> None:
        """Starts it unless it runs, without waiting for it."""
        if not self.running:
            self.process = self.machine.start(
                self.argv, self.output, start_new_session=self.workers
            )

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Waits until it answers.

        Raises:
            LabError: it ended, or is not ready within ``timeout`` seconds.
        """
        process = self.process
        if process is None:
            raise LabError(f"{self.name} on {self.machine.name} was never started.")
        ready = self.answers or Path(self.ready.format(pid=process.pid)).exists
        if not wait_until(lambda: ready() or not self.running, timeout) or not self.running:
            raise LabError(
                f"{self.name} on {self.machine.name} did not come up"
                + (f" (exit {process.returncode})." if process.returncode is not None else "."),
                f"Its last words are in {self.output}.",
            )

    def start(self) -> None:
        """Starts it unless it runs, and waits until it does its work."""
        if self.running:
            return
        self.spawn()
        self.wait_ready(self.patience)
        self.after_start()

    def stop(self) -> None:
        """Ends it as its unit does: politely, then (as systemd) with SIGKILL."""
        if not self.running:
            return
        if self.leave:
            self.machine.run(*self.leave, timeout=5.0, check=False)
        else:
            self.signal(signal.SIGTERM)
        wait_until(lambda: not self.running, self.grace)
        self.kill()

    def signal(self, number: int) -> None:
        """Sends it a signal if it runs."""
        if self.process is not None and self.running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Ends it at once, as a crash does, and waits for that."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                if self.workers:
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Unit:
    """A unit as the distributions name it: some daemons, or an action of the lab's own."""

    name: str
    description: str
    daemons: tuple[Daemon, ...] = ()
    action: Callable[[], None] = _nothing

    @property
    def active(self) -> bool:
        """Whether all of it runs."""
        return all(daemon.running for daemon in self.daemons)

    def start(self) -> None:
        """Starts what does not run."""
        for daemon in self.daemons:
            daemon.start()
        self.action()

    def stop(self) -> None:
        """Stops what runs, last started first."""
        for daemon in reversed(self.daemons):
            daemon.stop()

    def signal(self, number: int) -> None:
        """Sends a signal to what runs."""
        for daemon in self.daemons:
            daemon.signal(number)


class ServiceManager:
    """What ``systemctl`` does on a node of the lab."""

    def __init__(self, node: str, units: dict[str, Unit]) -> None:
        """Takes the node's units by every name they go by."""
        self.node = node
        self.units = units

    def unit(self, name: str) -> Unit:
        """Finds a unit, with or without ``.service``.

        Raises:
            UsageError: the node has no such unit.
        """
        try:
            return self.units[name.removesuffix(".service")]
        except KeyError:
            raise UsageError(
                f"Unit {name} could not be found on {self.node}.",
                "Its units: " + ", ".join(sorted(self.units)) + ".",
            ) from None

    def order(self, verb: str, name: str) -> tuple[int, str]:
        """Carries out ``systemctl VERB NAME``; gives back its exit code and output.

        ``kill:CONT`` is ``systemctl kill --signal=CONT``.
        """
        unit = self.unit(name)
        if verb in ("kill:CONT", "kill:STOP"):
            unit.signal(signal.Signals[f"SIG{verb.partition(':')[2]}"])
            return 0, ""
        if verb in ("stop", "restart"):
            unit.stop()
        if verb in ("start", "restart"):
            unit.start()
            return 0, ""
        if verb == "stop":
            return 0, ""
        state = "active" if unit.active else "inactive"
        if verb == "is-active":
            return (0 if unit.active else 3), state
        if verb == "status":
            return (0 if unit.active else 3), _status_text(unit, state)
        raise UsageError(
            f"The lab's systemctl does not know {verb!r}.",
            "It knows start, stop, restart, status, is-active and kill --signal=CONT or STOP.",
        )


def _status_text(unit: Unit, state: str) -> str:
    detail = "running" if unit.active else "dead"
    lines = [f"{unit.name}.service - {unit.description}", f"     Active: {state} ({detail})"]
    lines += [
        f"   Main PID: {daemon.pid} ({daemon.name})"
        for daemon in unit.daemons
        if daemon.pid is not None
    ]
    return "\n".join(lines)
