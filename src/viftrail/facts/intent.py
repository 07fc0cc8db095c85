"""What Neutron wants of OVN, from what Nova and Neutron say of themselves."""

from __future__ import annotations

import ipaddress

from viftrail.facts.openstack import NeutronPort, OpenStack
from viftrail.facts.owner import OwnedFloatingIp, OwnedPort, Owner

SUBPORT = "trunk:subport"
"""The device_owner of a trunk's subports (neutron-lib trunk constants)."""

NETWORK = "network:"
"""How the device_owner begins of ports that routers, DHCP, metadata and floating IPs have."""


def owner_of(openstack: OpenStack) -> Owner:
    """The ports of servers and the floating IPs, as Neutron has them.

    A port that no server has yet is among them: it is in Northbound like any other.
    """
    return Owner(
        kind="neutron",
        ports=tuple(_port(openstack, port) for port in openstack.ports or () if is_guests(port)),
        floating_ips=tuple(
            OwnedFloatingIp(
                ip=fip.floating_ip_address,
                id=fip.id,
                port_id=fip.port_id,
                fixed_ip=fip.fixed_ip_address,
                router=f"neutron-{fip.router_id}" if fip.router_id else "",
            )
            for fip in openstack.floating_ips or ()
            if fip.port_id
        ),
    )


def is_guests(port: NeutronPort) -> bool:
    """A port with a guest behind it, or made for one: no part of the network itself."""
    return not port.device_owner.startswith(NETWORK)


def _port(openstack: OpenStack, port: NeutronPort) -> OwnedPort:
    servers = openstack.server(port.device_id) if port.device_id else ()
    network = openstack.network_with(port.network_id)
    own = [(fixed, openstack.subnet_with(fixed.subnet_id)) for fixed in port.fixed_ips]
    four = [subnet for _, subnet in own if subnet and subnet.ip_version == 4]
    groups = port.security_groups if port.port_security_enabled else ()
    return OwnedPort(
        id=port.id,
        mac=port.mac_address,
        addresses=tuple(fixed.ip_address for fixed in port.fixed_ips),
        cidrs=tuple(
            cidr
            for fixed, subnet in own
            if subnet and (cidr := _with_length(fixed.ip_address, subnet.cidr))
        ),
        switch=f"neutron-{port.network_id}" if port.network_id else "",
        network=network.name if network else "",
        server_id=port.device_id,
        server=servers[0].name if servers else port.name,
        # Where the binding failed Nova's word is all there is of where the server shall run.
        host=port.host_id or (servers[0].host if servers else ""),
        port_groups=tuple("pg_" + group.replace("-", "_") for group in groups),
        dhcp=any(subnet.enable_dhcp for subnet in four) if four else None,
        hybrid=port.hybrid,
        subport=port.device_owner == SUBPORT,
        revision=port.revision_number,
    )


def _with_length(address: str, cidr: str) -> str:
    try:
        return f"{address}/{ipaddress.ip_network(cidr, strict=False).prefixlen}"
    except ValueError:
        return ""
