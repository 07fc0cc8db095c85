"""The janitor: outlives the keeper, whatever kills it, and leaves nothing behind.

``python -m viftrail.lab.janitor`` is what ``viftrail lab up`` starts. It makes
the lab's folder, forks the keeper and waits for its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from viftrail.errors import ViftrailError
from viftrail.lab import kernel, wire
from viftrail.lab.design import Design
from viftrail.lab.folder import Folder
from viftrail.lab.keeper import Keeper
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from types import FrameType

#: Seconds that processes of a dead lab are given to be gone.
_SWEEP_TIMEOUT = 5.0


def main(arguments: list[str]) -> None:
    """Runs a lab: a JSON object of name, shape, vms and the caller's descriptor."""
    order = json.loads(arguments[0])
    if os.fork() != 0:
        os._exit(0)  # the caller waits for this one, and is not to wait for the lab's end
    os.chdir("/")
    kernel.adopt_orphans()
    caller = socket.socket(fileno=order["caller"])
    caller.set_inheritable(False)
    folder = Folder(order["name"])
    try:
        lock = folder.claim()
    except ViftrailError as error:
        wire.send(caller, wire.failure(error))
        return
    token = str(uuid.uuid4())
    keeper = -1
    try:
        done_read, done_write = os.pipe()
        janitor = os.getpid()
        keeper = os.fork()
        if keeper == 0:
            _keep(janitor, order, folder, token, caller, done_write)
        os.close(done_write)
        _watch(keeper, caller, done_read)
    finally:
        _sweep(token)
        folder.remove()
        os.close(lock)


def _keep(
    janitor: int,
    order: dict[str, object],
    folder: Folder,
    token: str,
    caller: socket.socket,
    completed: int,
) -> None:
    """Runs in the keeper's process and does not return."""
    try:
        kernel.die_with_parent(signal.SIGTERM)
        if os.getppid() != janitor:
            return
        with folder.log.open("ab", buffering=0) as log:
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
        design = Design(folder.name, shape=msgspec.convert(order["shape"], Shape))
        Keeper(design, folder, token).run(caller, completed, boot_vms=bool(order["vms"]))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        with contextlib.suppress(Exception):
            if os.getppid() != janitor:  # killed: its work is the keeper's
                _sweep(token)
                folder.remove()
        # Not sys.exit: the janitor's own clean-up must not run in here as well.
        os._exit(0)


def _watch(keeper: int, caller: socket.socket, completed: int) -> None:
    """Waits for the keeper's end; ends it if the caller goes before the lab is up."""

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    ended, orphans = os.pidfd_open(keeper), _child_alarm()
    watched: list[int | socket.socket] = [ended, orphans, completed, caller]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if orphans in ready:
            os.read(orphans, 64)
            _reap()
        if ended in ready:
            break
        if completed in ready:
            os.read(completed, 1)
            watched = [ended, orphans]
            caller.close()
        elif caller in ready:  # it never sends anything: it has gone
            watched.remove(caller)
            pass_on(0, None)


def _child_alarm() -> int:
    """A descriptor that turns readable whenever a child ends.

    What a daemon or guest leaves behind becomes our child: nobody else reaps it.
    """
    alarm, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    return alarm


def _sweep(token: str) -> None:
    """Ends what was started in the lab and outlived its keeper, and waits for that.

    The daemons get their signal from the kernel and become children of this
    process; commands that somebody runs by ``lab exec`` are known by the
    environment they were given.
    """
    mark = f"VIFTRAIL_LAB_ID={token}".encode()
    deadline = time.monotonic() + _SWEEP_TIMEOUT
    while time.monotonic() < deadline:
        left = [pid for pid in _processes() if mark in _environment(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not _reap() and not left:
            return
        time.sleep(0.005)


def _reap() -> bool:
    """Collects children that have ended; whether there still are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it has just ended


if __name__ == "__main__":
    main(sys.argv[1:])
