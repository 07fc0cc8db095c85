"""Runs a command so that nothing of it is left, however it or its caller ends.

    python -m viftrail.facts.ways.minder FOLDER COMMAND [ARGUMENT]...

FOLDER is removed at the end, as it holds what only the command needs.

Ansible starts a session for each worker and each ssh, and ssh leaves a master of its shared
connection in the background: no process group holds all of them. A child subreaper
(PR_SET_CHILD_SUBREAPER(2const)) does, as whatever loses its parent becomes its child.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

_GRACE = 0.5
"""Seconds that what is left has to end by itself, before it is ended."""
_STEP = 0.02

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Ended(BaseException):
    """Somebody asked this process to end, and nothing shall be left."""


def main(argv: Sequence[str]) -> int:
    """Run the command, remove what it leaves behind; its exit status, as a shell tells it."""
    folder, *command = argv
    try:
        for number in _ENDING:
            signal.signal(number, _end)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        end_with_caller()
        code = subprocess.Popen(command).wait()
        return code if code >= 0 else 128 - code
    except _Ended as error:
        return 128 + int(error.args[0])
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror or error}\n")
        return 127
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        _clear()
        shutil.rmtree(folder, ignore_errors=True)


def end_with_caller() -> None:
    """Have SIGTERM sent to this process when the one that started it ends."""
    caller = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != caller:  # just before
        os.kill(os.getpid(), signal.SIGTERM)


def _end(number: int, _: FrameType | None) -> None:
    raise _Ended(number)


def _clear() -> None:
    """End all that is left, and what becomes this process's child by that."""
    patience = time.monotonic() + _GRACE
    asked: set[int] = set()
    while _any_left():
        late = time.monotonic() > patience
        for pid in _children():
            if late or pid not in asked:
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        if time.monotonic() > patience + _GRACE:
            return  # where no signal reaches it
        time.sleep(_STEP)


def _any_left() -> bool:
    """Whether there is a child, after those that have ended are gone."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    """By proc_pid_stat(5): the fourth field is the parent."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
