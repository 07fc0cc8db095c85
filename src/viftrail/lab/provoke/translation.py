"""S13: address translation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.design import PROVIDER_BRIDGE
from viftrail.lab.ovsdb import SOUTHBOUND, Transaction
from viftrail.lab.provoke.registry import provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_OUT = ("external", "beyond")
_FLOATING = ("floating-ip-icmp", "floating-ip-tcp")
_OTHER_ROUTER = "router-of-yesterday"


@provocation(
    "snat-disabled",
    "the router's SNAT was switched off, and the VM has given up its floating IP",
    _OUT,
)
def stop_masquerade(victim: Victim) -> Undo:
    """What ``openstack router set --disable-snat`` comes to."""
    design = victim.cloud.design
    give_back = victim.give_up_floating_ip()
    router, subnet = design.router.logical_router, str(design.network.cidr)
    address = design.router.outside.address.split("/")[0]
    victim.nbctl("lr-nat-del", router, "snat", subnet)

    def undo() -> None:
        victim.nbctl("--may-exist", "lr-nat-add", router, "snat", address, subnet)
        give_back()

    return undo


@provocation(
    "snat-wrong-address",
    "the router's SNAT uses an address of another network; the VM has given up its floating IP",
    _OUT,
)
def misrepresent(victim: Victim) -> Undo:
    """As after the router's gateway was moved to another subnet."""
    give_back = victim.give_up_floating_ip()
    row = victim.row("NAT", "type=snat")
    address = victim.cloud.design.router.outside.address.split("/")[0]
    victim.nbctl("set", "NAT", row, "external_ip=198.51.100.77")

    def undo() -> None:
        victim.nbctl("--if-exists", "set", "NAT", row, f"external_ip={address}")
        give_back()

    return undo


@provocation(
    "fip-wrong-router",
    "the NAT row of the VM's floating IP is in a router that its network is not attached to",
    _FLOATING,
)
def move_to_other_router(victim: Victim) -> Undo:
    """As after the network was moved from one router to another."""
    fip, right = victim.floating_ip(), victim.cloud.design.router.logical_router
    row = victim.row("NAT", f"external_ip={fip.address}")
    victim.nbctl("lr-add", _OTHER_ROUTER)
    victim.nbctl(
        *("remove", "Logical_Router", right, "nat", row),
        *("--", "add", "Logical_Router", _OTHER_ROUTER, "nat", row),
    )

    def undo() -> None:
        victim.nbctl("--if-exists", "lr-del", _OTHER_ROUTER)
        victim.repair_port()

    return undo


@provocation(
    "fip-logical-port-wrong",
    "the VM's distributed floating IP is tied to a port that nobody has claimed",
    _FLOATING,
    needs=Shape(dvr=True),
)
def tie_to_other_port(victim: Victim) -> Undo:
    """As after the VM's port was made anew."""
    row = victim.row("NAT", f"external_ip={victim.floating_ip().address}")
    victim.nbctl("set", "NAT", row, "logical_port=a-port-of-yesterday")

    def undo() -> None:
        # Not by repair_port: a NAT row that names no port of ours is nobody's.
        if victim.exists:
            victim.nbctl("--if-exists", "set", "NAT", row, f"logical_port={victim.vm.port_id}")

    return undo


@provocation(
    "fip-external-mac-missing",
    "the VM's floating IP has lost its external_mac, and is translated on the gateway",
    (),
    needs=Shape(dvr=True),
)
def centralize(victim: Victim) -> Undo:
    """Neutron missed the moment when the port came up."""
    row = victim.row("NAT", f"external_ip={victim.floating_ip().address}")
    victim.nbctl("clear", "NAT", row, "external_mac")
    return victim.repair_port


@provocation(
    "fip-external-ip-conflict",
    "the VM's host has taken the VM's floating IP for its own provider bridge",
    ("floating-ip-tcp",),
)
def squat(victim: Victim) -> Undo:
    """As after somebody gave a server an address by hand."""
    host, design = victim.host, victim.cloud.design
    address = victim.floating_ip().address
    host.ip(
        f"address add {address}/{design.provider.cidr.prefixlen} dev {PROVIDER_BRIDGE}",
        f"link set {PROVIDER_BRIDGE} up",
    )
    # It looks for the router, as for any neighbour; so the router hears of it.
    router = design.router.outside.address.split("/")[0]
    host.run("ping", "-c", "1", "-W", "1", router, check=False)
    external = victim.cloud.nodes["external"]
    # Which of the two answers first is chance; here it is the wrong one.
    mac = host.mac_of(PROVIDER_BRIDGE)
    external.ip(f"neighbour replace {address} lladdr {mac} dev eth0 nud reachable")

    def undo() -> None:
        host.ip(f"address flush dev {PROVIDER_BRIDGE} to {address}/32", check=False)
        external.ip(f"neighbour delete {address} dev eth0", check=False)
        with victim.cloud.controller.open(SOUTHBOUND) as southbound:
            transaction = Transaction()
            transaction.delete("MAC_Binding", [["ip", "==", address]])
            southbound.commit(transaction)

    return undo
