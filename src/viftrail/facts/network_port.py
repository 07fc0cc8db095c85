"""Ports of the network itself, which no VM has, and what to call them.

Types of ports: ovn-nb(5) Logical_Switch_Port and ovn-sb(5) Port_Binding. A device_owner that
begins with ``network:`` is Neutron's own (neutron-lib constants, DEVICE_OWNER_NETWORK_PREFIX).
A localport is metadata's, or that from which an OVN load balancer probes its members
(ovn-octavia-provider and Neutron, OVN_LB_HM_PORT_DISTRIBUTED).
"""

from __future__ import annotations

from viftrail.facts.inquiry import Inquiry
from viftrail.facts.intent import NETWORK
from viftrail.facts.northbound import LogicalRouter, LogicalRouterPort, LogicalSwitchPort
from viftrail.facts.source import Ask
from viftrail.facts.southbound import PortBinding

GUESTS = frozenset({"", "virtual", "external"})
"""The types of ports that a VM, or a bare metal server, may have."""

_ROUTER = frozenset({"router", "patch", "chassisredirect", "l3gateway"})
_METADATA = "a metadata port (type localport)"
_OWNED = {
    "ovn-lb-hm:distributed": "a health monitor's port of an OVN load balancer",
    "network:distributed": _METADATA,
    "network:dhcp": "a DHCP agent's port",
}
_TYPED = {
    "localport": "a localport",
    "localnet": "the way out of a provider network (type localnet)",
}
_REDIRECT = "cr-"


def is_networks(row: LogicalSwitchPort) -> bool:
    """Whether it is the network's own, so that no VM can have it.

    Whoever retypes a VM's port leaves Neutron's word of whose it is.
    """
    device_owner = row.external_ids.get("neutron:device_owner", "")
    if device_owner.startswith("compute:"):
        return False
    return row.type not in GUESTS or device_owner.startswith(NETWORK)


def of_port(inquiry: Inquiry, row: LogicalSwitchPort) -> str:
    """What a port of a network is, such as ``a router port of router1``."""
    if row.type in _ROUTER:
        return _of_router(inquiry, row.options.get("router-port", ""))
    device_owner = row.external_ids.get("neutron:device_owner", "")
    if row.type == "localport" and device_owner == "network:dhcp":
        return _METADATA  # an older Neutron called its owner so
    return _OWNED.get(device_owner) or _TYPED.get(row.type) or _other(row.type or device_owner)


def of_binding(inquiry: Inquiry, row: PortBinding) -> str:
    """The same of what only Southbound has by this name: a router's own end, mostly."""
    if row.type in _ROUTER:
        return _of_router(inquiry, row.logical_port.removeprefix(_REDIRECT))
    return _TYPED.get(row.type) or _other(row.type)


def _other(kind: str) -> str:
    return f"a port of type {kind}"


def _of_router(inquiry: Inquiry, leg: str) -> str:
    legs = inquiry.ask([Ask(LogicalRouterPort, "name", leg)])
    routers = inquiry.ask(Ask(LogicalRouter, "ports", each.uuid) for each in legs)
    names = [row.external_ids.get("neutron:router_name") or row.name for row in routers]
    return f"a router port of {names[0]}" if names else "a router port"
