"""S10: tunnels between hosts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.fabric import port_of
from viftrail.lab.machine import run_all, wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_TABLE = "viftrail"
#: An address of the tunnel network that no node has.
_WRONG_IP = "198.51.100.199"
#: What a user sends before they complain.
_PINGS = 12


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
    "the fabric drops UDP port 6081 to and from the VM's host; the VM has tried to ping",
    ("other-host", *NORTH_SOUTH),
)
def block_geneve(victim: Victim) -> Undo:
    """In the fabric, because the userspace datapath reads past a filter on the host."""
    if not shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"):
        raise LabError(
            "That takes the Debian package nftables, which is not installed here.",
            "apt-get install nftables",
        )
    cloud = victim.cloud
    port = port_of(victim.host.name, "tun")
    rules = (
        f"add table bridge {_TABLE}\n"
        f"add chain bridge {_TABLE} forward {{ type filter hook forward priority 0; }}\n"
        + "".join(
            f'add rule bridge {_TABLE} forward {side} "{port}" udp dport 6081 drop\n'
            for side in ("iifname", "oifname")
        )
    )
    cloud.fabric.run("nft", "-f", "-", stdin=rules)
    _suffer(victim)

    def undo() -> None:
        cloud.fabric.run("nft", "delete", "table", "bridge", _TABLE, check=False)

    return undo


def _suffer(victim: Victim) -> None:
    """Sends echo requests to another host's VM and to the external host, in vain.

    A complaint comes after some packets were lost, and counters only show a
    tunnel that swallows packets if there were packets.
    """
    cloud = victim.cloud
    targets = [cloud.design.provider.gateway]
    targets += [vm.ip for vm in cloud.vms.values() if vm.host != victim.vm.host][:1]
    # Busybox's ping has no interval below a second, so they go out side by side.
    commands = [("busybox", "ping", "-c", "1", "-W", "1", target) for target in targets] * _PINGS
    run_all([(victim.guest, command) for command in commands], timeout=3.0, check=False)
