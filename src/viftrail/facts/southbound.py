"""OVN_Southbound: what northd made of the request, and where it was claimed.

Columns and their meaning: ovn-sb(5).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from viftrail.facts.row import Row

StrMap = dict[str, str]

DEFAULT_ZONE = ""
"""The transport zone of every chassis that names none."""


class SBGlobal(Row, frozen=True, kw_only=True):
    """The one row of SB_Global: the last nb_cfg that northd has carried over, and its version."""

    table: ClassVar[str] = "SB_Global"

    nb_cfg: int = 0
    options: StrMap = msgspec.field(default_factory=dict)


class PortBinding(Row, frozen=True, kw_only=True):
    """A logical port. northd makes the row; ovn-controller fills ``chassis`` and ``up``."""

    table: ClassVar[str] = "Port_Binding"
    references: ClassVar[frozenset[str]] = frozenset(
        {"uuid", "datapath", "chassis", "requested_chassis"}
    )

    logical_port: str = ""
    type: str = ""
    datapath: str = ""
    tunnel_key: int = 0
    chassis: str | None = None
    requested_chassis: str | None = None
    up: bool | None = None
    mac: tuple[str, ...] = ()
    nat_addresses: tuple[str, ...] = ()
    options: StrMap = msgspec.field(default_factory=dict)


class Chassis(Row, frozen=True, kw_only=True):
    """A hypervisor or gateway, written by its own ovn-controller."""

    table: ClassVar[str] = "Chassis"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "encaps"})

    name: str = ""
    hostname: str = ""
    encaps: tuple[str, ...] = ()
    transport_zones: tuple[str, ...] = ()
    other_config: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)

    def setting(self, key: str) -> str:
        """What the host's own Open_vSwitch.external_ids say; OVN before 20.06 had it elsewhere."""
        return self.other_config.get(key) or self.external_ids.get(key, "")

    @property
    def names(self) -> tuple[str, str]:
        """What requested-chassis may call it (ovn-nb(5))."""
        return self.hostname, self.name

    @property
    def bridge_mappings(self) -> str:
        """``ovn-bridge-mappings`` of its host, as it was written there."""
        return self.setting("ovn-bridge-mappings")

    @property
    def zones(self) -> frozenset[str]:
        """The transport zones that it makes tunnels within; who names none is in the default one."""
        return frozenset(self.transport_zones or (DEFAULT_ZONE,))


class ChassisPrivate(Row, frozen=True, kw_only=True):
    """How far a chassis has followed NB_Global.nb_cfg."""

    table: ClassVar[str] = "Chassis_Private"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "chassis"})

    name: str = ""
    chassis: str | None = None
    nb_cfg: int = 0
    nb_cfg_timestamp: int = 0


class Encap(Row, frozen=True, kw_only=True):
    """A tunnel endpoint of a chassis."""

    table: ClassVar[str] = "Encap"

    type: str = ""
    ip: str = ""
    chassis_name: str = ""


class LogicalFlow(Row, frozen=True, kw_only=True):
    """The name of a logical stage. Never read whole, so it is none of `TABLES`."""

    table: ClassVar[str] = "Logical_Flow"

    external_ids: StrMap = msgspec.field(default_factory=dict)


class MACBinding(Row, frozen=True, kw_only=True):
    """What a router has learned by ARP or ND on one of its ports: whose MAC an address is.

    There may be one for every address of a provider network and router: never read whole.
    """

    table: ClassVar[str] = "MAC_Binding"

    ip: str = ""
    mac: str = ""
    logical_port: str = ""


TABLES: tuple[type[Row], ...] = (SBGlobal, PortBinding, Chassis, ChassisPrivate, Encap, MACBinding)

NEVER_WHOLE: frozenset[type[Row]] = frozenset({MACBinding})
"""Tables of which only the rows of one address, or of one port, are asked for."""
