"""S11: where the router sends what leaves, and which chassis sends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from viftrail.lab.fabric import port_of
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND, Transaction
from viftrail.lab.provoke.north import gateway_of
from viftrail.lab.provoke.registry import NORTH_SOUTH, provocation
from viftrail.lab.rows import NB_GLOBAL_OPTIONS
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_DEFAULT = "0.0.0.0/0"
_NOWHERE = "198.51.100.254"
"""An address that the router has no port towards."""

_FORMER = "52:54:00:0d:ea:d0"
"""The MAC of a router that nobody has any more."""

_OFTEN = 8
"""Times that BFD has gone up or down by then."""


@provocation(
    "router-no-default-route",
    "the router's default route was deleted",
    ("beyond",),
    needs_vm=False,
)
def lose_route(victim: Victim) -> Undo:
    """As with an external subnet without gateway_ip."""
    design = victim.cloud.design
    victim.nbctl("lr-route-del", design.router.logical_router, _DEFAULT)
    return lambda: _restore_route(victim)


@provocation(
    "router-route-wrong",
    "the router's default route leads to an address of a network that it has no port in",
    ("beyond",),
    needs_vm=False,
)
def mislead(victim: Victim) -> Undo:
    """As after the external subnet was renumbered."""
    row = victim.row("Logical_Router_Static_Route", f"ip_prefix={_DEFAULT}")
    victim.nbctl("set", "Logical_Router_Static_Route", row, f"nexthop={_NOWHERE}")
    return lambda: _restore_route(victim)


@provocation(
    "router-nexthop-dead",
    "the router's default route leads to an address of its own network that nobody has",
    ("beyond",),
    needs_vm=False,
)
def lead_to_nobody(victim: Victim) -> Undo:
    """As after the server was deleted that an extra route led to."""
    network = victim.cloud.design.network.cidr
    row = victim.row("Logical_Router_Static_Route", f"ip_prefix={_DEFAULT}")
    hop = network.broadcast_address - 1
    victim.nbctl("set", "Logical_Router_Static_Route", row, f"nexthop={hop}")
    return lambda: _restore_route(victim)


def _restore_route(victim: Victim) -> None:
    design = victim.cloud.design
    router, hop = design.router.logical_router, design.provider.gateway
    victim.nbctl("--may-exist", "lr-route-add", router, _DEFAULT, hop)


@provocation(
    "router-gw-nic-down-no-failover",
    "the switch port of the first gateway's provider NIC is down; the second gateway is idle",
    NORTH_SOUTH,
    needs_vm=False,
    needs=Shape(gateways=2),
)
def cut_gateway(victim: Victim) -> Undo:
    """The other end goes down, and the NIC loses its carrier."""
    cloud, gateway = victim.cloud, gateway_of(victim)
    port = port_of(gateway.name, "prov")
    cloud.fabric.ip(f"link set {port} down")
    wait_until(lambda: "LOWER_UP" not in gateway.run("ip", "link", "show", "eth2"), 3.0)

    def undo() -> None:
        cloud.fabric.ip(f"link set {port} up")
        cloud.neutron.ensure_gateway()

    return undo


@provocation(
    "router-gateway-bfd-flap",
    "the first gateway loses BFD's packets, half a second of every second; BFD is set to be quick",
    ("floating-ip-tcp",),
    needs_vm=False,
    needs=Shape(gateways=2),
    flaps=True,
)
def lose_bfd(victim: Victim) -> Undo:
    """An underlay that loses a little, and a detection time of 0.3 s that does not forgive it."""
    gateway, options = gateway_of(victim), ("NB_Global", ".")
    table = "netdev underlay"
    # BFD in geneve: from the outer UDP header 52 bytes to the inner UDP port (RFC 5881), 59 to
    # BFD's state, which is 3 when up (RFC 5880). Only then: it shall come up again soon.
    bfd = "udp dport 6081 @th,416,16 3784 @th,472,2 3"
    gateway.run(
        *("nft", "-f", "-"),
        stdin=f"add table {table}\n"
        f'add chain {table} egress {{ type filter hook egress device "eth1" priority 0; }}\n'
        f"add rule {table} egress {bfd} numgen inc mod 24 < 12 drop\n",
    )
    victim.nbctl("set", *options, "options:bfd-min-rx=100")
    flaps = ("--bare", "--columns=bfd_status", "find", "Interface", "type=geneve")

    def often() -> bool:
        counts = re.findall(r"flap_count=(\d+)", gateway.vsctl(*flaps))
        return max(map(int, counts), default=0) >= _OFTEN

    wait_until(often, 30.0, pause=0.2)

    def undo() -> None:
        gateway.run("nft", "delete", "table", *table.split(), check=False)
        values = (f"options:{key}={NB_GLOBAL_OPTIONS[key]}" for key in ("bfd-min-rx", "bfd-mult"))
        victim.nbctl("set", *options, *values)

    return undo


@provocation(
    "router-stale-mac-binding",
    "the router sends to the MAC of the provider's former router; the present one asks nobody",
    (*NORTH_SOUTH, "beyond"),
    needs_vm=False,
    probe=True,
)
def trust_the_former(victim: Victim) -> Undo:
    """As after the provider's router was replaced: it knows its neighbours for hours to come."""
    cloud, design = victim.cloud, victim.cloud.design
    external, hop = cloud.nodes["external"], design.provider.gateway
    outside, mac = design.router.outside.address.split("/")[0], design.router.outside.mac
    # So that the router has learned who is there.
    external.run("ping", "-c", "1", "-W", "1", outside, check=False)
    floating = [vm.floating_ip.address for vm in cloud.vms.values() if vm.floating_ip]
    for address in (outside, *floating):
        external.ip(f"neighbour replace {address} lladdr {mac} dev eth0 nud permanent")
    with cloud.controller.open(SOUTHBOUND) as southbound:
        transaction = Transaction()
        transaction.update("MAC_Binding", [["ip", "==", hop]], mac=_FORMER)
        southbound.commit(transaction)

    def undo() -> None:
        for address in (outside, *floating):
            external.ip(f"neighbour delete {address} dev eth0", check=False)
        with cloud.controller.open(SOUTHBOUND) as southbound:
            transaction = Transaction()
            transaction.delete("MAC_Binding", [["ip", "==", hop], ["mac", "==", _FORMER]])
            southbound.commit(transaction)

    return undo
