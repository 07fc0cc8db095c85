"""The rows Neutron's ML2/OVN driver writes, column by column. Pure.

Columns and ``neutron:*`` keys are those of a database written by Neutron 2024.1
to 2025.1 (``neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_client.py``),
centralised floating IPs, gateways scheduled by Gateway_Chassis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from viftrail.lab.design import port_group
from viftrail.lab.ovsdb import Row, members, strings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from viftrail.lab.design import FloatingIp, Network, Router, RouterPort, Rule, Subnet6, Vm
    from viftrail.lab.ovsdb import Json

DROP_GROUP: Final = "neutron_pg_drop"
_RULE_PRIORITY: Final = 1002
_DROP_PRIORITY: Final = 1000

#: What Neutron sets in NB_Global.options at its start.
NB_GLOBAL_OPTIONS: Final = {
    "bfd-min-rx": "1000",
    "bfd-min-tx": "100",
    "bfd-mult": "3",
    "fdb_removal_limit": "0",
    "ignore_lsp_down": "false",
    "mac_binding_removal_limit": "0",
}


class Tenant(Protocol):
    """What rows are made of: one tenant network, and how it gets out."""

    @property
    def project_id(self) -> str:
        """The project that has it."""

    @property
    def network(self) -> Network:
        """The network."""

    @property
    def provider(self) -> Network:
        """The network outside."""

    @property
    def router(self) -> Router:
        """The router between the two."""

    @property
    def security_group(self) -> str:
        """The group of ports that are given no other."""

    def mac(self, kind: str, name: str) -> str:
        """A MAC address for an object that is no port."""


class Rows:
    """Makes the rows of one tenant network."""

    def __init__(self, design: Tenant, gateway: str) -> None:
        """``gateway`` is the name (system-id) of the chassis that gets the gateway port."""
        self.design = design
        self.gateway = gateway

    # Switches and their ports -------------------------------------------------

    def switch(self, network: Network, ports: Iterable[Json]) -> Row:
        """The Logical_Switch of a network."""
        external_ids = {
            "neutron:availability_zone_hints": "",
            "neutron:mtu": str(network.mtu),
            "neutron:network_name": network.name,
            "neutron:provnet-network-type": network.type,
            "neutron:revision_number": "2",
        }
        if network.physnet:
            external_ids["neutron:provnet-physical-network"] = network.physnet
        return {
            "name": network.logical_switch,
            "ports": members(ports),
            "external_ids": strings(external_ids),
            "other_config": strings(
                {
                    "mcast_flood_unregistered": "false",
                    "mcast_snoop": "false",
                    "vlan-passthru": "false",
                }
            ),
        }

    def subnet_key(self, network: Network | None = None) -> dict[str, str]:
        """What tells the DHCP_Options of a network's subnet, the tenant's, from others."""
        return {"subnet_id": (network or self.design.network).subnet_id}

    def subnet6_key(self, subnet: Subnet6) -> dict[str, str]:
        """The same of an IPv6 subnet."""
        return {"subnet_id": subnet.id}

    def dhcpv6_options(self, subnet: Subnet6) -> Row:
        """The DHCP_Options of the IPv6 subnet (``_get_ovn_dhcpv6_opts``)."""
        network = self.design.network
        return {
            "cidr": str(subnet.cidr),
            "options": strings(
                {
                    "dhcpv6_stateless": "true",
                    "dns_server": "{2620:fe::fe}",
                    "domain_search": '"openstacklocal."',
                    "server_id": self.design.mac("dhcpv6-server", network.name),
                }
            ),
            "external_ids": strings(
                {
                    "neutron:network_id": network.id,
                    "neutron:revision_number": "0",
                    **self.subnet6_key(subnet),
                }
            ),
        }

    def dhcp_options(self, network: Network | None = None) -> Row:
        """The DHCP_Options of a network's IPv4 subnet, by default the tenant's."""
        network = network or self.design.network
        return {
            "cidr": str(network.cidr),
            "options": strings(
                {
                    "classless_static_route": (
                        f"{{169.254.169.254/32,{network.metadata_ip}, 0.0.0.0/0,{network.gateway}}}"
                    ),
                    "dns_server": "{9.9.9.9}",
                    "domain_name": '"openstacklocal."',
                    "lease_time": "43200",
                    "mtu": str(network.mtu),
                    "router": network.gateway,
                    "server_id": network.gateway,
                    "server_mac": self.design.mac("dhcp-server", network.name),
                }
            ),
            "external_ids": strings(
                {
                    "neutron:network_id": network.id,
                    "neutron:revision_number": "0",
                    **self.subnet_key(network),
                }
            ),
        }

    def port_keys(
        self,
        network: Network,
        *,
        device_id: str,
        device_owner: str,
        cidrs: str = "",
        revision: int,
    ) -> dict[str, str]:
        """The ``neutron:*`` keys that every Neutron port has."""
        return {
            "neutron:cidrs": cidrs,
            "neutron:device_id": device_id,
            "neutron:device_owner": device_owner,
            "neutron:mtu": "",
            "neutron:network_name": network.logical_switch,
            "neutron:port_capabilities": "",
            "neutron:port_name": "",
            "neutron:project_id": self.design.project_id,
            "neutron:revision_number": str(revision),
            "neutron:security_group_ids": "",
            "neutron:subnet_pool_addr_scope4": "",
            "neutron:subnet_pool_addr_scope6": "",
            "neutron:vnic_type": "normal",
        }

    def port(
        self,
        vm: Vm,
        dhcp_options: Json,
        groups: Iterable[str] | None = None,
        *,
        network: Network | None = None,
        dhcpv6_options: Json = None,
    ) -> Row:
        """The Logical_Switch_Port of a VM.

        ``groups`` are its security groups if not the usual, ``network`` its network if not the
        tenant's.
        """
        network = network or self.design.network
        cidrs = [f"{vm.ip}/{network.cidr.prefixlen}"]
        if vm.ip6 and network.subnet6:
            cidrs.append(f"{vm.ip6}/{network.subnet6.cidr.prefixlen}")
        address = " ".join((vm.mac, *vm.addresses))
        v6 = {"dhcpv6_options": members([dhcpv6_options])} if dhcpv6_options else {}
        external_ids = self.port_keys(
            network,
            device_id=vm.id,
            device_owner="compute:nova",
            cidrs=" ".join(cidrs),
            revision=revision_of(vm),
        )
        external_ids |= {
            "neutron:port_name": vm.name,
            "neutron:host_id": vm.host,
            "neutron:security_group_ids": " ".join(
                [self.design.security_group] if groups is None else groups
            ),
        }
        if vm.floating_ip:
            external_ids["neutron:port_fip"] = vm.floating_ip.address
        return {
            "name": vm.port_id,
            "type": "",
            "addresses": members([address]),
            "port_security": members([address]),
            "enabled": True,
            "dhcpv4_options": members([dhcp_options]),
            **v6,
            "options": strings({"requested-chassis": vm.host}),
            "external_ids": strings(external_ids),
        }

    def metadata_port(self, network: Network) -> Row:
        """The localport that the metadata agent plugs on each host."""
        address = f"{network.metadata_mac} {network.metadata_ip or ''}".strip()
        cidrs = f"{network.metadata_ip}/{network.cidr.prefixlen}" if network.metadata_ip else ""
        external_ids = self.port_keys(
            network,
            device_id=f"ovnmeta-{network.id}",
            device_owner="network:distributed",
            cidrs=cidrs,
            revision=2,
        )
        external_ids["neutron:mtu"] = str(network.mtu)
        return {
            "name": network.metadata_port,
            "type": "localport",
            "addresses": members([address]),
            "enabled": True,
            "external_ids": strings(external_ids),
        }

    def localnet_port(self, network: Network) -> Row:
        """The port that leads out of a provider network."""
        physnet = str(network.physnet)
        row: Row = {
            "name": network.localnet_port,
            "type": "localnet",
            "addresses": members(["unknown"]),
            "options": strings(
                {
                    "localnet_learn_fdb": "false",
                    "mcast_flood": "false",
                    "mcast_flood_reports": "true",
                    "network_name": physnet,
                }
            ),
            "external_ids": strings({"neutron:provnet-physical-network": physnet}),
        }
        if network.tag is not None:
            row |= {"tag": network.tag, "tag_request": network.tag}
        return row

    def router_leg(self, leg: RouterPort, network: Network, gateway_host: str) -> Row:
        """The switch's side of a router port; the gateway's is bound to ``gateway_host``."""
        is_gateway = leg is self.design.router.outside
        options = {"router-port": leg.logical_router_port}
        external_ids = self.port_keys(
            network,
            device_id=self.design.router.id,
            device_owner="network:router_gateway" if is_gateway else "network:router_interface",
            cidrs=" ".join(leg.networks),
            revision=4,
        )
        if is_gateway:
            options |= {
                "nat-addresses": "router",
                "exclude-lb-vips-from-garp": "true",
                "requested-chassis": gateway_host,
            }
            external_ids |= {"neutron:project_id": "", "neutron:host_id": gateway_host}
        return {
            "name": leg.id,
            "type": "router",
            "addresses": members(["router"]),
            "enabled": True,
            "options": strings(options),
            "external_ids": strings(external_ids),
        }

    # Routers ------------------------------------------------------------------

    def router(self, ports: Iterable[Json], routes: Iterable[Json], nat: Iterable[Json]) -> Row:
        """The Logical_Router."""
        router = self.design.router
        return {
            "name": router.logical_router,
            "enabled": True,
            "ports": members(ports),
            "static_routes": members(routes),
            "nat": members(nat),
            "options": strings(
                {"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"}
            ),
            "external_ids": strings(
                {
                    "neutron:availability_zone_hints": "",
                    "neutron:gw_network_id": self.design.provider.id,
                    "neutron:gw_port_id": router.outside.id,
                    "neutron:revision_number": "3",
                    "neutron:router_name": router.name,
                }
            ),
        }

    def default_route(self) -> Row:
        """The router's way out."""
        return {
            "ip_prefix": "0.0.0.0/0",
            "nexthop": self.design.provider.gateway,
            "external_ids": strings(
                {
                    "neutron:is_ext_gw": "true",
                    "neutron:subnet_id": self.design.provider.subnet_id,
                }
            ),
        }

    def ra_configs(self, network: Network) -> dict[str, str]:
        """How the leg into a network advertises itself there (``ipv6_ra_configs``)."""
        if network.subnet6 is None:
            return {}
        return {
            "address_mode": network.subnet6.mode,
            "mtu": str(network.mtu),
            "send_periodic": "true",
        }

    def router_port(self, leg: RouterPort, network: Network) -> Row:
        """The Logical_Router_Port of one leg."""
        subnets = [network.subnet_id, *([network.subnet6.id] if network.subnet6 else [])]
        ra = {"ipv6_ra_configs": strings(self.ra_configs(network))} if network.subnet6 else {}
        return {
            "name": leg.logical_router_port,
            "mac": leg.mac,
            "networks": members(leg.networks),
            **ra,
            "external_ids": strings(
                {
                    "neutron:is_ext_gw": str(leg is self.design.router.outside),
                    "neutron:network_name": network.logical_switch,
                    "neutron:revision_number": "4",
                    "neutron:router_name": self.design.router.logical_router,
                    "neutron:subnet_ids": " ".join(subnets),
                }
            ),
        }

    def gateway_chassis(self, chassis: str = "", priority: int = 1) -> Row:
        """Where the gateway port is to live, or may live; by default the first choice."""
        chassis = chassis or self.gateway
        return {
            "name": f"{self.design.router.outside.logical_router_port}_{chassis}",
            "chassis_name": chassis,
            "priority": priority,
        }

    def ha_chassis(self, chassis: str, priority: int) -> Row:
        """The same in a group, as Neutron 29 schedules gateways."""
        return {"chassis_name": chassis, "priority": priority}

    def ha_chassis_group(self, choices: Iterable[Json]) -> Row:
        """The group of chassis that the router's gateway port may live on."""
        router = self.design.router
        return {
            "name": router.logical_router,
            "ha_chassis": members(choices),
            "external_ids": strings(
                {"neutron:availability_zone_hints": "", "neutron:router_id": router.id}
            ),
        }

    # Address translation ------------------------------------------------------

    def snat(self) -> Row:
        """The router's own masquerade."""
        address = self.design.router.outside.address.split("/")[0]
        return {
            "type": "snat",
            "external_ip": address,
            "logical_ip": str(self.design.network.cidr),
        }

    def floating_ip(self, vm: Vm, floating_ip: FloatingIp, *, distributed: bool = False) -> Row:
        """The NAT row of a floating IP, translated on the gateway or where the VM runs."""
        return {
            **({"external_mac": floating_ip.mac} if distributed else {}),
            "type": "dnat_and_snat",
            "external_ip": floating_ip.address,
            "logical_ip": vm.ip,
            "logical_port": vm.port_id,
            "external_ids": strings(
                {
                    "neutron:fip_external_mac": floating_ip.mac,
                    "neutron:fip_id": floating_ip.id,
                    "neutron:fip_network_id": self.design.provider.id,
                    "neutron:fip_port_id": vm.port_id,
                    "neutron:revision_number": "2",
                    "neutron:router_name": self.design.router.logical_router,
                }
            ),
        }

    # Security groups ----------------------------------------------------------

    def drop_rules(self) -> list[Row]:
        """The two ACLs that drop what no group allows."""
        return [
            {
                "action": "drop",
                "priority": _DROP_PRIORITY,
                "direction": direction,
                "match": f"{side} == @{DROP_GROUP} && ip",
            }
            for direction, side in (("from-lport", "inport"), ("to-lport", "outport"))
        ]

    def drop_group(self, acls: Iterable[Json], ports: Iterable[Json]) -> Row:
        """The Port_Group of all ports with port security."""
        return {"name": DROP_GROUP, "acls": members(acls), "ports": members(ports)}

    def rule(self, rule: Rule) -> Row:
        """The ACL of a security group rule."""
        return {
            "action": "allow-related",
            "priority": _RULE_PRIORITY,
            "direction": rule.direction,
            "match": rule.match,
            "external_ids": strings({"neutron:security_group_rule_id": rule.id}),
        }

    def group(self, security_group: str, acls: Iterable[Json], ports: Iterable[Json]) -> Row:
        """The Port_Group of a security group."""
        return {
            "name": port_group(security_group),
            "acls": members(acls),
            "ports": members(ports),
            "external_ids": strings({"neutron:security_group_id": security_group}),
        }


def revision_of(vm: Vm) -> int:
    """Neutron's count of the changes to a VM's port: made, bound, up, and given a floating IP."""
    return 5 if vm.floating_ip else 4
