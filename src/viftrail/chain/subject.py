"""What a fault is about, so that it can be matched with a target's trail."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """A thing of the cloud: ``kind`` is cloud, server, port, host, network, router, tunnel or fip."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


CLOUD = Subject("cloud")


def port(port_id: str) -> Subject:
    """A logical port."""
    return Subject("port", port_id)


def host(name: str) -> Subject:
    """A host, by its chassis hostname."""
    return Subject("host", name)


def router(name: str) -> Subject:
    """A Logical_Router, by name."""
    return Subject("router", name)


def server(server_id: str) -> Subject:
    """A server of Nova."""
    return Subject("server", server_id)


def network(name: str) -> Subject:
    """A Logical_Switch, by name."""
    return Subject("network", name)


def tunnel(one: str, other: str) -> Subject:
    """The pair of hosts that a tunnel joins; the order does not matter."""
    return Subject("tunnel", " and ".join(sorted((one, other))))


def floating_ip(address: str) -> Subject:
    """A floating IP."""
    return Subject("floating IP", address)
