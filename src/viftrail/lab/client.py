"""The lab's Python API: find a lab, ask for its state, run commands in its machines.

>>> from viftrail.lab.client import Lab, labs
>>> for name in labs():
...     lab = Lab.find(name)
...     print(lab.run("compute1", ["ovs-vsctl", "show"]).stdout.decode())
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from viftrail import itself
from viftrail.errors import LabError, NotPermitted, UsageError
from viftrail.lab import folder as folders
from viftrail.lab import serial, wire
from viftrail.lab.folder import Folder
from viftrail.lab.shape import Shape
from viftrail.lab.status import MachineRef, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: What `Lab.node` gives back.
NodeRef = MachineRef

#: Seconds to come up: 20 computes take about 6 on two cores.
_UP_TIMEOUT = 60.0
#: Seconds between two steps of an OpenStack: the longest takes a minute on two idle cores.
_OPENSTACK_TIMEOUT = 400.0
#: Seconds for one order where Nova builds servers: one that fails takes every part's time-out.
_BUILD_TIMEOUT = 300.0
#: Seconds to be gone again, if that fails.
_CLEANUP_TIMEOUT = 10.0
_PLAIN = Shape()


_UCRED = struct.Struct("3i")
"""The pid, the user and the group of who listens at a unix socket (unix(7), SO_PEERCRED)."""


def labs() -> list[str]:
    """The names of the labs that are up on this computer."""
    return folders.living()


def require_root() -> None:
    """Refuses early, and in words, what the kernel would refuse late.

    Raises:
        NotPermitted: the caller is not root.
    """
    if os.geteuid() != 0:
        raise NotPermitted(
            "The lab makes network namespaces, which only root may.", "Run it with sudo."
        )


class Lab:
    """A lab that is up."""

    def __init__(self, name: str) -> None:
        """Use :meth:`find` or :meth:`up`."""
        self.folder = Folder(name)
        self.name = name

    @classmethod
    def find(cls, name: str) -> Lab:
        """The lab of that name.

        Raises:
            LabError: no lab of that name is up.
        """
        lab = cls(name)
        if not lab.folder.alive():
            lab.folder.remove_if_dead()
            raise LabError(
                f"No lab named {name!r} is up.",
                f"Bring it up with 'viftrail lab up --name {name}'.",
            )
        return lab

    @classmethod
    def up(
        cls,
        name: str,
        shape: Shape = _PLAIN,
        *,
        boot_vms: bool = True,
        progress: Callable[[str], None] = lambda _step: None,
    ) -> Lab:
        """Brings a lab up; it comes down by itself if the caller dies before that is done.

        Raises:
            NotPermitted: the caller is not root.
            UsageError: the name or the shape will not do.
            LabError: it is up already, or cannot come up here.
        """
        require_root()
        shape.check()
        lab = cls(name)
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                _start_janitor(name, shape, theirs, boot_vms=boot_vms)
            patience = _OPENSTACK_TIMEOUT if shape.openstack else _UP_TIMEOUT
            ours.settimeout(patience)
            try:
                lab._follow(ours, progress)
            except TimeoutError as error:
                _await_cleanup(ours)
                raise LabError(
                    f"Lab {name!r} was not up after {patience:g} s and was taken down again."
                ) from error
            except BaseException:
                _await_cleanup(ours)
                raise
        return lab

    def _follow(self, sock: socket.socket, progress: Callable[[str], None]) -> None:
        with sock.makefile("r") as lines:
            for line in lines:
                message = json.loads(line)
                if "progress" not in message:
                    wire.result_of(message)
                    return
                progress(message["progress"])
        raise LabError(f"The keeper of lab {self.name!r} ended before the lab was up.")

    def down(self) -> None:
        """Takes the lab down and waits until nothing is left of it.

        Raises:
            LabError: it is still there after ten seconds.
        """
        janitor = self._janitor()
        with contextlib.suppress(LabError):
            wire.ask(self.folder, "down", timeout=20.0)
        gone = self._wait_gone(10.0)
        if janitor is not None:
            select.select([janitor], [], [], 2.0)  # its last act was to remove the folder
            os.close(janitor)
        if not gone:
            raise LabError(
                f"Lab {self.name!r} did not come down.",
                f"Kill process {self._keeper() or '(its keeper)'}; the rest follows by itself.",
            )

    def _janitor(self) -> int | None:
        """A descriptor that is readable once the keeper's parent has ended (pidfd_open(2))."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                sock.connect(str(self.folder.socket))
                credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
                keeper = _UCRED.unpack(credentials)[0]
                stat = Path(f"/proc/{keeper}/stat").read_text()
                return os.pidfd_open(int(stat.rpartition(")")[2].split()[1]))
            except OSError:
                return None

    def _keeper(self) -> int | None:
        with contextlib.suppress(LabError):
            return self.status().keeper
        return None

    def _wait_gone(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.folder.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        self.folder.remove_if_dead()
        return True

    def ask(self, operation: str, timeout: float = wire.TIMEOUT, **arguments: object) -> object:
        """Has the keeper carry out an operation; see :class:`viftrail.lab.keeper.Keeper`."""
        answer: object = wire.ask(self.folder, operation, timeout, **arguments)
        return answer

    def order(self, operation: str, **arguments: object) -> object:
        """Like `ask`, with as much time as an OpenStack takes, where the lab has one.

        Raises:
            ViftrailError: as `ask`.
        """
        timeout = _BUILD_TIMEOUT if self.status().clouds else wire.TIMEOUT
        return self.ask(operation, timeout, **arguments)

    def status(self) -> Status:
        """The owner's view of the cloud, as of now."""
        return msgspec.convert(self.ask("status", 10.0), Status)

    def refresh(self) -> None:
        """Has the lab learn what was made or deleted behind its back: with OpenStack anybody may.

        Where OpenStack does not answer, what was known stands.
        """
        with contextlib.suppress(LabError):
            self.ask("refresh", 60.0)

    def machines(self) -> tuple[MachineRef, ...]:
        """Every node and VM, with the way into it."""
        return msgspec.convert(self.ask("machines", 10.0), tuple[MachineRef, ...])

    def node(self, name: str) -> MachineRef:
        """One node or VM.

        Raises:
            UsageError: the lab has none of that name.
        """
        machines = self.machines()
        for machine in machines:
            if machine.name == name:
                return machine
        known = ", ".join(machine.name for machine in machines)
        raise UsageError(f"Lab {self.name!r} has no node or VM {name!r}.", f"It has: {known}.")

    def run(
        self,
        node: str | MachineRef,
        argv: Sequence[str],
        stdin: bytes | None = None,
        timeout: float = 30.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command in a node or VM; safe from any thread.

        Ask :meth:`node` once and give its answer here to save a request each time.

        Raises:
            LabError: it took longer than ``timeout`` seconds (it has been killed).
        """
        machine = self.node(node) if isinstance(node, str) else node
        try:
            return subprocess.run(
                way_into(machine, argv),
                env=machine.environment,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(
                f"{machine.name}: {argv[0]} did not end within {timeout:g} s."
            ) from error


def way_into(machine: MachineRef, argv: Sequence[str]) -> list[str]:
    """The local command that runs ``argv`` in a node or VM, but for its environment."""
    if machine.serial:
        return serial.command(machine.serial, argv)
    # nsenter(1) execs in place: no second process, and no fork of ours in a thread.
    enter = (f"--net={machine.net}", f"--mount={machine.mnt}", f"--uts={machine.uts}")
    return ["nsenter", *enter, "--", *argv]


def _await_cleanup(sock: socket.socket) -> None:
    """Tells the janitor to take down what there is, and waits until it has."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(_CLEANUP_TIMEOUT)
        while sock.recv(4096):
            pass


def _start_janitor(name: str, shape: Shape, caller: socket.socket, *, boot_vms: bool) -> None:
    order = {
        "name": name,
        "shape": msgspec.to_builtins(shape),
        "vms": boot_vms,
        "caller": caller.fileno(),
    }
    # Nothing of a lab that we may be called from must mark the new one as its own.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OVS_", "OVN_", "VIFTRAIL_LAB"))
    }
    subprocess.run(
        [*itself.part("viftrail.lab.janitor"), json.dumps(order)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(caller.fileno(),),
        start_new_session=True,
        check=True,
    )
