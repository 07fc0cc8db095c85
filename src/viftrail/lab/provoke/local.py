"""S9: DHCP, port security and security groups, all answered on the VM's own host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.design import port_group
from viftrail.lab.provoke.registry import ALL_PATHS, provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: Of the subnet, outside its allocation pool.
_UNUSED = 200


@provocation("dhcp-options-missing", "the VM's port lost its reference to DHCP_Options", ("dhcp",))
def clear_dhcp(victim: Victim) -> Undo:
    """As with ``openstack subnet set --no-dhcp``, only that Neutron does not know of it."""
    victim.cloud.controller.nbctl(
        *("clear", "Logical_Switch_Port"),
        *(victim.vm.port_id, "dhcpv4_options"),
    )
    victim.ask_for_lease()
    return victim.repair_port


@provocation(
    "portsec-mac-mismatch", "the guest uses a MAC address that is not its port's", ALL_PATHS
)
def change_mac(victim: Victim) -> Undo:
    """As a guest does that was made from another's snapshot."""
    vm = victim.vm
    # QEMU's prefix instead of Neutron's: nobody else in the lab has it.
    victim.guest.set_mac("52:54:00" + vm.mac[8:])
    victim.ask_for_lease()

    def undo() -> None:
        if victim.exists and victim.guest.mac_of("eth0") not in (None, victim.vm.mac):
            victim.guest.set_mac(victim.vm.mac)
            victim.ask_for_lease()

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
    cloud.controller.nbctl(
        *("remove", "Port_Group", cloud.design.port_group),
        *("ports", port),
    )
    victim.ask_for_lease()
    return victim.repair_port


@provocation(
    "metadata-not-provisioned",
    "the metadata agent on the VM's host has not plugged the network's metadata port",
    ("metadata",),
)
def unplug_metadata(victim: Victim) -> Undo:
    """As when the agent died before the host's first VM of the network."""
    service = victim.cloud.metadata_for(victim.vm)
    if service is None:
        raise LabError(f"{victim.vm.host} has no metadata service.", "Boot a VM on it first.")
    service.unplug()
    return service.plug


@provocation(
    "dhcp-options-foreign",
    "the VM's port refers to the DHCP options of another subnet",
    ("dhcp",),
)
def serve_foreign_subnet(victim: Victim) -> Undo:
    """As after a port was moved to another subnet, and only half of it was written."""
    run = victim.cloud.controller.run
    foreign = run(
        *("ovn-nbctl", "create", "DHCP_Options", "cidr=192.168.77.0/24"),
        *("options:server_id=192.168.77.1", 'options:server_mac="fa:16:3e:77:00:01"'),
        *("options:lease_time=43200", "options:router=192.168.77.1"),
    ).strip()
    victim.cloud.controller.nbctl("lsp-set-dhcpv4-options", victim.vm.port_id, foreign)
    victim.ask_for_lease()

    def undo() -> None:
        victim.repair_port()
        run("ovn-nbctl", "--if-exists", "destroy", "DHCP_Options", foreign)

    return undo


@provocation(
    "sg-ingress-missing",
    "the VMs' security group has lost its rules for what comes in",
    ("same-host", "other-host", "floating-ip-icmp", "floating-ip-tcp"),
    needs_vm=False,
)
def close_ingress(victim: Victim) -> Undo:
    """What ``openstack security group create`` makes, before any rule is added."""
    cloud = victim.cloud
    group = cloud.design.port_group
    cloud.controller.nbctl("acl-del", group, "to-lport")
    return cloud.neutron.ensure_rules


@provocation(
    "sg-remote-group-empty",
    "the VMs' security group lets in nobody but the members of a group that has none",
    ("same-host", "other-host", "floating-ip-icmp", "floating-ip-tcp"),
    needs_vm=False,
)
def let_in_nobody(victim: Victim) -> Undo:
    """As with ``--remote-group``, where the peers were never put into that group."""
    cloud = victim.cloud
    group, remote = (
        cloud.design.port_group,
        port_group(cloud.design.uuid("security-group", "peers")),
    )
    match = f"outport == @{group} && ip4 && ip4.src == ${remote}_ip4"
    cloud.controller.nbctl(
        *("pg-add", remote),
        *("--", "--type=port-group", "acl-del", group, "to-lport"),
        *("--", "--type=port-group", "acl-add", group, "to-lport", "1002", match, "allow-related"),
    )

    def undo() -> None:
        cloud.neutron.ensure_rules()
        cloud.controller.nbctl("--if-exists", "destroy", "Port_Group", remote)

    return undo


@provocation(
    "metadata-port-without-ip",
    "the network's metadata port has lost its address, and the agents have noticed",
    ("metadata",),
    needs_vm=False,
    # `fix` stops when its target is well, and mends no other host's agent.
    needs=Shape(computes=1),
)
def lose_metadata_address(victim: Victim) -> Undo:
    """What is left of it when its subnet was taken away and made again."""
    cloud = victim.cloud
    network = cloud.design.network

    def write(address: str) -> None:
        victim.nbctl("lsp-set-addresses", network.metadata_port, address)

    write(network.metadata_mac)
    services = cloud.metadata_services
    for service in services:
        service.unplug()

    def undo() -> None:
        write(f"{network.metadata_mac} {network.metadata_ip}")
        for service in services:
            service.plug()

    return undo


@provocation(
    "sg-portgroup-drift",
    "the VM's port is in another security group than its owner wants",
    ("floating-ip-icmp", "floating-ip-tcp"),
)
def swap_group(victim: Victim) -> Undo:
    """The update of the right group failed; the other lets the VM send, and nobody in."""
    cloud = victim.cloud
    other = port_group(cloud.design.uuid("security-group", "other"))
    rule = ("from-lport", "1002", f"inport == @{other} && ip4", "allow-related")
    port = victim.row("Logical_Switch_Port", f"name={victim.vm.port_id}")
    victim.nbctl(
        *("remove", "Port_Group", cloud.design.port_group, "ports", port),
        *("--", "pg-add", other, victim.vm.port_id),
        *("--", "--type=port-group", "acl-add", other, *rule),
    )

    def undo() -> None:
        victim.nbctl("--if-exists", "destroy", "Port_Group", other)
        victim.repair_port()

    return undo


@provocation(
    "guest-dhcp-silent",
    "the guest's DHCP client was ended, and its address dropped",
    # What `lab ping` asks for itself is answered.
    tuple(path for path in ALL_PATHS if path != "dhcp"),
)
def ask_for_nothing(victim: Victim) -> Undo:
    """As in an image that has no client for this card."""
    victim.guest.fall_silent()
    return victim.retry


@provocation(
    "dhcp-request-mismatch",
    "the guest's DHCP client asks for an address of another network, and for nothing else",
    # What `lab ping` asks for itself is answered.
    tuple(path for path in ALL_PATHS if path != "dhcp"),
)
def insist(victim: Victim) -> Undo:
    """As a client does that was rebooted with the lease of another network on its disk."""
    victim.guest.insist_on("192.168.77.5")
    return victim.retry


@provocation(
    "portsec-ip-not-allowed",
    "the guest was given a static address that is not its port's",
    tuple(path for path in ALL_PATHS if path != "dhcp"),
)
def use_foreign_address(victim: Victim) -> Undo:
    """As in an image that was made from a server with a fixed address."""
    network = victim.cloud.design.network
    address = f"{network.cidr[_UNUSED]}/{network.cidr.prefixlen}"
    victim.guest.use_address(address, network.gateway)

    def undo() -> None:
        if victim.exists and victim.guest.lease != victim.vm.ip:
            victim.ask_for_lease()

    return undo
