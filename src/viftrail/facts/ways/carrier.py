"""Bringing the probe to a host and its answer back.

A carrier runs `PYTHON` on the host with the probe on standard input.
Nothing is copied to the host and nothing is left there.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

from viftrail.errors import NotPermitted, ProtocolError, Unreachable, ViftrailError
from viftrail.facts.clock import offset_of
from viftrail.facts.facts import Gap
from viftrail.facts.host import Host, probe_script, read_probe
from viftrail.facts.ways import inside
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.dispatch import MOST, PYTHON, at_once, run_by

if TYPE_CHECKING:
    from viftrail.facts.places import Container

TIMEOUT = 8.0
"""Seconds for the probe beside its window; even where all hangs that it asks, it takes less."""

REACH = 4.0
"""Seconds beside that for the way there: ssh, sudo, a container's runtime."""

SHORT_WINDOW = 0.3
"""Seconds over which a host watches its counters and taps: enough to hear a guest that sends."""

LONG_WINDOW = 1.5
"""The same where it matters how much arrived; see `viftrail.chain.tunnel.FAIR_WINDOW`."""

PROBE = "probe.py"
"""What the ledger calls the probe."""

_REASON = 200
"""Characters that are quoted of what a host complains."""

_NO_COMMAND = 127
"""What a shell exits with when there is no such program (POSIX, 2.8.2)."""

SSH_FAILED = 255
"""What ssh(1) exits with when it never got as far as the command."""


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

    become: bool = False
    """Run the program through ``sudo -n``."""

    def command(self, program: Sequence[str]) -> list[str]:
        """The program itself, with this interpreter instead of the host's python3.

        As root it is the host's, which is what sudoers(5) lets a user run, there as elsewhere.
        """
        if self.become:
            return ["sudo", "-n", *program]
        return [sys.executable, *program[1:]] if program[:1] == ["python3"] else list(program)


@dataclass(frozen=True)
class Ssh:
    """A host by ssh(1); the operator's ssh_config(5), agent and known_hosts apply."""

    way: ClassVar[str] = "ssh"

    destination: str
    config: str = ""
    become: bool = False
    """Run the probe through ``sudo -n``."""
    connect_timeout: int = 5

    @property
    def host(self) -> str:
        """The destination."""
        return self.destination

    def command(self, program: Sequence[str]) -> list[str]:
        """``ssh … DESTINATION PROGRAM``, never asking for anything."""
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={self.connect_timeout}"]
        if self.config:
            options += ["-F", self.config]
        remote = [*(["sudo", "-n"] if self.become else []), *program]
        return ["ssh", *options, "--", self.destination, shlex.join(remote)]


def visit(name: str, carrier: Carrier, window: float, timeout: float = REACH + TIMEOUT) -> Host:
    """Run the probe on one host, and in its containers where that says more.

    Raises:
        Unreachable: the host or its shell did not answer.
        NotPermitted: it refused.
        ProtocolError: it answered something else.
    """
    return permitted(name, glance(name, carrier, window, timeout), advice_for(carrier))


def glance(name: str, carrier: Carrier, window: float, timeout: float = REACH + TIMEOUT) -> Host:
    """The same, content with what this user may see; what was refused is in its ``errors``.

    Raises:
        Unreachable: the host or its shell did not answer.
        NotPermitted: its shell refused.
        ProtocolError: it answered something else.
    """

    def enter(container: Container) -> Host | Gap:
        place = f"container {container.name} on {name}"
        try:
            return probe(place, inside.Inside(carrier, container, name), window, timeout)
        except (Unreachable, NotPermitted, ProtocolError) as error:
            return Gap(place, error.what, error.do)

    return inside.complete(probe(name, carrier, window, timeout), enter)


def permitted(name: str, host: Host, advice: Advice) -> Host:
    """The host, if the user who looked may see it.

    Raises:
        NotPermitted: something was refused; that must not look like a daemon that is silent.
    """
    refused = [failure.what for failure in host.errors if "Permission denied" in failure.why]
    if refused and host.euid != 0:
        raise NotPermitted(
            f"The user with id {host.euid} may not look at Open vSwitch and OVN on {name} "
            f"({refused[0]}).",
            advice.become,
        )
    return host


