"""The rows Neutron's ML2/OVN driver writes, column by column. Pure.

Columns and ``neutron:*`` keys are those of a database written by Neutron 2024.1
to 2025.1 (``neutron/plugins/ml2/drivers/ovn/mech_driver/ovsdb/ovn_client.py``),
centralised floating IPs, gateways scheduled by Gateway_Chassis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail.lab.design import PHYSNET
from viftrail.lab.ovsdb import Row, members, strings

if TYPE_CHECKING:
    from viftrail.lab.design import Design, FloatingIp, Network, RouterPort, Vm
    from viftrail.lab.ovsdb import Json

#: What Neutron sets in NB_Global.options at its start.
NB_GLOBAL_OPTIONS: Final = {
    "bfd-min-rx": "1000",
    "bfd-min-tx": "100",
    "bfd-mult": "3",
    "fdb_removal_limit": "0",
    "ignore_lsp_down": "false",
    "mac_binding_removal_limit": "0",
}


class Rows:
    """Makes the rows of one design."""

    def __init__(self, design: Design, gateway: str) -> None:
        """``gateway`` is the name (system-id) of the chassis that gets the gateway port."""
        self.design = design
        self.gateway = gateway

    def subnet_key(self) -> dict[str, str]:
        """What tells the DHCP_Options of our subnet from others."""
        return {"subnet_id": self.design.network.subnet_id}

    def dhcp_options(self) -> Row:
        """The DHCP_Options of the tenant subnet."""
        network = self.design.network
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
                    **self.subnet_key(),
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

    def port(self, vm: Vm, dhcp_options: Json) -> Row:
        """The Logical_Switch_Port of a VM."""
        network = self.design.network
        external_ids = self.port_keys(
            network,
            device_id=vm.id,
            device_owner="compute:nova",
            cidrs=f"{vm.ip}/{network.cidr.prefixlen}",
            revision=5 if vm.floating_ip else 4,
        )
        external_ids |= {
            "neutron:port_name": vm.name,
            "neutron:host_id": vm.host,
            "neutron:security_group_ids": self.design.security_group,
        }
        if vm.floating_ip:
            external_ids["neutron:port_fip"] = vm.floating_ip.address
        return {
            "name": vm.port_id,
            "type": "",
            "addresses": members([f"{vm.mac} {vm.ip}"]),
            "port_security": members([f"{vm.mac} {vm.ip}"]),
            "enabled": True,
            "dhcpv4_options": members([dhcp_options]),
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

    def localnet_port(self) -> Row:
        """The port that leads out of the provider network."""
        return {
            "name": self.design.provider.localnet_port,
            "type": "localnet",
            "addresses": members(["unknown"]),
            "options": strings(
                {
                    "localnet_learn_fdb": "false",
                    "mcast_flood": "false",
                    "mcast_flood_reports": "true",
                    "network_name": PHYSNET,
                }
            ),
            "external_ids": strings({"neutron:provnet-physical-network": PHYSNET}),
        }

    def router_port(self, leg: RouterPort, network: Network) -> Row:
        """The Logical_Router_Port of one leg."""
        return {
            "name": leg.logical_router_port,
            "mac": leg.mac,
            "networks": members([leg.address]),
            "external_ids": strings(
                {
                    "neutron:is_ext_gw": str(leg is self.design.router.outside),
                    "neutron:network_name": network.logical_switch,
                    "neutron:revision_number": "4",
                    "neutron:router_name": self.design.router.logical_router,
                    "neutron:subnet_ids": network.subnet_id,
                }
            ),
        }

    def gateway_chassis(self) -> Row:
        """Where the gateway port is to live."""
        return {
            "name": f"{self.design.router.outside.logical_router_port}_{self.gateway}",
            "chassis_name": self.gateway,
            "priority": 1,
        }

    def floating_ip(self, vm: Vm, floating_ip: FloatingIp) -> Row:
        """The NAT row of a centralised floating IP."""
        return {
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
