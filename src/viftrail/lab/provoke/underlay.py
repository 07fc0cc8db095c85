"""S10: tunnels between hosts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.design import PROVIDER_BRIDGE, TENANT_MTU, TUNNEL_BRIDGE, UNDERLAY_MTU
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.node import Chassis
    from viftrail.lab.provoke.registry import Undo, Victim

_TABLE = "filter"
#: Every node's device on the tunnel network.
_NIC = "eth1"
#: An address of the tunnel network that no node has.
_WRONG_IP = "198.51.100.199"
#: What is left of an underlay's MTU after somebody forgot jumbo frames, or a VLAN's header.
_LOW_MTU = 1400
#: A payload that makes the largest packet that a guest may send: less IPv4 and ICMP.
_FULL = TENANT_MTU - 28
#: The port that another network service, or ML2/OVS's br-tun, left behind.
_LEFTOVER = "leftover0"
_ZONE = "edge"
_CONTROL = ("ovn-appctl", "-t", "ovn-controller")


@provocation(
    "tunnel-wrong-encap-ip",
    "ovn-encap-ip on the VM's host is an address that the host does not have",
    ("other-host", *NORTH_SOUTH),
)
def misplace_endpoint(victim: Victim) -> Undo:
    """As after a host was given a new address, or a copied configuration."""
    host = victim.host
    host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-encap-ip="{_WRONG_IP}"')
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:
        wait_until(lambda: bool(southbound.select("Encap", [["ip", "==", _WRONG_IP]], "ip")), 5.0)
    return host.restore_settings


@provocation(
    "tunnel-udp-blocked",
    "a firewall on the VM's host drops geneve on its way out; the VM's user keeps pinging",
    ("other-host", *NORTH_SOUTH),
)
def block_geneve(victim: Victim) -> Undo:
    """On the way out: the userspace datapath takes what comes in before any filter sees it."""
    for program, package in (("nft", "nftables"), ("ping", "iputils-ping")):
        if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            raise LabError(
                f"That takes the Debian package {package}, which is not installed here.",
                f"apt-get install {package}",
            )
    cloud, host, guest = victim.cloud, victim.host, victim.guest
    rules = (
        f"add table netdev {_TABLE}\n"
        f'add chain netdev {_TABLE} egress {{ type filter hook egress device "{_NIC}" '
        "priority 0; }\n"
        f"add rule netdev {_TABLE} egress udp dport 6081 drop\n"
    )
    host.run("nft", "-f", "-", stdin=rules)
    # Counters only show a tunnel that swallows packets if there are packets.
    others = [vm.ip for vm in cloud.vms.values() if vm.host != victim.vm.host][:1]
    guest.keep_pinging(cloud.design.provider.gateway, *others)

    def undo() -> None:
        guest.stop_pinging()
        host.run("nft", "delete", "table", "netdev", _TABLE, check=False)

    return undo


@provocation(
    "tunnel-mtu",
    "the tunnel network's card on the VM's host has an MTU of 1400",
    ("other-host", "external", "floating-ip-icmp"),
    size=_FULL,
)
def narrow_underlay(victim: Victim) -> Undo:
    """Only packets that are near the network's own MTU vanish."""
    host = victim.host
    host.ip(f"link set {_NIC} mtu {_LOW_MTU}")

    def bridge_follows(mtu: int) -> bool:
        return f"mtu {mtu} " in host.run("ip", "link", "show", TUNNEL_BRIDGE)

    wait_until(lambda: bridge_follows(_LOW_MTU), 3.0, pause=0.05)

    def undo() -> None:
        host.ip(f"link set {_NIC} mtu {UNDERLAY_MTU}")
        wait_until(lambda: bridge_follows(UNDERLAY_MTU), 3.0, pause=0.05)

    return undo


