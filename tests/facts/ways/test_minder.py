"""Nothing of a command is left, whatever it began and however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

MINDER = (sys.executable, "-m", "viftrail.facts.ways.minder", "")

BEGINS_A_DAEMON = "setsid sleep {0} & sleep {0}"
"""As Ansible's workers and the master of a shared ssh connection are: in a session of their own."""


@pytest.fixture
def seconds() -> str:
    """An argument by which the processes of this test are known."""
    return f"7{os.getpid()}.{time.monotonic_ns() % 10**6}"


def sleeping(seconds: str) -> int:
    found = 0
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += place.read_bytes().split(b"\0")[:2] == [b"sleep", seconds.encode()]
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["/nonexistent"], 127),
    ],
)
def test_it_exits_as_the_command_does(command: list[str], code: int) -> None:
    assert subprocess.run([*MINDER, *command], capture_output=True, check=False).returncode == code


def test_what_stays_behind_is_ended(seconds: str) -> None:
    done = subprocess.run(
        [*MINDER, "sh", "-c", f"trap '' TERM; setsid sleep {seconds} & exit 0"], check=False
    )
    assert done.returncode == 0
    assert sleeping(seconds) == 0


def test_when_it_is_told_to_end_all_does(seconds: str) -> None:
    with subprocess.Popen([*MINDER, "sh", "-c", BEGINS_A_DAEMON.format(seconds)]) as minder:
        assert eventually(lambda: sleeping(seconds) == 2)
        minder.terminate()
        assert minder.wait(5) == 128 + signal.SIGTERM
    assert sleeping(seconds) == 0


def test_when_its_caller_is_killed_all_ends(seconds: str, tmp_path: Path) -> None:
    """As by the kernel when memory runs out: nobody can say a word."""
    folder = tmp_path / "needed"
    folder.mkdir()
    (folder / "play").touch()
    program = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    minder = (*MINDER[:-1], str(folder))
    argv = [sys.executable, "-c", program, *minder, "sh", "-c", BEGINS_A_DAEMON.format(seconds)]
    with subprocess.Popen(argv) as caller:
        assert eventually(lambda: sleeping(seconds) == 2)
        caller.kill()
    assert eventually(lambda: sleeping(seconds) == 0 and not folder.exists())
