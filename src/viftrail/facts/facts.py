"""Everything that was observed, and what could not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from viftrail.facts.database import Database
from viftrail.facts.log.logs import Logs
from viftrail.facts.openstack import OpenStack
from viftrail.facts.owner import Owner
from viftrail.facts.sounding import Soundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from viftrail.facts.host import Host


NOT_ASKED = "its answer is not in the report"
"""Why of a host's question, in a sosreport, neither good nor bad is known (`Host.errors`)."""


@dataclass(frozen=True)
class Gap:
    """A place that could not be looked at: ``why``, and ``how`` to make it possible."""

    place: str
    why: str
    how: str


@dataclass(frozen=True)
class Facts:
    """One moment of one cloud: both databases, hosts, and the owner's intent.

    ``hosts`` is keyed by the name that Chassis.hostname has, or the node's
    name where it is no chassis. A host that is missing there was either not
    asked or is listed in ``gaps``.
    """

    nb: Database = field(default_factory=Database)
    sb: Database = field(default_factory=Database)
    hosts: Mapping[str, Host] = field(default_factory=lambda: MappingProxyType({}))
    owner: Owner = field(default_factory=lambda: Owner(kind="ovn"))
    gaps: tuple[Gap, ...] = ()
    openstack: OpenStack = field(default_factory=OpenStack)
    """What Nova, Placement and Neutron say; nothing of it where nobody asked them."""
    soundings: Soundings = field(default_factory=Soundings)
    """What came of packets that were sent on purpose; empty unless that was asked for."""
    logs: Logs = field(default_factory=Logs)
    """What was kept of the daemons' logs; empty where none were given or read."""