@provocation(
    "tunnel-not-made",
    "a leftover tunnel port on the VM's host is like the one to the gateway, and was there first",
    NORTH_SOUTH,
)
def occupy_tunnel(victim: Victim) -> Undo:
    """ovs-vswitchd refuses the second of two tunnel ports that it cannot tell apart."""
    host = victim.host
    gateway = next(node for node in victim.cloud.chassis if node.design.role == "network")
    remote = f'options:remote_ip="{gateway.design.tunnel_ip}"'

    def state(interface: str, column: str) -> str:
        return host.vsctl("--if-exists", "get", "Interface", interface, column).strip()

    def tunnel() -> str:
        found = ("--bare", "--columns=name", "find", "Interface", "type=geneve", remote)
        return next(name for name in host.vsctl(*found).split() if name != _LEFTOVER)

    # As at a start of the host: the leftover is there, and ovn-controller makes its own.
    own = tunnel()
    host.run(*_CONTROL, "debug/pause")
    host.vsctl("del-port", own)
    host.vsctl(
        *("--may-exist", "add-port", PROVIDER_BRIDGE, _LEFTOVER),
        *("--", "set", "Interface", _LEFTOVER, "type=geneve", remote, "options:key=flow"),
    )
    wait_until(lambda: state(_LEFTOVER, "ofport").isdigit(), 3.0, pause=0.05)
    host.run(*_CONTROL, "debug/resume")
    wait_until(lambda: state(own, "ofport") == "-1", 5.0, pause=0.05)

    def undo() -> None:
        host.vsctl("--if-exists", "del-port", _LEFTOVER)
        if state(own, "ofport") == "-1":
            host.vsctl("--if-exists", "del-port", own)
        wait_until(lambda: state(own, "ofport").isdigit(), 5.0, pause=0.05)

    return undo


@provocation(
    "tunnel-transport-zone",
    "the VM's host is in a transport zone of its own",
    ("other-host", *NORTH_SOUTH),
)
def separate(victim: Victim) -> Undo:
    """As after an edge site's configuration was copied to a host of the core."""
    host = victim.host
    host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-transport-zones={_ZONE}")
    wait_until(lambda: not _tunnels(host), 5.0, pause=0.05)

    def undo() -> None:
        host.vsctl("remove", "Open_vSwitch", ".", "external_ids", "ovn-transport-zones")
        wait_until(lambda: bool(_tunnels(host)), 5.0, pause=0.05)

    return undo


def _tunnels(host: Chassis) -> str:
    return host.vsctl("--bare", "--columns=name", "find", "Interface", "type=geneve")


@provocation(
    "tunnel-encap-type-mismatch",
    "the VM's host offers vxlan tunnels, the others geneve",
    ("other-host", *NORTH_SOUTH),
)
def change_encap_type(victim: Victim) -> Undo:
    """No kind in common: both sides delete the tunnels that they had."""
    host = victim.host
    host.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-type=vxlan")
    wait_until(lambda: not _tunnels(host), 5.0, pause=0.05)

    def undo() -> None:
        host.restore_settings()
        wait_until(lambda: bool(_tunnels(host)), 5.0, pause=0.05)

    return undo


@provocation(
    "underlay-nic-down",
    "the tunnel network's card on the VM's host was set down",
    ("other-host", *NORTH_SOUTH),
)
def lower_nic(victim: Victim) -> Undo:
    """OVN sees nothing of it."""
    host = victim.host
    host.ip(f"link set {_NIC} down")

    def undo() -> None:
        host.ip(f"link set {_NIC} up")
        host.announce_tunnel()

    return undo


@provocation(
    "underlay-address-lost",
    "the tunnel address of the VM's host was taken off its bridge",
    ("other-host", *NORTH_SOUTH),
)
def lose_address(victim: Victim) -> Undo:
    """As when a bridge was made anew and nobody configured its device again."""
    host = victim.host
    host.ip(f"address flush dev {TUNNEL_BRIDGE}")
    return host.configure_links
