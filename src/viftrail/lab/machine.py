"""A machine: one set of namespaces, an environment, and what runs in it.

Nodes, VMs and the fabric between them are all machines. Only the keeper, which
has a single thread, uses this module: it walks into the namespaces, starts a
child there and walks back.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viftrail.errors import LabError
from viftrail.lab import kernel
from viftrail.lab.kernel import Namespaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager


class Machine:
    """Namespaces with a name, and an environment for what is started in them."""

    def __init__(
        self, name: str, hosts_file: Path, home: Namespaces, environment: Mapping[str, str]
    ) -> None:
        """Makes the namespaces; ``home`` is where the keeper itself lives."""
        self.name = name
        self.environment = dict(environment)
        self.namespaces = Namespaces.fresh(name, hosts_file, home)
        self._home = home
        self.sysctl("net/ipv6/conf/all/disable_ipv6", "1")
        self.sysctl("net/ipv6/conf/default/disable_ipv6", "1")
        self.ip("link set lo up")

    @property
    def netns(self) -> str:
        """The network namespace's path, as ``ip link … netns`` takes it."""
        return f"/proc/{os.getpid()}/fd/{self.namespaces.net}"

    def inside(self) -> AbstractContextManager[None]:
        """The keeper itself works in the machine for the length of a ``with`` block."""
        return self.namespaces.visited_from(self._home)

    def start(
        self,
        argv: Sequence[str],
        output: Path | int = subprocess.DEVNULL,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Starts a child in the machine that dies when the keeper dies."""
        with contextlib.ExitStack() as stack:
            if isinstance(output, Path):
                options["stdout"] = options["stderr"] = stack.enter_context(output.open("ab"))
            options.setdefault("stdin", subprocess.DEVNULL)
            options.setdefault("stdout", output)
            options.setdefault("stderr", output)
            stack.enter_context(self.inside())
            return subprocess.Popen(
                argv,
                env=self.environment,
                text=True,
                # Safe although documented as not: the keeper has no second thread.
                preexec_fn=functools.partial(_die_with_keeper, os.getpid()),
                **options,
            )

    def run(
        self, *argv: str, stdin: str | None = None, timeout: float = 10.0, check: bool = True
    ) -> str:
        """Runs a command to its end and gives back what it printed.

        Raises:
            LabError: it failed (unless ``check`` is false) or ran out of ``timeout`` seconds.
        """
        (output,) = run_all([(self, argv)], stdin=stdin, timeout=timeout, check=check)
        return output

    def ip(self, *commands: str, check: bool = True) -> None:
        """Runs lines of ``ip`` in one process."""
        arguments = () if check else ("-force",)
        self.run("ip", *arguments, "-batch", "-", stdin="\n".join(commands) + "\n", check=check)

    def sysctl(self, key: str, value: str) -> None:
        """Sets a network sysctl of this machine."""
        # /proc/sys/net shows the namespace of whoever *opens* it.
        with self.inside(), contextlib.suppress(FileNotFoundError):
            Path("/proc/sys", key).write_text(value)

    def cover(self, folder: Path, own: Path) -> None:
        """Makes ``own`` what this machine sees as ``folder``."""
        with self.inside():
            kernel.bind(own, folder)

    def answers(self, address: str, port: int, http: str = "") -> bool:
        """Whether something on this machine listens there; with a path, whether it talks HTTP."""
        try:
            with self.inside(), socket.create_connection((address, port), 0.5) as sock:
                if not http:
                    return True
                sock.settimeout(5.0)
                sock.sendall(f"GET {http} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
                return sock.recv(64).startswith(b"HTTP/")
        except OSError:
            return False

    def has_link(self, link: str) -> bool:
        """Whether a link of that name exists in the machine."""
        return self.mac_of(link) is not None

    def mac_of(self, link: str) -> str | None:
        """The MAC address of a link of the machine, if there is such a link."""
        with self.inside():
            return kernel.mac_of(link)

    def ipv4_of(self, link: str) -> str | None:
        """The first IPv4 address of a link of the machine, if it has one."""
        with self.inside():
            return kernel.ipv4_of(link)

    def ipv6_of(self, link: str) -> str | None:
        """The first global IPv6 address of a link of the machine, if it has one."""
        with self.inside():
            return kernel.ipv6_of(link)

    def mtu_of(self, link: str) -> int:
        """The MTU of a link of the machine; 0 if there is no such link."""
        with self.inside():
            return kernel.mtu_of(link)

    def announce(self, link: str, address: str) -> None:
        """Broadcasts who has ``address``."""
        with self.inside():
            kernel.announce(link, address)

    def compute_checksums(self, link: str) -> None:
        """Makes the link hand over packets with their checksums complete."""
        with self.inside():
            kernel.compute_checksums(link)

    def close(self) -> None:
        """Lets go of the namespaces; what still runs in them keeps them."""
        self.namespaces.close()


def run_all(
    jobs: Iterable[tuple[Machine, Sequence[str]]],
    *,
    stdin: str | None = None,
    timeout: float = 10.0,
    check: bool = True,
) -> list[str]:
    """Runs one command on each of several machines at the same time.

    Raises:
        LabError: one of them failed (unless ``check`` is false) or took too long.
    """
    pipe = subprocess.PIPE
    running = [
        (
            machine,
            argv,
            machine.start(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else pipe,
                stdout=pipe,
                stderr=pipe,
            ),
        )
        for machine, argv in jobs
    ]
    deadline = time.monotonic() + timeout
    outputs = []
    try:
        for machine, argv, process in running:
            command = f"{machine.name}: {' '.join(argv)}"
            try:
                output, errors = process.communicate(stdin, max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                if check:
                    raise LabError(f"{command}: no end after {timeout:g} s.") from error
                output = ""
            else:
                if check and process.returncode != 0:
                    lines = (errors or output).strip().splitlines() or ["(it printed nothing)"]
                    raise LabError(f"{command}: exit {process.returncode}: {lines[-1]}")
            outputs.append(output)
    finally:
        for _, _, process in running:
            if process.poll() is None:
                process.kill()
            with process:  # closes its pipes and waits for it
                pass
    return outputs


def wait_until(condition: Callable[[], bool], timeout: float, pause: float = 0.01) -> bool:
    """Looks every ``pause`` seconds until the condition holds or time is up."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _die_with_keeper(keeper: int) -> None:
    """Runs in a child between fork and exec."""
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != keeper:  # it died before the kernel was asked
        os._exit(1)
