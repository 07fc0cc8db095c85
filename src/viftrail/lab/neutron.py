"""Neutron's part: what the ML2/OVN driver writes to the northbound database.

What a row holds is in :mod:`rows`; which rows there are, and how they hang
together, is here.

The lab keeps what it *wants* here and in :mod:`design`, apart from what the
database holds: a port that vanished from the database is still a port to its owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.design import PHYSNET
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import NORTHBOUND, Ovsdb, Transaction, members, strings
from viftrail.lab.rows import NB_GLOBAL_OPTIONS, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from viftrail.lab.design import Design, FloatingIp, Network, NodeDesign, RouterPort, Vm
    from viftrail.lab.node import Controller
    from viftrail.lab.ovsdb import Json

DROP_GROUP = "neutron_pg_drop"
_RULE_PRIORITY = 1002
_DROP_PRIORITY = 1000


class Neutron:
    """Writes one design to the northbound database of one controller."""

    def __init__(self, design: Design, controller: Controller, gateway: NodeDesign) -> None:
        """``gateway`` is the node that gets the router's gateway port."""
        self.design = design
        self.gateway_node = gateway.name
        self._rows = Rows(design, str(gateway.system_id))
        self._controller = controller

    def open(self) -> Ovsdb:
        """Connects to the northbound database."""
        return self._controller.open(NORTHBOUND)

    # Networks -----------------------------------------------------------------

    def create_cloud(self, vms: Iterable[Vm]) -> None:
        """Writes networks, router, security groups and the first VMs in one transaction."""
        design, transaction = self.design, Transaction()
        # Inserted, not overwritten: ovn-northd keeps options of its own there.
        transaction.mutate(
            "NB_Global",
            [],
            ["options", "insert", strings(NB_GLOBAL_OPTIONS)],
            ["external_ids", "insert", strings({"neutron:fip-distributed": "False"})],
        )
        dhcp_options = transaction.insert("DHCP_Options", **self._rows.dhcp_options())
        ports: list[Json] = []
        public_ports: list[Json] = []
        nat = [self._insert_snat(transaction)]
        for network, target in ((design.network, ports), (design.provider, public_ports)):
            metadata = self._rows.metadata_port(network)
            target.append(transaction.insert("Logical_Switch_Port", **metadata))
        for vm in vms:
            ports.append(
                transaction.insert("Logical_Switch_Port", **self._rows.port(vm, dhcp_options))
            )
            if vm.floating_ip:
                nat.append(transaction.insert("NAT", **self._rows.floating_ip(vm, vm.floating_ip)))
        vm_ports = ports[1:]
        ports.append(self._insert_router_leg(transaction, design.network, design.router.inside))
        public_ports.append(
            self._insert_router_leg(transaction, design.provider, design.router.outside)
        )
        public_ports.append(transaction.insert("Logical_Switch_Port", **self._rows.localnet_port()))
        for network, content in ((design.network, ports), (design.provider, public_ports)):
            self._insert_switch(transaction, network, content)
        self._insert_router(transaction, nat)
        self._insert_groups(transaction, vm_ports)
        with self.open() as northbound:
            northbound.commit(transaction)

    def _insert_switch(self, transaction: Transaction, network: Network, ports: list[Json]) -> None:
        external_ids = {
            "neutron:availability_zone_hints": "",
            "neutron:mtu": str(network.mtu),
            "neutron:network_name": network.name,
            "neutron:provnet-network-type": network.type,
            "neutron:revision_number": "2",
        }
        if network.segment_id:
            external_ids["neutron:provnet-physical-network"] = PHYSNET
        transaction.insert(
            "Logical_Switch",
            name=network.logical_switch,
            ports=members(ports),
            external_ids=strings(external_ids),
            other_config=strings(
                {
                    "mcast_flood_unregistered": "false",
                    "mcast_snoop": "false",
                    "vlan-passthru": "false",
                }
            ),
        )

    def _insert_router(self, transaction: Transaction, nat: list[Json]) -> None:
        design, router = self.design, self.design.router
        inside = transaction.insert(
            "Logical_Router_Port", **self._rows.router_port(router.inside, design.network)
        )
        gateway = transaction.insert("Gateway_Chassis", **self._rows.gateway_chassis())
        outside = transaction.insert(
            "Logical_Router_Port",
            gateway_chassis=members([gateway]),
            options=strings({"gateway_mtu": str(design.network.mtu)}),
            **self._rows.router_port(router.outside, design.provider),
        )
        route = transaction.insert(
            "Logical_Router_Static_Route",
            ip_prefix="0.0.0.0/0",
            nexthop=design.provider.gateway,
            external_ids=strings(
                {
                    "neutron:is_ext_gw": "true",
                    "neutron:subnet_id": design.provider.subnet_id,
                }
            ),
        )
        transaction.insert(
            "Logical_Router",
            name=router.logical_router,
            enabled=True,
            ports=members([inside, outside]),
            static_routes=members([route]),
            nat=members(nat),
            options=strings(
                {"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"}
            ),
            external_ids=strings(
                {
                    "neutron:availability_zone_hints": "",
                    "neutron:gw_network_id": design.provider.id,
                    "neutron:gw_port_id": router.outside.id,
                    "neutron:revision_number": "3",
                    "neutron:router_name": router.name,
                }
            ),
        )

    def _insert_router_leg(
        self, transaction: Transaction, network: Network, leg: RouterPort
    ) -> Json:
        """The switch's side of a router port."""
        is_gateway = leg is self.design.router.outside
        options = {"router-port": leg.logical_router_port}
        external_ids = self._rows.port_keys(
            network,
            device_id=self.design.router.id,
            device_owner="network:router_gateway" if is_gateway else "network:router_interface",
            cidrs=leg.address,
            revision=4,
        )
        if is_gateway:
            options |= {
                "nat-addresses": "router",
                "exclude-lb-vips-from-garp": "true",
                "requested-chassis": self.gateway_node,
            }
            external_ids |= {"neutron:project_id": "", "neutron:host_id": self.gateway_node}
        return transaction.insert(
            "Logical_Switch_Port",
            name=leg.id,
            type="router",
            addresses=members(["router"]),
            enabled=True,
            options=strings(options),
            external_ids=strings(external_ids),
        )

    def _insert_snat(self, transaction: Transaction) -> Json:
        address = self.design.router.outside.address.split("/")[0]
        return transaction.insert(
            "NAT", type="snat", external_ip=address, logical_ip=str(self.design.network.cidr)
        )

    def _insert_groups(self, transaction: Transaction, ports: list[Json]) -> None:
        design = self.design
        drops = [
            transaction.insert(
                "ACL",
                action="drop",
                priority=_DROP_PRIORITY,
                direction=direction,
                match=f"{side} == @{DROP_GROUP} && ip",
            )
            for direction, side in (("from-lport", "inport"), ("to-lport", "outport"))
        ]
        transaction.insert("Port_Group", name=DROP_GROUP, acls=members(drops), ports=members(ports))
        rules = [
            transaction.insert(
                "ACL",
                action="allow-related",
                priority=_RULE_PRIORITY,
                direction=rule.direction,
                match=rule.match,
                external_ids=strings({"neutron:security_group_rule_id": rule.id}),
            )
            for rule in design.rules
        ]
        transaction.insert(
            "Port_Group",
            name=design.port_group,
            acls=members(rules),
            ports=members(ports),
            external_ids=strings({"neutron:security_group_id": design.security_group}),
        )

    # Ports --------------------------------------------------------------------

    def ensure_port(self, vm: Vm) -> None:
        """Makes a VM's port, its groups and its floating IP what they should be.

        What ``neutron-ovn-db-sync-util`` in repair mode does, for one port.
        """
        with self.open() as northbound:
            transaction = Transaction()
            found = northbound.select(
                "DHCP_Options",
                [["external_ids", "includes", strings(self._rows.subnet_key())]],
                "_uuid",
            )
            options: Json = (
                ["uuid", found[0]["_uuid"]]
                if found
                else transaction.insert("DHCP_Options", **self._rows.dhcp_options())
            )
            row = self._rows.port(vm, options)
            existing = northbound.select(
                "Logical_Switch_Port", [["name", "==", vm.port_id]], "_uuid"
            )
            if existing:
                port: Json = ["uuid", existing[0]["_uuid"]]
                transaction.update("Logical_Switch_Port", [["_uuid", "==", port]], **row)
            else:
                port = transaction.insert("Logical_Switch_Port", **row)
                transaction.mutate(
                    "Logical_Switch",
                    [["name", "==", self.design.network.logical_switch]],
                    ["ports", "insert", members([port])],
                )
            for group in (self.design.port_group, DROP_GROUP):
                transaction.mutate(
                    "Port_Group", [["name", "==", group]], ["ports", "insert", members([port])]
                )
            if vm.floating_ip:
                self._ensure_floating_ip(northbound, transaction, vm, vm.floating_ip)
            northbound.commit(transaction)

    def _ensure_floating_ip(
        self, northbound: Ovsdb, transaction: Transaction, vm: Vm, floating_ip: FloatingIp
    ) -> None:
        row = self._rows.floating_ip(vm, floating_ip)
        where = [["type", "==", row["type"]], ["external_ip", "==", row["external_ip"]]]
        if northbound.select("NAT", where, "_uuid"):
            transaction.update("NAT", where, **row)
        else:
            transaction.mutate(
                "Logical_Router",
                [["name", "==", self.design.router.logical_router]],
                ["nat", "insert", members([transaction.insert("NAT", **row)])],
            )

    def delete_port(self, vm: Vm) -> None:
        """Takes a VM's port and its floating IP out of the database, if they are there."""
        with self.open() as northbound:
            transaction = Transaction()
            for table, parent, column, where in (
                ("Logical_Switch_Port", "Logical_Switch", "ports", ["name", "==", vm.port_id]),
                ("NAT", "Logical_Router", "nat", ["logical_port", "==", vm.port_id]),
            ):
                # Rows of neither table are roots: to unlink one is to delete it.
                for row in northbound.select(table, [where], "_uuid"):
                    unlinked = members([["uuid", row["_uuid"]]])
                    transaction.mutate(parent, [], [column, "delete", unlinked])
            if transaction.operations:
                northbound.commit(transaction)

    def wait_up(self, vms: Iterable[Vm], timeout: float) -> bool:
        """Waits until the Logical_Switch_Ports of the VMs are up."""
        wanted = {vm.port_id for vm in vms}
        with self.open() as northbound:

            def up() -> bool:
                rows = northbound.select("Logical_Switch_Port", [["up", "==", True]], "name")
                return wanted <= {row["name"] for row in rows}

            return wait_until(up, timeout)

    def ensure_gateway(self) -> None:
        """Schedules the router's gateway port as it should be."""
        with self.open() as northbound:
            row, transaction = self._rows.gateway_chassis(), Transaction()
            if northbound.select("Gateway_Chassis", [["name", "==", row["name"]]], "_uuid"):
                transaction.update("Gateway_Chassis", [["name", "==", row["name"]]], **row)
            else:
                gateway = transaction.insert("Gateway_Chassis", **row)
                transaction.update(
                    "Logical_Router_Port",
                    [["name", "==", self.design.router.outside.logical_router_port]],
                    gateway_chassis=members([gateway]),
                )
            northbound.commit(transaction)
