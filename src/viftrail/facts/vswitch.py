"""Open_vSwitch on one host (conf.db): what is plugged, and where.

Columns and their meaning: ovs-vswitchd.conf.db(5); the ``ovn-*`` keys of
``Open_vSwitch.external_ids``: ovn-controller(8).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from viftrail.facts.row import Row

StrMap = dict[str, str]


class OpenVSwitch(Row, frozen=True, kw_only=True):
    """The one row that configures the host's switch and its ovn-controller."""

    table: ClassVar[str] = "Open_vSwitch"

    external_ids: StrMap = msgspec.field(default_factory=dict)
    ovs_version: str | None = None


class Bridge(Row, frozen=True, kw_only=True):
    """A bridge, such as br-int or br-ex. ``protocols`` is empty for all versions of OpenFlow."""

    table: ClassVar[str] = "Bridge"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "ports"})

    name: str = ""
    ports: tuple[str, ...] = ()
    datapath_type: str = ""
    protocols: tuple[str, ...] = ()


class Port(Row, frozen=True, kw_only=True):
    """A port of a bridge; usually one interface."""

    table: ClassVar[str] = "Port"
    references: ClassVar[frozenset[str]] = frozenset({"uuid", "interfaces"})

    name: str = ""
    interfaces: tuple[str, ...] = ()
    external_ids: StrMap = msgspec.field(default_factory=dict)


class Interface(Row, frozen=True, kw_only=True):
    """A network device in a port.

    ``ofport`` is None until ovs-vswitchd has seen the row and -1 when it
    could not open the device; ``error`` then says why.
    """

    table: ClassVar[str] = "Interface"

    name: str = ""
    type: str = ""
    ofport: int | None = None
    error: str | None = None
    admin_state: str | None = None
    link_state: str | None = None
    mac_in_use: str | None = None
    mtu: int | None = None
    options: StrMap = msgspec.field(default_factory=dict)
    external_ids: StrMap = msgspec.field(default_factory=dict)


TABLES: tuple[type[Row], ...] = (OpenVSwitch, Bridge, Port, Interface)
