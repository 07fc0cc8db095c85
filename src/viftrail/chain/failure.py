"""Why Nova gave a server up, from its own words.

The texts are those of Nova 21 to 34 (nova: exception.py, scheduler/manager.py,
conductor/manager.py, compute/manager.py); each is written in one place only, so that a text
tells how far the server got.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from viftrail.facts.log.logs import Logs
from viftrail.facts.openstack import UUID, Action, ActionEvent, OpenStack, Server

BUILD_EVENT = "compute__do_build_and_run_instance"
SCHEDULE_EVENT = "conductor_schedule_and_build_instances"


class Kind(Enum):
    """How far it got."""

    NO_CANDIDATE = "Placement offered no host"
    FILTERED = "the scheduler's filters left no host"
    NO_SUCH_HOST = "the host that was asked for does not exist"
    NOT_MAPPED = "the host is in no cell"
    RETRIES = "every host that was tried failed to build it"
    PLUG = "its port did not come up in time"
    BINDING = "Neutron refused to bind its port"
    ADDRESSES = "Neutron had no address for it"
    VOLUME = "its volume was not made"
    OTHER = "something else"


BEFORE_HOST = (Kind.NO_CANDIDATE, Kind.FILTERED, Kind.NO_SUCH_HOST, Kind.NOT_MAPPED)
"""It was never given to a host."""

_BLANK = re.compile(r"No valid host was found\. ?")
_TEXTS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(text), kind)
    for text, kind in (
        (r"No such host - host: (?P<host>\S+)", Kind.NO_SUCH_HOST),
        (r"There are not enough hosts available", Kind.FILTERED),
        (r"Host '(?P<host>[^']+)' is not mapped to any cell", Kind.NOT_MAPPED),
        (rf"Binding failed for port (?P<port>{UUID})", Kind.BINDING),
        (r"No more (?:fixed )?IPs?(?: addresses)? (?:to be allocated|available)", Kind.ADDRESSES),
        (r"Failed to allocate the network\(s\) with error (?P<reason>.+), not", Kind.ADDRESSES),
        (r"Failed to allocate the network\(s\), not rescheduling", Kind.PLUG),
        (r"Virtual Interface creation failed", Kind.PLUG),
        (r"Volume \S+ did not finish being created", Kind.VOLUME),
        (r"Exceeded maximum number of retries", Kind.RETRIES),
    )
)

_SHOWN = 200
_NO_LOGS = Logs()


@dataclass(frozen=True)
class Failure:
    """Why a server is in ERROR."""

    kind: Kind
    message: str
    time: str = ""
    host: str = ""
    """As the text names it; empty where it names none."""
    port_id: str = ""


def failure_of(openstack: OpenStack, server: Server, logs: Logs = _NO_LOGS) -> Failure | None:
    """Why the server failed; None where it did not, or nobody said.

    That all hosts failed is half an answer: the other half is in the traceback, or in the logs of
    the conductor and of the last host.
    """
    if server.vm_state not in ("error", "") or (
        server.vm_state == "" and server.status not in ("ERROR", "")
    ):
        return None
    action = creation(openstack, server)
    broken = next((event for event in _events(action) if event.result == "Error"), None)
    message = (server.fault.message if server.fault else "") or (broken.details if broken else "")
    if not message:
        return None
    time = (server.fault.created if server.fault else "") or (broken.finish if broken else "")
    failure = _read(message, time)
    if failure.kind is Kind.RETRIES:
        for words in _of_last_host(server, logs):
            closer = _read(words, time)
            if closer.kind in (Kind.BINDING, Kind.PLUG, Kind.ADDRESSES, Kind.VOLUME):
                return replace(closer, message=f"{failure.message} {_sentence(words)}".strip())
    return failure


def _of_last_host(server: Server, logs: Logs) -> Iterator[str]:
    """What else tells of the build that failed last, the nearest first."""
    if server.fault:
        yield server.fault.details
    for pattern in ("port-binding-failed", "last-host-error"):
        for signal in reversed(logs.signals(pattern)):
            if server.id in signal.line.ids or server.id in signal.line.text:
                yield signal.line.text


def _sentence(words: str) -> str:
    """The line of a traceback that says it."""
    lines = [line.strip() for line in words.splitlines() if _tells(line)]
    return lines[-1][-_SHOWN:] if lines else ""


def _tells(line: str) -> bool:
    return any(pattern.search(line) for pattern, _ in _TEXTS)


def _read(message: str, time: str) -> Failure:
    if _BLANK.fullmatch(message):
        return Failure(Kind.NO_CANDIDATE, message.strip(), time)
    for pattern, kind in _TEXTS:
        found = pattern.search(message)
        if found:
            named = found.groupdict()
            return Failure(
                kind, message.strip(), time, named.get("host") or "", named.get("port") or ""
            )
    kind = Kind.FILTERED if message.startswith("No valid host was found.") else Kind.OTHER
    return Failure(kind, message.strip(), time)


def creation(openstack: OpenStack, server: Server) -> Action | None:
    """The newest action that built the server: its creation, or a rebuild."""
    built = ("create", "rebuild", "evacuate", "unshelve")
    return next(
        (
            action
            for action in openstack.actions or ()
            if action.server_id == server.id and action.action in built
        ),
        None,
    )


def _events(action: Action | None) -> tuple[ActionEvent, ...]:
    return action.events if action else ()


def tried_on(openstack: OpenStack, server: Server) -> str:
    """The host that was last told to build it; where it was built, Nova keeps its name."""
    if server.host:
        return server.host
    events = _events(creation(openstack, server))
    on = [event for event in events if event.event.startswith("compute_") and event.host]
    return max(on, key=lambda event: event.start).host if on else ""


def under_way(openstack: OpenStack, server: Server) -> tuple[Action, ActionEvent] | None:
    """What a host is doing to the server now: an event that has begun and not ended."""
    if not server.task_state:
        return None
    for action in openstack.actions or ():
        if action.server_id != server.id:
            continue
        for event in action.events:
            if event.start and not event.finish and not event.result:
                return action, event
        return None  # an older one that never ended is not what goes on now
    return None
