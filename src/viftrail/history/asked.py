"""What was asked of OpenStack, and what it says happened."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.facts.log.moment import parse
from viftrail.facts.names import Names
from viftrail.facts.openstack import Action, OpenStack
from viftrail.history.event import Event

COMPUTE = "Nova API"
NETWORK = "Neutron API"


def asked(openstack: OpenStack, names: Names) -> Iterator[Event]:
    """The actions of the server with their steps, and when server and ports were made."""
    for action in openstack.actions or ():
        if action.server_id == names.server_id:
            yield from _action(action)
    for server in openstack.servers or ():
        if server.id == names.server_id and server.fault:
            yield from _event(server.fault.created, COMPUTE, f"fault: {server.fault.message}")
    for port in openstack.ports or ():
        if port.id in names.ports:
            yield from _event(port.created, NETWORK, f"port {port.id} made")


def _action(action: Action) -> Iterator[Event]:
    asked_by = f" ({action.request_id})" if action.request_id else ""
    yield from _event(action.start, COMPUTE, f"{action.action} asked for{asked_by}")
    for step in action.events:
        where = f"{COMPUTE}, {step.host}" if step.host else COMPUTE
        yield from _event(step.start, where, f"{step.event} begins")
        result = step.result.lower() or "without a result"
        why = f": {step.details}" if step.details else ""
        yield from _event(step.finish, where, f"{step.event} ends: {result}{why}")
    if action.message:
        yield from _event(action.updated, COMPUTE, f"{action.action}: {action.message}")


def _event(when: str, where: str, what: str) -> Iterator[Event]:
    moment = parse(when) if when else None
    if moment is not None:
        yield Event(moment, "api", where, what)
