"""OVN_Northbound: what the cloud (Neutron, or another owner) asked OVN for.

Columns and their meaning: ovn-nb(5).
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from viftrail.facts.row import Row

StrMap = dict[str, str]

_SOURCE_SET = re.compile(r"\bip[46]\.src == \$(\w+_ip[46])\b")


class NBGlobal(Row, frozen=True, kw_only=True):
    """The one row of NB_Global: how far northd and the chassis have followed."""

    table: ClassVar[str] = "NB_Global"

    nb_cfg: int = 0
    sb_cfg: int = 0
    hv_cfg: int = 0
    nb_cfg_timestamp: int = 0
    """Milliseconds since 1970 when ovn-northd saw nb_cfg, which Neutron raises once a minute and
    more often, as it asks the chassis for a sign of life (ovn-nb(5))."""
    options: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


class LogicalSwitch(Row, frozen=True, kw_only=True):
    """A network; Neutron names it ``neutron-<network id>``."""

    table: ClassVar[str] = "Logical_Switch"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "ports"})

    name: str = ""
    ports: tuple[str, ...] = ()
    other_config: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


class LogicalSwitchPort(Row, frozen=True, kw_only=True):
    """A port of a network; Neutron names it by the port's id.

    ``type`` is empty for a VM, else router, localnet, localport, virtual, external, …
    ``parent_name`` is the port whose plug it shares, as the subport of a trunk does.
    ``up`` stays None until northd has evaluated the row for the first time.
    """

    table: ClassVar[str] = "Logical_Switch_Port"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "dhcpv4_options", "dhcpv6_options"})

    name: str = ""
    type: str = ""
    parent_name: str | None = None
    addresses: tuple[str, ...] = ()
    port_security: tuple[str, ...] = ()
    options: StrMap = msgspec.field(default_factory=dict)
    up: bool | None = None
    enabled: bool | None = None
    dhcpv4_options: str | None = None
    dhcpv6_options: str | None = None
    tag: int | None = None
    external_ids: StrMap = msgspec.field(default_factory=dict)


class DHCPOptions(Row, frozen=True, kw_only=True):
    """What one subnet answers to DHCP requests."""

    table: ClassVar[str] = "DHCP_Options"

    cidr: str = ""
    options: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


class PortGroup(Row, frozen=True, kw_only=True):
    """A security group (``pg_<id>``) or Neutron's ``neutron_pg_drop``."""

    table: ClassVar[str] = "Port_Group"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "ports", "acls"})

    name: str = ""
    ports: tuple[str, ...] = ()
    acls: tuple[str, ...] = ()
    external_ids: StrMap = msgspec.field(default_factory=dict)


class ACL(Row, frozen=True, kw_only=True):
    """One rule. ``direction`` is from-lport (egress) or to-lport (ingress)."""

    table: ClassVar[str] = "ACL"

    direction: str = ""
    priority: int = 0
    match: str = ""
    action: str = ""

    @property
    def source_set(self) -> str:
        """The address set of a port group that it asks for as source; empty where it asks for none.

        ``pg_<id>_ip4`` or ``_ip6``: northd makes both of the addresses of the group's ports
        (ovn-nb(5), Port_Group name), and Neutron's rules with a remote group match them.
        """
        found = _SOURCE_SET.search(self.match)
        return found[1] if found else ""


class LogicalRouter(Row, frozen=True, kw_only=True):
    """A router; Neutron names it ``neutron-<router id>``."""

    table: ClassVar[str] = "Logical_Router"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "ports", "nat", "static_routes"})

    name: str = ""
    ports: tuple[str, ...] = ()
    nat: tuple[str, ...] = ()
    static_routes: tuple[str, ...] = ()
    enabled: bool | None = None
    options: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


class LogicalRouterPort(Row, frozen=True, kw_only=True):
    """A router's leg, ``lrp-<port id>``; the peer of a switch's router port."""

    table: ClassVar[str] = "Logical_Router_Port"
    references: ClassVar[frozenset[str]] = frozenset(
        {"uuid", "gateway_chassis", "ha_chassis_group"}
    )

    name: str = ""
    mac: str = ""
    networks: tuple[str, ...] = ()
    gateway_chassis: tuple[str, ...] = ()
    ha_chassis_group: str | None = None
    enabled: bool | None = None
    ipv6_ra_configs: StrMap | None = None
    """How it advertises itself to IPv6 hosts; None in facts that were taken without it."""
    options: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


class GatewayChassis(Row, frozen=True, kw_only=True):
    """A chassis that may host a gateway port (Neutron 28 and older)."""

    table: ClassVar[str] = "Gateway_Chassis"

    name: str = ""
    chassis_name: str = ""
    priority: int = 0


class HAChassisGroup(Row, frozen=True, kw_only=True):
    """The chassis that may host a gateway port (Neutron 29 and newer)."""

    table: ClassVar[str] = "HA_Chassis_Group"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "ha_chassis"})

    name: str = ""
    ha_chassis: tuple[str, ...] = ()


class HAChassis(Row, frozen=True, kw_only=True):
    """One member of an HA_Chassis_Group."""

    table: ClassVar[str] = "HA_Chassis"

    chassis_name: str = ""
    priority: int = 0


class NAT(Row, frozen=True, kw_only=True):
    """``dnat_and_snat`` is a floating IP, ``snat`` a router's own masquerade."""

    table: ClassVar[str] = "NAT"

    type: str = ""
    external_ip: str = ""
    logical_ip: str = ""
    logical_port: str | None = None
    external_mac: str | None = None
    external_ids: StrMap = msgspec.field(default_factory=dict)


class StaticRoute(Row, frozen=True, kw_only=True):
    """A route of a Logical_Router."""

    table: ClassVar[str] = "Logical_Router_Static_Route"

    ip_prefix: str = ""
    nexthop: str = ""


TABLES: tuple[type[Row], ...] = (
    NBGlobal,
    LogicalSwitch,
    LogicalSwitchPort,
    DHCPOptions,
    PortGroup,
    ACL,
    LogicalRouter,
    LogicalRouterPort,
    GatewayChassis,
    HAChassisGroup,
    HAChassis,
    NAT,
    StaticRoute,
)
