"""What the owner of the cloud's ports wants, whatever OVN made of it.

OVN only executes: somebody else decides that a port exists. That owner is
Neutron with Nova in an OpenStack, or the lab itself in the lab. Without an
owner's word a missing Logical_Switch_Port cannot be told from a port that
nobody ever asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from viftrail.errors import FileUnreadable

ADMIN_SHELL = "a shell with OpenStack admin credentials"
"""No host: where ``openstack`` commands are run."""


class OwnedPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port as its owner wants it."""

    id: str
    mac: str
    addresses: tuple[str, ...] = ()
    """Fixed IPs without prefix length."""
    cidrs: tuple[str, ...] = ()
    """The same with prefix length, as ``neutron:cidrs`` has them."""
    switch: str = ""
    """Logical_Switch.name of its network."""
    network: str = ""
    """The network's name as its users know it."""
    server_id: str = ""
    server: str = ""
    host: str = ""
    """Where the server runs; compared with Chassis.hostname letter by letter."""
    port_groups: tuple[str, ...] = ()
    """Port_Group names of its security groups, without ``neutron_pg_drop``."""
    dhcp: bool | None = None
    """Whether its subnet shall answer DHCP; None where the owner was not asked."""
    hybrid: bool = False
    """The owner plugs it through qbr/qvb/qvo (``ovs_hybrid_plug``)."""
    revision: int | None = None
    """Neutron's ``revision_number``, which grows with each change; None where it was not asked."""
    address_mode: str = ""
    """How its IPv6 subnet gives addresses, as ``ipv6_ra_configs`` spells it; empty: nobody said."""
    subport: bool = False
    """It is a trunk's: its frames pass its parent's plug, and it has none of its own."""
    vlan: int | None = None
    """The segmentation id of its provider network of type VLAN; None where nobody said."""


class OwnedFloatingIp(msgspec.Struct, frozen=True, kw_only=True):
    """A floating IP as its owner wants it."""

    ip: str
    id: str = ""
    port_id: str = ""
    fixed_ip: str = ""
    router: str = ""
    """Logical_Router.name that shall hold the NAT row."""


class Owner(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything the owner wants. ``kind`` is ``lab``, ``neutron`` or ``ovn``."""

    kind: str
    name: str = ""
    ports: tuple[OwnedPort, ...] = ()
    floating_ips: tuple[OwnedFloatingIp, ...] = ()

    def port(self, port_id: str) -> OwnedPort | None:
        """The port with this id, or None."""
        return self._by_id.get(port_id)

    @cached_property
    def _by_id(self) -> Mapping[str, OwnedPort]:
        return {port.id: port for port in reversed(self.ports)}  # of two the first counts


def read(path: Path) -> Owner:
    """What an owner wants, from a JSON file with the fields of `Owner`.

    Raises:
        FileUnreadable: it is absent, may not be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Owner)
    except OSError as error:
        raise FileUnreadable(
            f"{path} cannot be read: {error.strerror}.", "Check --owner."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileUnreadable(
            f"{path} does not tell what ports their owner wants: {error}.",
            'It begins like {"kind": "neutron", "ports": […]}; docs/json.md has the fields.',
        ) from None
