"""What one target is called, wherever it is written of."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Iterator

import msgspec

from viftrail.facts.facts import Facts
from viftrail.facts.log.moment import parse

HINDSIGHT = 7 * 86400.0
"""Seconds that a look back goes at most: what broke earlier is looked for in what is there."""

_BEFORE = 60.0
"""Seconds before the target was made: what was asked for it came first."""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of a target: of its server and ports, and of what was asked of it."""

    ports: tuple[str, ...] = ()
    server_id: str = ""
    server: str = ""
    others: tuple[str, ...] = ()
    """Taps, MACs, addresses, the domain, and requests."""

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them, but not the server's name, which need not be its alone."""
        return tuple(filter(None, (*self.ports, self.server_id, *self.others)))


def names_of(facts: Facts, port_ids: Iterable[str], server_id: str = "") -> Names:
    """What these ports, and their server, are called in logs and rows."""
    openstack, owner = facts.openstack, facts.owner
    ports = tuple(dict.fromkeys(each for each in port_ids if each))
    for port_id in ports:
        owned = owner.port(port_id)
        api = next((port for port in openstack.ports or () if port.id == port_id), None)
        server_id = server_id or (api.device_id if api else "") or (owned.server_id if owned else "")
    if server_id:
        own = (port.id for port in openstack.ports_of(server_id))
        ports = tuple(dict.fromkeys((*ports, *own)))
    server = next((row for row in openstack.servers or () if row.id == server_id), None)
    others: list[str] = []
    for port_id in ports:
        others += _of_port(facts, port_id)
    if server:
        others.append(server.domain)
    others += [
        action.request_id
        for action in openstack.actions or ()
        if action.server_id in ("", server_id) and server_id
    ]
    return Names(
        ports=ports,
        server_id=server_id,
        server=server.name if server else "",
        others=tuple(dict.fromkeys(each for each in others if each)),
    )


def _of_port(facts: Facts, port_id: str) -> Iterator[str]:
    yield f"tap{port_id[:11]}"
    owned = facts.owner.port(port_id)
    if owned:
        yield owned.mac
        yield from owned.addresses
    for port in facts.openstack.ports or ():
        if port.id == port_id:
            yield port.mac_address
            yield from (each.ip_address for each in port.fixed_ips)
    for floating in facts.openstack.floating_ips or ():
        if floating.port_id == port_id:
            yield floating.floating_ip_address


def since(facts: Facts, names: Names, now: float) -> float:
    """How far back the target's story goes: its making, but no more than `HINDSIGHT`."""
    openstack = facts.openstack
    begun = [
        *(row.created for row in openstack.servers or () if row.id == names.server_id),
        *(row.created for row in openstack.ports or () if row.id in names.ports),
    ]
    moments = [moment for text in begun if text and (moment := parse(text)) is not None]
    earliest = now - HINDSIGHT
    return max(earliest, min(moments) - _BEFORE) if moments else earliest


def moment_of(text: str) -> float:
    """An ISO 8601 time in UTC as seconds since 1970; now, where it is empty."""
    found = parse(text) if text else None
    return found if found is not None else float(calendar.timegm(time.gmtime()))
