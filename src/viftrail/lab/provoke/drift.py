"""S4, S9, S11 to S13: rows of Northbound that are not, or no longer, what Neutron wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.errors import UsageError
from viftrail.lab.design import PHYSNET
from viftrail.lab.provoke.north import await_unpatched
from viftrail.lab.provoke.registry import ALL_PATHS, NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim


#: Seconds. A client renews its lease at half its time (RFC 2131, 4.4.5).
_SHORT_LEASE = 16
_LONG_LEASE = 43200
_LEASE_PATIENCE = 3.0


def _nbctl(victim: Victim, *arguments: str) -> str:
    return victim.cloud.controller.nbctl(*arguments)


def _find(victim: Victim, table: str, condition: str) -> str:
    """The UUID of a row."""
    arguments = ("ovn-nbctl", "--bare", "--columns=_uuid", "find", table, condition)
    return victim.cloud.controller.run(*arguments).strip()


@provocation("nb-addresses-drift", "the VM's port has lost its addresses", ALL_PATHS)
def lose_addresses(victim: Victim) -> Undo:
    """The binding stays, and up with it."""
    _nbctl(victim, "clear", "Logical_Switch_Port", victim.vm.port_id, "addresses")
    victim.ask_for_lease()
    return victim.repair_port


@provocation("port-admin-down", "the VM's port is administratively down", ALL_PATHS)
def disable(victim: Victim) -> Undo:
    """What ``openstack port set --disable`` comes to."""
    port_id = victim.vm.port_id
    _nbctl(victim, "lsp-set-enabled", port_id, "disabled")
    victim.ask_for_lease()

    def undo() -> None:
        if victim.exists:
            _nbctl(victim, "lsp-set-enabled", victim.vm.port_id, "enabled")
            victim.retry()

    return undo


@provocation("dhcp-options-incomplete", "the subnet's DHCP options have lost server_mac", ("dhcp",))
def cripple_dhcp(victim: Victim) -> Undo:
    """What Neutron writes for a subnet without gateway and metadata port."""
    condition = f"cidr={victim.cloud.design.network.cidr}"
    row = _find(victim, "DHCP_Options", condition)
    mac = _nbctl(victim, "get", "DHCP_Options", row, "options:server_mac")
    _nbctl(victim, "remove", "DHCP_Options", row, "options", "server_mac")
    victim.ask_for_lease()

    def undo() -> None:
        _nbctl(victim, "set", "DHCP_Options", row, f"options:server_mac={mac}")
        victim.retry()

    return undo


@provocation(
    "subnet-without-gateway",
    "the subnet's DHCP options name no way out; leases are short, so that a mend is soon learned",
    NORTH_SOUTH,
)
def strand(victim: Victim) -> Undo:
    """What ``openstack subnet set --gateway none`` comes to."""
    network = victim.cloud.design.network
    row = _find(victim, "DHCP_Options", f"cidr={network.cidr}")
    service = f"169.254.169.254/32,{network.metadata_ip}"
    routes = "options:classless_static_route="

    def write(lease_time: int, way_out: str) -> None:
        lease = f"options:lease_time={lease_time}"
        _nbctl(victim, "set", "DHCP_Options", row, lease, f'{routes}"{{{service}{way_out}}}"')

    _nbctl(victim, "remove", "DHCP_Options", row, "options", "router")
    write(_SHORT_LEASE, "")
    # A guest that keeps the lease it has keeps its way out for half a day.
    guests = victim.cloud.guests
    for guest in guests.values():
        guest.ask_for_lease()
    for guest in guests.values():
        guest.wait_lease(_LEASE_PATIENCE)

    def undo() -> None:
        _nbctl(victim, "set", "DHCP_Options", row, f"options:router={network.gateway}")
        write(_LONG_LEASE, f", 0.0.0.0/0,{network.gateway}")
        for guest in guests.values():
            guest.ask_for_lease()

    return undo


@provocation(
    "router-gateway-chassis-gone",
    "the router's gateway port names a chassis that does not exist",
    NORTH_SOUTH,
    needs_vm=False,
)
def misschedule(victim: Victim) -> Undo:
    """As after a gateway host was reinstalled and got another system-id."""
    cloud = victim.cloud
    leg = cloud.design.router.outside.logical_router_port
    _nbctl(victim, "clear", "Logical_Router_Port", leg, "gateway_chassis")
    _nbctl(victim, "lrp-set-gateway-chassis", leg, "a-host-of-yesterday", "1")

    def undo() -> None:
        _nbctl(victim, "clear", "Logical_Router_Port", leg, "gateway_chassis")
        cloud.neutron.ensure_gateway()

    return undo


@provocation(
    "prov-localnet-wrong",
    "the localnet port of the provider network names another physical network",
    NORTH_SOUTH,
    needs_vm=False,
    # Without a localnet port on either end OVN takes the tunnel between them.
    breaks_direct=("provider",),
)
def rename_physnet(victim: Victim) -> Undo:
    """The patch port goes with the name."""
    port = str(victim.provider.localnet_port)
    _nbctl(victim, "set", "Logical_Switch_Port", port, "options:network_name=physnet7")
    await_unpatched(victim)

    def undo() -> None:
        _nbctl(victim, "set", "Logical_Switch_Port", port, f"options:network_name={PHYSNET}")

    return undo


@provocation(
    "fip-on-wrong-fixed-ip",
    "the VM's floating IP is translated to an address that nobody has",
    ("floating-ip-icmp", "floating-ip-tcp"),
)
def mistranslate(victim: Victim) -> Undo:
    """As after a VM was made anew with another address."""
    floating_ip = victim.vm.floating_ip
    if floating_ip is None:
        raise UsageError(
            f"{victim.name} has no floating IP.", "Boot a VM with --floating-ip, or take vm1."
        )
    row = _find(victim, "NAT", f"external_ip={floating_ip.address}")
    _nbctl(victim, "set", "NAT", row, "logical_ip=10.0.0.250")
    return victim.repair_port


@provocation(
    "prov-vlan-mismatch",
    "the localnet port of the provider network has a VLAN tag that is not the network's",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=("provider",),
)
def tag(victim: Victim) -> Undo:
    """The wire carries untagged frames, and those of one VLAN, only."""
    port, right = str(victim.provider.localnet_port), victim.provider.tag

    def write(number: int) -> None:
        # northd copies what is requested.
        columns = (f"tag={number}", f"tag_request={number}")
        _nbctl(victim, "set", "Logical_Switch_Port", port, *columns)

    write(123)

    def undo() -> None:
        if right is None:
            _nbctl(victim, "clear", "Logical_Switch_Port", port, "tag", "tag_request")
        else:
            write(right)

    return undo


@provocation(
    "fip-distributed-no-mapping",
    "the VM's floating IP is translated on its own host, which has no provider network",
    NORTH_SOUTH,
)
def distribute(victim: Victim) -> Undo:
    """What Neutron writes with ``enable_distributed_floating_ip``."""
    floating_ip = victim.vm.floating_ip
    if floating_ip is None:
        raise UsageError(
            f"{victim.name} has no floating IP.", "Boot a VM with --floating-ip, or take vm1."
        )
    if victim.cloud.design.shape.dvr:
        raise UsageError(
            f"In a lab with --dvr {victim.vm.host} has the provider network.",
            "Take one without --dvr.",
        )
    row = _find(victim, "NAT", f"external_ip={floating_ip.address}")
    _nbctl(victim, "set", "NAT", row, f'external_mac="{floating_ip.mac}"')

    def undo() -> None:
        _nbctl(victim, "--if-exists", "clear", "NAT", row, "external_mac")

    return undo
