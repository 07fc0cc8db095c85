"""How the tests call the lab, and how they see that nothing is left of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_RUN = "from viftrail.cli.main import main; main()"


class Cli:
    """``viftrail lab …`` for one lab."""

    def __init__(self, name: str) -> None:
        self.name = name

    def argv(self, command: str, *arguments: str) -> list[str]:
        lab = ["lab", command, "--name", self.name, *arguments]
        return [sys.executable, "-c", _RUN, *lab]

    def __call__(
        self, command: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(command, *arguments),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command} {arguments}: {done}"
        return done

    def status(self) -> Any:
        return json.loads(self("status", "-f", "json").stdout)

    def vm(self, name: str) -> Any:
        return next(vm for vm in self.status()["vms"] if vm["name"] == name)

    def ping(self, *arguments: str) -> dict[tuple[str, str], bool]:
        """Which path from which machine works."""
        done = self("ping", "-f", "json", *arguments, check=False)
        answer = json.loads(done.stdout)
        assert done.returncode == (0 if answer["ok"] else 1), done.stderr
        return {(path["path"], path["from"]): path["ok"] for path in answer["paths"]}

    def failing(self, *arguments: str) -> set[str]:
        """The names of paths that fail."""
        return {path for (path, _), ok in self.ping(*arguments).items() if not ok}


def remains(name: str) -> list[str]:
    """Processes and files of a lab of that name."""
    folder = f"/run/viftrail/labs/{name}"
    found = [str(path) for path in Path("/run/viftrail/labs").glob(f"*{name}*")]
    mark = f"VIFTRAIL_LAB={name}".encode()
    order = f'"name": "{name}"'
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if mark in environment or folder in command or order in command:
            found.append(f"{process.name} {command}")
    return found


def wait_for(condition: Callable[[], bool], timeout: float = 8.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def assert_nothing_left(name: str, inodes: set[str] | None = None) -> None:
    """No process, file or namespace of the lab, within a moment."""
    assert wait_for(lambda: not remains(name)), remains(name)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # A new lab may have been given the same numbers meanwhile.
            other_lab = b"VIFTRAIL_LAB=" in (process / "environ").read_bytes()
            inode = str((process / "ns/net").readlink())
        except OSError:
            continue
        assert other_lab or inode not in (inodes or set()), process.name


def namespaces_of(keeper: int) -> set[str]:
    """The network namespaces a keeper holds."""
    links = set()
    for fd in Path(f"/proc/{keeper}/fd").iterdir():
        link = str(fd.readlink())
        if link.startswith("net:"):
            links.add(link)
    return links - {str(Path("/proc/self/ns/net").readlink())}
