"""What one target is called, wherever it is written of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from viftrail.facts.facts import Facts


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of a target: of its server and ports, and of what was asked of it."""

    ports: tuple[str, ...] = ()
    server_id: str = ""
    others: tuple[str, ...] = ()
    """Taps, MACs, addresses, the domain, and requests."""

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(filter(None, (*self.ports, self.server_id, *self.others)))


def names_of(facts: Facts, port_ids: Iterable[str], server_id: str = "") -> Names:
    """What these ports, and their server, are called in logs and rows."""
    openstack = facts.openstack
    ports = tuple(dict.fromkeys(each for each in port_ids if each))
    for port_id in ports:
        owned = facts.owner.port(port_id)
        server_id = server_id or (owned.server_id if owned else "")
    server = next((row for row in openstack.servers or () if row.id == server_id), None)
    if server_id:
        own = (port.id for port in openstack.ports_of(server_id))
        ports = tuple(dict.fromkeys((*ports, *own, *(server.ports_named if server else ()))))
    others = [name for port_id in ports for name in _of_port(facts, port_id)]
    others += [server.domain] if server else []
    others += [row.request_id for row in openstack.actions or () if row.server_id == server_id]
    return Names(
        ports=ports,
        server_id=server_id,
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
