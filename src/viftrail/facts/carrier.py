"""Bringing the probe to a host and its answer back.

A carrier runs ``python3 -`` on the host with the probe on standard input.
Nothing is copied to the host and nothing is left there.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from viftrail.errors import NotPermitted, ProtocolError, Unreachable, ViftrailError
from viftrail.facts.facts import Gap
from viftrail.facts.host import Host, probe_script, read_probe

TIMEOUT = 20.0
"""Seconds for one host; the probe's own questions have shorter ones."""

SHORT_WINDOW = 0.3
"""Seconds over which a host watches its counters and taps: enough to hear a guest that sends."""

LONG_WINDOW = 1.5
"""The same where it matters how much arrived; see `viftrail.chain.tunnel.FAIR_WINDOW`."""

AT_ONCE = 16


class Carrier(Protocol):
    """A way to one host."""

    def command(self, program: Sequence[str]) -> list[str]:
        """The local command that runs ``program`` there."""
        ...


Visitor = Callable[[str, Carrier, float], Host]
"""Probes one host by name, with its carrier and window."""


@dataclass(frozen=True)
class Local:
    """This very host."""

    def command(self, program: Sequence[str]) -> list[str]:
        """The program itself, with this interpreter instead of the host's python3."""
        return [sys.executable, *program[1:]] if program[:1] == ["python3"] else list(program)


@dataclass(frozen=True)
class Ssh:
    """A host by ssh(1); the operator's ssh_config(5), agent and known_hosts apply."""

    destination: str
    config: str = ""
    become: bool = False
    """Run the probe through ``sudo -n``."""
    connect_timeout: int = 5

    def command(self, program: Sequence[str]) -> list[str]:
        """``ssh … DESTINATION PROGRAM``, never asking for anything."""
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={self.connect_timeout}"]
        if self.config:
            options += ["-F", self.config]
        remote = [*(["sudo", "-n"] if self.become else []), *program]
        return ["ssh", *options, "--", self.destination, shlex.join(remote)]


def visit(name: str, carrier: Carrier, window: float, timeout: float = TIMEOUT) -> Host:
    """Run the probe on one host.

    Raises:
        Unreachable: the host or its shell did not answer.
        NotPermitted: it refused.
        ProtocolError: it answered something else.
    """
    program = ["python3", "-", "--window", str(window)]
    command = carrier.command(program)
    try:
        done = subprocess.run(
            command, input=probe_script(), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"Host {name} did not answer the probe within {timeout:g} s.",
            "Log in there and look whether it hangs.",
        ) from error
    except FileNotFoundError as error:
        raise Unreachable(
            f"{command[0]} is not installed here, so host {name} cannot be reached.",
            f"Install {command[0]}.",
        ) from error
    if done.returncode != 0:
        raise _refusal(name, done.returncode, done.stderr.decode("utf-8", "replace"))
    return read_probe(done.stdout)


def _refusal(name: str, code: int, text: str) -> ViftrailError:
    reason = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    lower = text.lower()
    if "permission denied" in lower or "password is required" in lower:
        return NotPermitted(
            f"Host {name} refused: {reason}.",
            "Give this user a key there, or add --become if it may use sudo without a password.",
        )
    if "command not found" in lower or "no such file" in lower:
        return Unreachable(f"Host {name} has no python3: {reason}.", "Install python3 there.")
    return Unreachable(
        f"Host {name} could not be probed (exit {code}: {reason or 'no reason given'}).",
        f"Try `ssh {name} python3 --version` by hand.",
    )


def visit_all(
    names: Iterable[str],
    carriers: Callable[[str], Carrier | Gap],
    *,
    window: float,
    visitor: Visitor,
) -> Mapping[str, Host | Gap]:
    """Probe many hosts at once; one that fails becomes a `Gap`."""

    def one(name: str) -> Host | Gap:
        carrier = carriers(name)
        if isinstance(carrier, Gap):
            return carrier
        try:
            return visitor(name, carrier, window)
        except (Unreachable, NotPermitted, ProtocolError) as error:
            return Gap(f"host {name}", error.what, error.do)

    wanted = list(dict.fromkeys(names))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))
