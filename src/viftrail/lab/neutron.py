"""Neutron's part: what the ML2/OVN driver writes to the northbound database.

What a row holds is in :mod:`rows`; which rows there are, and how they hang
together, is here.

The lab keeps what it *wants* here and in :mod:`design`, apart from what the
database holds: a port that vanished from the database is still a port to its owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import NORTHBOUND, Ovsdb, Transaction, members, strings
from viftrail.lab.rows import DROP_GROUP, NB_GLOBAL_OPTIONS, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from viftrail.lab.design import Design, FloatingIp, Network, Vm
    from viftrail.lab.node import Controller
    from viftrail.lab.ovsdb import Json, Row


class Neutron:
    """Writes one design to the northbound database of one controller."""

    def __init__(self, design: Design, controller: Controller) -> None:
        """The first of the design's gateways gets the router's gateway port."""
        self.design = design
        self.gateway_node = design.gateways[0].name
        self._rows = Rows(design, str(design.gateways[0].system_id))
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
            ["external_ids", "insert", strings({"neutron:fip-distributed": str(design.shape.dvr)})],
        )
        dhcp_options, dhcpv6_options = self._insert_options(transaction)
        ports: list[Json] = []
        public_ports: list[Json] = []
        nat = [transaction.insert("NAT", **self._rows.snat())]
        for network, target in ((design.network, ports), (design.provider, public_ports)):
            metadata = self._rows.metadata_port(network)
            target.append(transaction.insert("Logical_Switch_Port", **metadata))
        vms = tuple(vms)
        for vm in vms:
            if vm.direct:
                continue
            row = self._rows.port(vm, dhcp_options, dhcpv6_options=dhcpv6_options)
            ports.append(transaction.insert("Logical_Switch_Port", **row))
            if vm.floating_ip:
                nat.append(transaction.insert("NAT", **self._nat(vm, vm.floating_ip)))
        vm_ports = ports[1:]
        for network, leg, target in (
            (design.network, design.router.inside, ports),
            (design.provider, design.router.outside, public_ports),
        ):
            row = self._rows.router_leg(leg, network, self.gateway_node)
            target.append(transaction.insert("Logical_Switch_Port", **row))
        localnet = self._rows.localnet_port(design.provider)
        public_ports.append(transaction.insert("Logical_Switch_Port", **localnet))
        for network, content in ((design.network, ports), (design.provider, public_ports)):
            transaction.insert("Logical_Switch", **self._rows.switch(network, content))
        if design.vlan:
            vm_ports += self._insert_vlan(transaction, design.vlan, [vm for vm in vms if vm.direct])
        self._insert_router(transaction, nat)
        self._insert_groups(transaction, vm_ports)
        with self.open() as northbound:
            northbound.commit(transaction)

    def _insert_options(self, transaction: Transaction) -> tuple[Json, Json]:
        """The DHCP_Options of the tenant's subnets, the second of which it may not have."""
        subnet6 = self.design.network.subnet6
        return (
            transaction.insert("DHCP_Options", **self._rows.dhcp_options()),
            transaction.insert("DHCP_Options", **self._rows.dhcpv6_options(subnet6))
            if subnet6
            else None,
        )

    def _insert_vlan(
        self, transaction: Transaction, network: Network, vms: Iterable[Vm]
    ) -> list[Json]:
        """A provider network with VMs on it; the ports of these."""
        options = transaction.insert("DHCP_Options", **self._rows.dhcp_options(network))
        ports = [
            transaction.insert(
                "Logical_Switch_Port", **self._rows.port(vm, options, network=network)
            )
            for vm in vms
        ]
        fixtures = [
            transaction.insert("Logical_Switch_Port", **row)
            for row in (self._rows.metadata_port(network), self._rows.localnet_port(network))
        ]
        row = self._rows.switch(network, [*ports, *fixtures])
        transaction.insert("Logical_Switch", **row)
        return ports

    def _insert_router(self, transaction: Transaction, nat: list[Json]) -> None:
        design, router = self.design, self.design.router
        inside = transaction.insert(
            "Logical_Router_Port", **self._rows.router_port(router.inside, design.network)
        )
        outside = transaction.insert(
            "Logical_Router_Port",
            **self._schedule(transaction),
            options=strings({"gateway_mtu": str(design.network.mtu)}),
            **self._rows.router_port(router.outside, design.provider),
        )
        route = transaction.insert("Logical_Router_Static_Route", **self._rows.default_route())
        transaction.insert("Logical_Router", **self._rows.router([inside, outside], [route], nat))

    def _schedule(self, transaction: Transaction) -> Row:
        """What the gateway port says of the chassis that may host it, and the rows it names."""
        nodes = self.design.gateways
        ranked = [(str(node.system_id), len(nodes) - rank) for rank, node in enumerate(nodes)]
        if self.design.shape.ha_groups:
            choices = [
                transaction.insert("HA_Chassis", **self._rows.ha_chassis(*r)) for r in ranked
            ]
            group = transaction.insert("HA_Chassis_Group", **self._rows.ha_chassis_group(choices))
            return {"ha_chassis_group": members([group]), "gateway_chassis": members([])}
        choices = [
            transaction.insert("Gateway_Chassis", **self._rows.gateway_chassis(*r)) for r in ranked
        ]
        return {"gateway_chassis": members(choices), "ha_chassis_group": members([])}

    def _nat(self, vm: Vm, floating_ip: FloatingIp) -> Row:
        """With external_mac in any case: what somebody else put there is taken away."""
        row = self._rows.floating_ip(vm, floating_ip, distributed=self.design.shape.dvr)
        return {"external_mac": members([]), **row}

    def _insert_groups(self, transaction: Transaction, ports: list[Json]) -> None:
        drops = [transaction.insert("ACL", **row) for row in self._rows.drop_rules()]
        transaction.insert("Port_Group", **self._rows.drop_group(drops, ports))
        rules = [transaction.insert("ACL", **self._rows.rule(rule)) for rule in self.design.rules]
        group = self.design.security_group
        transaction.insert("Port_Group", **self._rows.group(group, rules, ports))

    # Ports --------------------------------------------------------------------

    def ensure_port(self, vm: Vm) -> None:
        """Makes a VM's port, its groups and its floating IP what they should be.

        What ``neutron-ovn-db-sync-util`` in repair mode does, for one port.
        """
        network = self.design.network_of(vm)
        with self.open() as northbound:
            transaction = Transaction()
            options = _ensure_options(
                northbound,
                transaction,
                self._rows.subnet_key(network),
                self._rows.dhcp_options(network),
            )
            options6: Json = None
            if subnet6 := network.subnet6:
                options6 = _ensure_options(
                    northbound,
                    transaction,
                    self._rows.subnet6_key(subnet6),
                    self._rows.dhcpv6_options(subnet6),
                )
            row = self._rows.port(vm, options, network=network, dhcpv6_options=options6)
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
                    [["name", "==", network.logical_switch]],
                    ["ports", "insert", members([port])],
                )
            for group in (self.design.port_group, DROP_GROUP):
                transaction.mutate(
                    "Port_Group", [["name", "==", group]], ["ports", "insert", members([port])]
                )
            if vm.floating_ip:
                self._ensure_floating_ip(northbound, transaction, vm, vm.floating_ip)
            else:
                _unlink(northbound, transaction, *_floating_ips(vm))
            northbound.commit(transaction)

    def _ensure_floating_ip(
        self, northbound: Ovsdb, transaction: Transaction, vm: Vm, floating_ip: FloatingIp
    ) -> None:
        row = self._nat(vm, floating_ip)
        where = [["type", "==", row["type"]], ["external_ip", "==", row["external_ip"]]]
        if northbound.select("NAT", where, "_uuid"):
            transaction.update("NAT", where, **row)
        else:
            transaction.mutate(
                "Logical_Router",
                [["name", "==", self.design.router.logical_router]],
                ["nat", "insert", members([transaction.insert("NAT", **row)])],
            )

    def metadata_has_address(self, name: str) -> bool:
        """Whether the metadata port of that name has an IP address in the database."""
        with self.open() as northbound:
            (row,) = northbound.select("Logical_Switch_Port", [["name", "==", name]], "addresses")
        return "." in str(row["addresses"])

    def delete_port(self, vm: Vm) -> None:
        """Takes a VM's port and its floating IP out of the database, if they are there."""
        with self.open() as northbound:
            transaction = Transaction()
            port = ["name", "==", vm.port_id]
            _unlink(northbound, transaction, "Logical_Switch_Port", "Logical_Switch", "ports", port)
            _unlink(northbound, transaction, *_floating_ips(vm))
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

    def ensure_rules(self) -> None:
        """Writes the rules of the security group as they should be."""
        with self.open() as northbound:
            transaction = Transaction()
            rules = [
                transaction.insert("ACL", **self._rows.rule(rule)) for rule in self.design.rules
            ]
            group = [["name", "==", self.design.port_group]]
            transaction.update("Port_Group", group, acls=members(rules))
            northbound.commit(transaction)

    def ensure_advertisements(self) -> None:
        """Has the router advertise itself in the tenant network as it should."""
        leg = [["name", "==", self.design.router.inside.logical_router_port]]
        configs = strings(self._rows.ra_configs(self.design.network))
        with self.open() as northbound:
            transaction = Transaction()
            transaction.update("Logical_Router_Port", leg, ipv6_ra_configs=configs)
            northbound.commit(transaction)

    def ensure_gateway(self) -> None:
        """Schedules the router's gateway port as it should be, and to nobody else."""
        leg = [["name", "==", self.design.router.outside.logical_router_port]]
        group = [["name", "==", self.design.router.logical_router]]
        with self.open() as northbound:
            transaction = Transaction()
            # A group is a root, the chassis in it and Gateway_Chassis are not: unlinked, they go.
            transaction.update(
                "Logical_Router_Port",
                leg,
                gateway_chassis=members([]),
                ha_chassis_group=members([]),
            )
            transaction.delete("HA_Chassis_Group", group)
            northbound.commit(transaction)
            transaction = Transaction()
            transaction.update("Logical_Router_Port", leg, **self._schedule(transaction))
            northbound.commit(transaction)


def _ensure_options(
    northbound: Ovsdb, transaction: Transaction, key: dict[str, str], row: Row
) -> Json:
    """The DHCP_Options row of a subnet, made where it is not there."""
    where = [["external_ids", "includes", strings(key)]]
    found = northbound.select("DHCP_Options", where, "_uuid")
    return ["uuid", found[0]["_uuid"]] if found else transaction.insert("DHCP_Options", **row)


def _floating_ips(vm: Vm) -> tuple[str, str, str, Json]:
    """The NAT rows of a VM: their table, the table and column that hold them, and which."""
    return "NAT", "Logical_Router", "nat", ["logical_port", "==", vm.port_id]


def _unlink(
    northbound: Ovsdb, transaction: Transaction, table: str, parent: str, column: str, where: Json
) -> None:
    """Deletes rows of a table that has no roots: nothing but a parent keeps them."""
    for row in northbound.select(table, [where], "_uuid"):
        unlinked = members([["uuid", row["_uuid"]]])
        transaction.mutate(parent, [], [column, "delete", unlinked])
