"""Turns a :class:`~viftrail.lab.cloud.Cloud` into what its clients are told of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from viftrail.lab.design import BEYOND, PHYSNET, PROVIDER_BRIDGE
from viftrail.lab.machine import Machine
from viftrail.lab.node import Node
from viftrail.lab.qemu import QemuGuest
from viftrail.lab.rows import DROP_GROUP, revision_of
from viftrail.lab.status import (
    ExternalStatus,
    FloatingIpStatus,
    MachineRef,
    NetworkStatus,
    NodeStatus,
    ProviderStatus,
    RouterStatus,
    Status,
    VmStatus,
)

if TYPE_CHECKING:
    from viftrail.lab.cloud import Cloud
    from viftrail.lab.design import Network, Router, Vm
    from viftrail.lab.guest import Guest


def status_of(cloud: Cloud) -> Status:
    """The owner's view, with what is seen in the guests right now."""
    design = cloud.design
    network, provider, router = design.network, design.provider, design.router
    gateway = design.gateways[0]
    return Status(
        name=design.name,
        keeper=os.getpid(),
        nodes=tuple(node_status(node) for node in cloud.nodes.values()),
        vms=tuple(_vm(cloud, vm) for vm in cloud.vms.values()),
        networks=(
            _network(network, router),
            *([_network(design.vlan, None)] if design.vlan else []),
        ),
        routers=(
            RouterStatus(
                name=router.name,
                id=router.id,
                logical_router=router.logical_router,
                gateway_port=router.outside.logical_router_port,
                gateway_ip=router.outside.address.split("/")[0],
                gateway_node=gateway.name,
                gateway_chassis=str(gateway.system_id),
                gateway_nodes=tuple(node.name for node in design.gateways),
            ),
        ),
        floating_ips=tuple(
            FloatingIpStatus(
                ip=vm.floating_ip.address,
                id=vm.floating_ip.id,
                vm=vm.name,
                port_id=vm.port_id,
                fixed_ip=vm.ip,
                logical_router=router.logical_router,
            )
            for vm in cloud.vms.values()
            if vm.floating_ip
        ),
        provider=ProviderStatus(
            network=provider.name,
            id=provider.id,
            logical_switch=provider.logical_switch,
            physnet=PHYSNET,
            cidr=str(provider.cidr),
            mtu=provider.mtu,
            localnet_port=str(provider.localnet_port),
            bridge=PROVIDER_BRIDGE,
            nic="eth2",
            node=gateway.name,
        ),
        external=ExternalStatus(name="external", ip=provider.gateway, beyond=BEYOND),
        port_groups=(design.port_group, DROP_GROUP),
        broken=cloud.broken,
    )


def machines_of(cloud: Cloud) -> tuple[MachineRef, ...]:
    """How to get into every node and VM."""
    nodes = [_reference(node, node.design.role) for node in cloud.nodes.values()]
    guests = [_way_into(guest) for guest in cloud.guests.values()]
    return (*nodes, *guests, _reference(cloud.fabric, "fabric"))


def node_status(node: Node) -> NodeStatus:
    """A node with its folders."""
    return NodeStatus(
        name=node.name,
        role=node.design.role,
        mgmt_ip=node.design.management_ip,
        tunnel_ip=node.design.tunnel_ip,
        chassis=node.design.system_id,
        run_dir=str(node.run_dir),
        log_dir=str(node.log_dir),
        db_dir=str(node.db_dir),
    )


def _network(network: Network, router: Router | None) -> NetworkStatus:
    subnet6 = network.subnet6
    return NetworkStatus(
        name=network.name,
        id=network.id,
        subnet_id=network.subnet_id,
        cidr=str(network.cidr),
        gateway=network.gateway,
        mtu=network.mtu,
        logical_switch=network.logical_switch,
        router=router.name if router else "",
        router_id=router.id if router else "",
        logical_router=router.logical_router if router else "",
        logical_router_port=router.inside.logical_router_port if router else "",
        metadata_port=network.metadata_port,
        dhcp=True,
        cidr6=str(subnet6.cidr) if subnet6 else "",
        gateway6=subnet6.gateway if subnet6 else "",
        mode6=subnet6.mode if subnet6 else "",
        vlan=network.tag,
    )


def _vm(cloud: Cloud, vm: Vm) -> VmStatus:
    network, guest = cloud.design.network_of(vm), cloud.guests[vm.name]
    return VmStatus(
        name=vm.name,
        id=vm.id,
        host=vm.host,
        port_id=vm.port_id,
        tap=vm.tap,
        ovs_port=vm.ovs_port,
        mac=vm.mac,
        ip=vm.ip,
        cidr=f"{vm.ip}/{network.cidr.prefixlen}",
        network=network.name,
        hybrid=vm.hybrid,
        security_groups=(cloud.design.port_group,),
        floating_ip=vm.floating_ip.address if vm.floating_ip else None,
        lease=guest.lease,
        mac_in_guest=guest.mac_of("eth0"),
        mtu_in_guest=guest.mtu_of("eth0"),
        revision=revision_of(vm),
        ip6=vm.ip6,
        cidr6=f"{vm.ip6}/{network.subnet6.cidr.prefixlen}" if network.subnet6 else "",
        address6=guest.address6,
        qemu=vm.qemu,
        console=str(guest.console) if isinstance(guest, QemuGuest) else None,
    )


def _way_into(guest: Guest) -> MachineRef:
    if isinstance(guest, Machine):
        return _reference(guest, "vm")
    serial = str(guest.serial) if isinstance(guest, QemuGuest) else None
    return MachineRef(
        name=guest.name, role="vm", net="", mnt="", uts="", environment={}, serial=serial
    )


def _reference(machine: Machine, role: str) -> MachineRef:
    node = machine if isinstance(machine, Node) else None
    namespaces = machine.namespaces
    net, mnt, uts = (
        f"/proc/{os.getpid()}/fd/{fd}" for fd in (namespaces.net, namespaces.mnt, namespaces.uts)
    )
    return MachineRef(
        name=machine.name,
        role=role,
        net=net,
        mnt=mnt,
        uts=uts,
        environment=machine.environment,
        run_dir=str(node.run_dir) if node else None,
        log_dir=str(node.log_dir) if node else None,
        db_dir=str(node.db_dir) if node else None,
    )
