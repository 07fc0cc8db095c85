"""S9: DHCP, port security and security groups, all answered on the VM's own host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim


@provocation("dhcp-options-missing", "the VM's port lost its reference to DHCP_Options", ("dhcp",))
def clear_dhcp(victim: Victim) -> Undo:
    """As with ``openstack subnet set --no-dhcp``, only that Neutron does not know of it."""
    victim.cloud.controller.run(
        *("ovn-nbctl", "--wait=hv", "clear", "Logical_Switch_Port"),
        *(victim.vm.port_id, "dhcpv4_options"),
    )
    victim.guest.ask_for_lease()
    return victim.repair_port


@provocation(
    "portsec-mac-mismatch", "the guest uses a MAC address that is not its port's", ALL_PATHS
)
def change_mac(victim: Victim) -> Undo:
    """As a guest does that was made from another's snapshot."""
    vm = victim.vm
    # QEMU's prefix instead of Neutron's: nobody else in the lab has it.
    victim.guest.set_mac("52:54:00" + vm.mac[8:])
    victim.guest.ask_for_lease()

    def undo() -> None:
        if victim.exists and victim.guest.mac_of("eth0") not in (None, victim.vm.mac):
            victim.guest.set_mac(victim.vm.mac)
            victim.guest.ask_for_lease()

    return undo


@provocation(
    "sg-egress-missing",
    "the VM's port is in no security group any more, but still in neutron_pg_drop",
    ALL_PATHS,
)
def leave_group(victim: Victim) -> Undo:
    """What a security group without rules comes to."""
    cloud = victim.cloud
    port = cloud.controller.run(
        *("ovn-nbctl", "--bare", "--columns=_uuid", "find", "Logical_Switch_Port"),
        f"name={victim.vm.port_id}",
    ).strip()
    cloud.controller.run(
        *("ovn-nbctl", "--wait=hv", "remove", "Port_Group", cloud.design.port_group),
        *("ports", port),
    )
    victim.guest.ask_for_lease()
    return victim.repair_port
