"""S9 over IPv6: router advertisements, DHCPv6, and security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail.lab.provoke.registry import provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_DUAL: Final = Shape(ipv6=True)
#: The paths of a guest that takes part in IPv6.
_PATHS6: Final = ("gateway6", "same-host6", "other-host6")


@provocation(
    "ipv6-ra-missing",
    "the router's port has lost its address mode, and the VM's link came back",
    _PATHS6,
    needs=_DUAL,
)
def stop_advertising(victim: Victim) -> Undo:
    """The other guests keep what they were told before."""
    cloud = victim.cloud
    leg = cloud.design.router.inside.logical_router_port
    victim.nbctl("remove", "Logical_Router_Port", leg, "ipv6_ra_configs", "address_mode")
    victim.guest.solicit_router()
    return cloud.neutron.ensure_advertisements


@provocation(
    "dhcpv6-options-missing",
    "the VM's port lost its reference to the DHCP_Options of its IPv6 subnet",
    ("dhcp6",),
    needs=_DUAL,
)
def clear_dhcpv6(victim: Victim) -> Undo:
    """The guest's address stays: it made that itself."""
    victim.nbctl("clear", "Logical_Switch_Port", victim.vm.port_id, "dhcpv6_options")
    return victim.repair_port


@provocation(
    "dhcpv6-options-incomplete",
    "the DHCP_Options of the IPv6 subnet have lost their server_id",
    ("dhcp6",),
    needs_vm=False,
    needs=_DUAL,
)
def drop_server_id(victim: Victim) -> Undo:
    """Without it, which is mandatory, the whole subnet has no DHCPv6 flows."""
    network = victim.cloud.design.network
    cidr = str(network.subnet6.cidr) if network.subnet6 else ""
    row = victim.row("DHCP_Options", f'cidr="{cidr}"')
    server = victim.nbctl("get", "DHCP_Options", row, "options:server_id")
    victim.nbctl("remove", "DHCP_Options", row, "options", "server_id")

    def undo() -> None:
        victim.nbctl("set", "DHCP_Options", row, f"options:server_id={server}")

    return undo


@provocation(
    "sg-egress-version-missing",
    "the VMs' security group has lost its egress rule for IPv6",
    _PATHS6,
    needs_vm=False,
    needs=_DUAL,
)
def forbid_ipv6(victim: Victim) -> Undo:
    """As ``openstack security group rule delete`` of one of the two default rules."""
    cloud = victim.cloud
    group = cloud.design.port_group
    rule = ("from-lport", "1002", f"inport == @{group} && ip6")
    victim.nbctl("--type=port-group", "acl-del", group, *rule)
    return cloud.neutron.ensure_rules
