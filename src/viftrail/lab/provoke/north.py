"""S11 to S13: the router's gateway, the provider network and floating IPs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.errors import UsageError
from viftrail.lab.design import PROVIDER_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.provoke.registry import DIRECT, NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.provoke.registry import Undo, Victim

_FLOATING = ("floating-ip-icmp", "floating-ip-tcp")


def gateway_of(victim: Victim) -> Chassis:
    """The chassis that hosts the router's gateway."""
    return next(node for node in victim.cloud.chassis if node.design.role == "network")


def provider_host(victim: Victim) -> Chassis:
    """The chassis where the victim meets the provider network: its own if it is directly on it."""
    return victim.host if victim.direct else gateway_of(victim)


def await_unpatched(victim: Victim) -> None:
    """Wait until that chassis's provider bridge has lost its patch port.

    In its first ten seconds ovn-controller spares what it may not have heard of yet
    (lib/ovn-util.c, daemon_started_recently), and it counts its own rounds as well: each
    sync is one.
    """
    gateway = provider_host(victim)

    def gone() -> bool:
        follow = ("ovn-nbctl", "--wait=hv", "--timeout=5", "sync")
        victim.cloud.controller.run(*follow, check=False)
        return "patch-" not in gateway.vsctl("list-ports", PROVIDER_BRIDGE)

    wait_until(gone, 25.0, pause=0.1)


@provocation(
    "router-no-gateway-chassis",
    "the router's gateway port is scheduled to no chassis",
    NORTH_SOUTH,
    needs_vm=False,
)
def unschedule(victim: Victim) -> Undo:
    """As when no chassis had enable-chassis-as-gw at the time."""
    cloud = victim.cloud
    cloud.controller.nbctl(
        *("clear", "Logical_Router_Port"),
        *(cloud.design.router.outside.logical_router_port, "gateway_chassis"),
    )
    return cloud.neutron.ensure_gateway


@provocation(
    "prov-mapping-missing",
    "the chassis at the provider network has lost its ovn-bridge-mappings",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=DIRECT,
)
def unmap(victim: Victim) -> Undo:
    """The physical network has no bridge any more, and OVN takes its patch port away."""
    gateway = provider_host(victim)
    gateway.vsctl("remove", "Open_vSwitch", ".", "external_ids", "ovn-bridge-mappings")
    await_unpatched(victim)
    return gateway.restore_settings


@provocation(
    "prov-nic-not-in-bridge",
    "the physical card of the chassis at the provider network is not in its provider bridge",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=DIRECT,
)
def pull_card(victim: Victim) -> Undo:
    """As after a reboot with a half-written network configuration."""
    gateway = provider_host(victim)
    gateway.vsctl("del-port", PROVIDER_BRIDGE, "eth2")
    return gateway.restore_settings


@provocation("fip-nat-row-missing", "the NAT row of the VM's floating IP was deleted", _FLOATING)
def lose_floating_ip(victim: Victim) -> Undo:
    """Neutron still has the floating IP associated."""
    floating_ip = victim.vm.floating_ip
    if floating_ip is None:
        raise UsageError(
            f"{victim.name} has no floating IP.", "Boot a VM with --floating-ip, or take vm1."
        )
    victim.cloud.controller.nbctl(
        *("lr-nat-del", victim.cloud.design.router.logical_router),
        *("dnat_and_snat", floating_ip.address),
    )
    return victim.repair_port
