"""The command line as a user runs it: its own process, nothing of the caller's terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What it printed, and how it ended."""

    code: int
    out: str
    err: str


def viftrail(*arguments: str, **environment: str) -> Done:
    known = {name: value for name, value in os.environ.items() if not name.startswith("OVN_")}
    known.pop("VIFTRAIL_LAB", None)
    done = subprocess.run(
        [sys.executable, "-m", "viftrail", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**known, **environment},
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)