def probe(name: str, carrier: Carrier, window: float, timeout: float = REACH + TIMEOUT) -> Host:
    """Run the probe once.

    Raises:
        Unreachable: the host or its shell did not answer.
        NotPermitted: its shell refused.
        ProtocolError: it answered something else.
    """
    program = [*PYTHON, "--window", str(window)]
    try:
        said = run_by(
            carrier, program, probe_script(), script=PROBE, timeout=timeout + window, most=MOST
        )
    except OSError as error:
        first = carrier.command(program)[0]
        raise Unreachable(
            f"{first} cannot be run here ({error.strerror or error}).",
            f"Make sure that {first} is installed and that this user may run it.",
        ) from error
    return judge(name, said, timeout + window, advice_for(carrier))


@dataclass(frozen=True)
class Advice:
    """What an operator can do about a host, by the way that leads there."""

    by_hand: str = "it"
    """A command that gets there; ``{name}`` is the host."""
    key: str = "and name the right user and key"
    become: str = "Run as root."
    without: str = "or look as root"


_SUDOERS = "`USER ALL=(root) NOPASSWD: /usr/bin/python3 -IB - *`, which makes USER root there"
"""The line of sudoers(5) for `PYTHON` by ssh. Ansible becomes root through a shell: not for that."""

SSH_ADVICE = Advice(
    by_hand="`ssh {name}`",
    key="or name the right user and key with --ssh-config",
    become=f"Add --become; if sudo wants a password there, with visudo: {_SUDOERS}.",
    without=f"with visudo: {_SUDOERS}; or leave --become out",
)


def advice_for(carrier: Carrier) -> Advice:
    """What to tell the operator of a way."""
    if isinstance(carrier, Local) and carrier.become:
        return replace(SSH_ADVICE, by_hand="`sudo -n id`")
    return SSH_ADVICE if isinstance(carrier, Ssh) else Advice()


def judge(name: str, said: Said, seconds: float, advice: Advice) -> Host:
    """What a host's answer to the probe tells.

    Args:
        name: the host.
        said: its answer.
        seconds: how long it was waited for.
        advice: what to tell the operator to do.

    Raises:
        Unreachable: the host or its shell did not answer.
        NotPermitted: its shell refused; what the probe was refused is for `permitted`.
        ProtocolError: it answered something else.
    """
    if said.code is not None and said.code != 0:
        raise _refusal(name, advice, said)
    try:
        # It may have said all, and hang on its way out.
        host = read_probe(said.output)
    except ProtocolError as error:
        if said.code == 0:
            raise
        raise _silence(name, said, seconds) from error
    clock = offset_of(host.time, host.ended, said.began, said.seconds)
    return msgspec.structs.replace(host, clock=clock)


def _silence(name: str, said: Said, seconds: float) -> ViftrailError:
    """Why a host that was cut off was."""
    if len(said.output) + len(said.errors) > MOST:
        return ProtocolError(
            f"Host {name} sent more than {MOST >> 20} MiB and was cut off.",
            "Look there what a login and python3 print.",
        )
    return Unreachable(
        f"Host {name} did not answer the probe within {seconds:g} s.",
        "Log in there and look whether it hangs.",
    )


def _refusal(name: str, advice: Advice, said: Said) -> ViftrailError:
    reason = _last_words(said.errors) or _last_words(said.output) or "no reason given"
    lower = said.errors.decode("utf-8", "replace").lower()
    by_hand = advice.by_hand.format(name=name)
    if "a password is required" in lower or "not in the sudoers" in lower:
        return NotPermitted(
            f"Host {name} lets this user become root only with a password: {reason}.",
            f"Allow it sudo without a password there, {advice.without}.",
        )
    if "permission denied" in lower and said.code == SSH_FAILED:
        return NotPermitted(
            f"Host {name} refused: {reason}.",
            f"Put this user's public key there, {advice.key}.",
        )
    if "host key verification failed" in lower:
        return NotPermitted(
            f"The host key of {name} is not the known one: {reason}.",
            f"Log in with {by_hand} once and check the key.",
        )
    if said.code == _NO_COMMAND or "command not found" in lower:
        missing = (
            "sudo" if "sudo: not found" in lower or "sudo: command not" in lower else "python3"
        )
        return Unreachable(f"Host {name} has no {missing}: {reason}.", f"Install {missing} there.")
    return Unreachable(
        f"Host {name} could not be probed: {reason} (exit {said.code}).",
        f"Try {by_hand} by hand, and python3 --version there.",
    )


def _last_words(text: bytes) -> str:
    """The last line that says something, without its full stop."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not line.startswith("Warning: Permanently added")]
    return told[-1][:_REASON].rstrip(".") if told else ""


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

    return at_once(one, names)
