"""What a host's own view lacks because OVN runs in containers there: the probe, within them.

The host says which containers there are (`viftrail.facts.places`). Entered are only those whose
daemons nobody outside could ask: their sockets are not to be seen, or not for this user, or the
programs that would ask are in the container alone. What they answer becomes the host's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from viftrail.facts.facts import Gap
from viftrail.facts.host import Failure, Host

if TYPE_CHECKING:
    from viftrail.facts.places import Container
    from viftrail.facts.ways.carrier import Carrier

Enter = Callable[["Container"], "Host | Gap"]
"""Probes within one container."""

_DATABASES = {"ovnnb_db": "OVN_Northbound", "ovnsb_db": "OVN_Southbound"}
_FLOWS, _COUNTERS = "flows of bridge", ("port counters", "listening on the taps")
_CONF_DB = "Open_vSwitch database"


@dataclass(frozen=True)
class Inside:
    """A container on the host that another carrier leads to."""

    outer: Carrier
    container: Container
    on: str = ""
    """The host's name."""

    @property
    def way(self) -> str:
        """The runtime, in a word."""
        return self.container.kind

    @property
    def host(self) -> str:
        """The container, and where it is."""
        return f"{self.on}/{self.container.name}"

    def command(self, program: Sequence[str]) -> list[str]:
        """The outer carrier's command, which there enters the container."""
        return self.outer.command([*self.container.entry(), *program])


def unseen(host: Host) -> dict[Container, tuple[str, ...]]:
    """The containers to enter, and the daemons that the host itself could not ask."""
    lacking = {
        container: tuple(name for name in container.daemons if not _answered(host, name))
        for container in host.places.containers
    }
    return {container: names for container, names in lacking.items() if names}


def _answered(host: Host, daemon: str) -> bool:
    """Whether all that the probe asks of a daemon is known, or its state says why it is not."""
    process = host.processes.get(daemon)
    if process is not None and process.state in ("T", "t", "Z", "D"):
        return True
    if daemon in _DATABASES:
        return _DATABASES[daemon] in host.servers
    if daemon == "ovsdb-server":
        return bool(host.vswitch)
    if daemon == "ovs-vswitchd" and host.failures(_FLOWS):
        return False
    return bool(host.unixctl.get(daemon))


def complete(host: Host, enter: Enter) -> Host:
    """The host, with what its containers say where it could not."""
    wanted = unseen(host)
    if not wanted:
        return host
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        answers = dict(zip(wanted, pool.map(enter, wanted), strict=True))
    for container, answer in answers.items():
        if isinstance(answer, Gap):
            failure = Failure(f"container {container.name}", answer.why)
            host = msgspec.structs.replace(host, errors=(*host.errors, failure))
        else:
            host = merged(host, answer, wanted[container])
    return host


def merged(host: Host, inside: Host, daemons: Sequence[str]) -> Host:
    """The host with what was seen inside a container of these daemons.

    With every answer taken the host's own complaints on that question go, and those of the
    container come: whoever judges sees one host.
    """
    taken: dict[str, Any] = {}
    asked: dict[str, bool] = {}  # how a question begins, and whether it was answered inside
    processes, unixctl = dict(host.processes), dict(host.unixctl)
    for name in daemons:
        asked[f"ovs-appctl -t {name} "] = name in inside.processes
        if name in _DATABASES:
            asked[f"{_DATABASES[name]} at "] = _DATABASES[name] in inside.servers
        known = host.processes.get(name)
        if name in inside.processes and (known is None or not known.runs):
            # Else it is known by the pid that it has on the host.
            processes[name] = msgspec.structs.replace(inside.processes[name], container=True)
        if name in inside.unixctl:
            unixctl[name] = inside.unixctl[name]
    if not host.vswitch:
        taken["vswitch"] = inside.vswitch
        asked[_CONF_DB] = bool(inside.vswitch)
    if host.flows is None:
        taken["flows"] = inside.flows
        asked[_FLOWS] = inside.flows is not None
    if not host.counters.seconds:
        taken.update(counters=inside.counters, flaps=inside.flaps, heard=inside.heard)
        asked.update(dict.fromkeys(_COUNTERS, inside.counters.seconds > 0))
    if inside.tls is not None and not (host.tls and host.tls.authorities):
        taken["tls"] = inside.tls
    return msgspec.structs.replace(
        host,
        processes=processes,
        unixctl=unixctl,
        servers={**inside.servers, **host.servers},
        errors=_complaints(host, inside, asked),
        **taken,
    )


def _complaints(host: Host, inside: Host, asked: Mapping[str, bool]) -> tuple[Failure, ...]:
    """What was asked in vain: inside where that says more, else outside."""
    settled = tuple(
        question for question, answered in asked.items() if answered or inside.failures(question)
    )
    outside = [each for each in host.errors if not each.what.startswith(settled)]
    within = [each for each in inside.errors if each.what.startswith(settled)]
    return tuple(dict.fromkeys([*outside, *within]))
