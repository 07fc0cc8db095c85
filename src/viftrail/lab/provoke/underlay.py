"""S10: tunnels between hosts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_TABLE = "filter"
#: Every node's device on the tunnel network.
_NIC = "eth1"
#: An address of the tunnel network that no node has.
_WRONG_IP = "198.51.100.199"


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
