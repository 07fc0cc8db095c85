"""What looks like a fault and is none: a diagnosis must never accuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.provoke.registry import provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: Both ends of the stray link.
_STRAY = ("stray0", "stray1")


@provocation(
    "decoy-dead-vlan-tag",
    "the VM's Port has tag 4095, which means nothing where OVN does the forwarding",
    (),
    decoy=True,
)
def tag_dead(victim: Victim) -> Undo:
    """What ``[vif_plug_ovs]isolate_vif`` leaves; br-int's flows never use NORMAL."""
    host, port = victim.host, victim.vm.ovs_port
    host.vsctl("set", "Port", port, "tag=4095", "vlan_mode=trunk", "trunks=4095")

    def undo() -> None:
        for column in ("tag", "vlan_mode", "trunks"):
            host.vsctl("--if-exists", "clear", "Port", port, column)

    return undo


@provocation(
    "decoy-unknown-iface",
    "br-int of the VM's host has a port that is nothing of OVN's",
    (),
    decoy=True,
)
def add_stray(victim: Victim) -> Undo:
    """A leftover of somebody's tests."""
    host = victim.host
    near, far = _STRAY
    host.ip(
        f"link add {near} type veth peer name {far}", f"link set {near} up", f"link set {far} up"
    )
    host.vsctl("--may-exist", "add-port", INTEGRATION_BRIDGE, near)

    def undo() -> None:
        host.vsctl("--if-exists", "del-port", near)
        if host.has_link(near):
            host.ip(f"link delete {near}")

    return undo
