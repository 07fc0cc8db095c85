"""What the clients of an OpenStack lab are told of it: Nova's and Neutron's own answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from viftrail.lab import inventory
from viftrail.lab.design import (
    BEYOND,
    PHYSNET,
    PROVIDER,
    PROVIDER_BRIDGE,
    TENANT,
    port_group,
)
from viftrail.lab.rows import DROP_GROUP
from viftrail.lab.status import (
    ExternalStatus,
    FloatingIpStatus,
    NetworkStatus,
    ProviderStatus,
    RouterStatus,
    Status,
    VmStatus,
)

if TYPE_CHECKING:
    from viftrail.lab.design import Vm
    from viftrail.lab.openstack.cloud import OpenStackCloud


def status_of(cloud: OpenStackCloud) -> Status:
    """The same fields as of every lab."""
    design, seen = cloud.design, cloud.view
    net, public, router = seen["network"], seen["public"], seen["router"]
    gateway = design.gateways[0]
    return Status(
        name=design.name,
        keeper=os.getpid(),
        nodes=tuple(inventory.node_status(node) for node in cloud.nodes.values()),
        vms=tuple(_vm(cloud, vm) for vm in cloud.vms.values()),
        networks=(
            NetworkStatus(
                name="net1",
                id=net["id"],
                subnet_id=net["subnet"],
                cidr=str(TENANT),
                gateway=str(TENANT[1]),
                mtu=net["mtu"],
                logical_switch=f"neutron-{net['id']}",
                router="router1",
                router_id=router["id"],
                logical_router=f"neutron-{router['id']}",
                logical_router_port=f"lrp-{router['inside']}",
                metadata_port=seen["metadata_port"],
                dhcp=True,
            ),
        ),
        routers=(
            RouterStatus(
                name="router1",
                id=router["id"],
                logical_router=f"neutron-{router['id']}",
                gateway_port=f"lrp-{router['outside']}",
                gateway_ip=router["address"],
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
                logical_router=f"neutron-{router['id']}",
            )
            for vm in cloud.vms.values()
            if vm.floating_ip
        ),
        provider=ProviderStatus(
            network="public",
            id=public["id"],
            logical_switch=f"neutron-{public['id']}",
            physnet=PHYSNET,
            cidr=str(PROVIDER),
            mtu=public["mtu"],
            localnet_port=f"provnet-{public['segment']}",
            bridge=PROVIDER_BRIDGE,
            nic="eth2",
            node=gateway.name,
        ),
        external=ExternalStatus(name="external", ip=str(PROVIDER[1]), beyond=BEYOND),
        port_groups=(
            *{port_group(group) for server in seen["servers"] for group in server["groups"]},
            DROP_GROUP,
        ),
        broken=cloud.broken,
        clouds=str(cloud.services.clouds),
    )


def _vm(cloud: OpenStackCloud, vm: Vm) -> VmStatus:
    server = next(each for each in cloud.view["servers"] if each["id"] == vm.id)
    prefix = server["cidr"].partition("/")[2]
    return VmStatus(
        name=vm.name,
        id=vm.id,
        host=vm.host,
        port_id=vm.port_id,
        tap=vm.tap,
        ovs_port=vm.ovs_port,
        mac=vm.mac,
        ip=vm.ip,
        cidr=f"{vm.ip}/{prefix}" if prefix else "",
        network=server["network"],
        hybrid=False,
        security_groups=tuple(port_group(group) for group in server["groups"]),
        floating_ip=vm.floating_ip.address if vm.floating_ip else None,
        lease=cloud.lease_of(vm.name) or None,
        mac_in_guest=None,
        revision=server["revision"],
    )
