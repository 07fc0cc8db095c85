"""S9 over IPv6: router advertisements and DHCPv6, both answered by br-int on the VM's own host."""

from __future__ import annotations

import ipaddress
from typing import Final

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.quoting import q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalRouterPort
from viftrail.facts.slice import network_of
from viftrail.verdict import Evidence

STATEFUL: Final = "dhcpv6_stateful"
STATELESS: Final = "dhcpv6_stateless"
ADDRESS_MODES: Final = ("slaac", STATEFUL, STATELESS)
"""What ``ipv6_ra_configs:address_mode`` may be; else northd makes no advertisements (ovn-nb(5))."""


def leg_of(cloud: Cloud, port: Port) -> LogicalRouterPort | None:
    """The router port in the port's IPv6 subnet."""
    switch = cloud.switch_of(port)
    if switch is None or not port.ipv6:
        return None
    address = ipaddress.ip_address(port.ipv6)
    return next(
        (leg for leg in cloud.legs_of(switch) if any(_holds(net, address) for net in leg.networks)),
        None,
    )


def _holds(cidr: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_interface(cidr).network
    except ValueError:
        return False


def mode_of(leg: LogicalRouterPort | None) -> str:
    """How it tells hosts to get addresses; empty where it does not, or nobody asked."""
    return (leg.ipv6_ra_configs or {}).get("address_mode", "") if leg else ""


def mode_wanted(cloud: Cloud, port: Port) -> str:
    """How the port's subnet gives addresses; empty where nothing tells.

    Its owner's word, else what Neutron made of it: a subnet of DHCPv6 has DHCP options, and an
    address made of the MAC is one that Neutron knows the guest will give itself.
    """
    if port.owned and port.owned.address_mode:
        return port.owned.address_mode
    options = cloud.nb[DHCPOptions].one("uuid", port.row.dhcpv6_options or "") if port.row else None
    if options:
        return STATELESS if options.options.get("dhcpv6_stateless") == "true" else STATEFUL
    return "slaac" if port.ipv6 and is_eui64(port.ipv6, port.mac) else ""


def is_eui64(address: str, mac: str) -> bool:
    """The address ends in the modified EUI-64 of the MAC (RFC 4291, appendix A)."""
    try:
        raw = bytes.fromhex(mac.replace(":", ""))
        tail = ipaddress.IPv6Address(address).packed[8:]
    except ValueError:
        return False
    return len(raw) == 6 and tail == bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:]


def dhcpv6_wanted(cloud: Cloud, port: Port) -> bool:
    """Its subnet's hosts are told to ask by DHCPv6, and its owner does not forbid it."""
    if not port.ipv6 or (port.owned and port.owned.dhcp is False) or cloud.is_baremetal(port):
        return False
    mode = mode_of(leg_of(cloud, port)) or (port.owned.address_mode if port.owned else "")
    return mode in (STATEFUL, STATELESS)


def dhcpv6_options(cloud: Cloud, port: Port) -> DHCPOptions | None:
    """The DHCP_Options of the port's IPv6 subnet."""
    networks = {network_of(cidr) for cidr in port.cidrs if ":" in cidr}
    found = [row for network in networks for row in cloud.nb[DHCPOptions].find("cidr", network)]
    return found[0] if len(found) == 1 else None


def check_ipv6(checks: Checks, cloud: Cloud, port: Port) -> None:
    """Record whether somebody tells the guest of its address, and of the rest; nothing by IPv4."""
    if not port.ipv6:
        return
    leg = leg_of(cloud, port)
    if leg and leg.ipv6_ra_configs is not None and mode_wanted(cloud, port):
        mode = mode_of(leg)
        checks.check(
            mode in ADDRESS_MODES,
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Router_Port {leg.name} ipv6_ra_configs:address_mode",
                seen=mode or "none",
                expected=mode_wanted(cloud, port),
                command=f"ovn-nbctl get Logical_Router_Port {q(leg.name)} ipv6_ra_configs",
            ),
            good="its router advertises itself",
            bad="no router advertises itself to it",
        )
    if dhcpv6_wanted(cloud, port) and port.row:
        checks.check(
            bool(port.row.dhcpv6_options),
            Evidence(
                where=NORTHBOUND,
                what="Logical_Switch_Port.dhcpv6_options",
                seen=port.row.dhcpv6_options or "empty",
                expected="the options of its subnet",
                command=f"ovn-nbctl lsp-get-dhcpv6-options {q(port.id)}",
            ),
            good="it has DHCPv6 options",
            bad="nobody answers DHCPv6 for the port",
        )
