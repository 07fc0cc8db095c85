"""S8: the VM's links on its host, and their port in br-int."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: A port that Neutron never made.
_STRANGER = "00000000-0000-4000-8000-00000000dead"
#: Both ends of the link behind a second plug.
_STALE = ("tapstale0", "tapstale1")


@provocation(
    "vif-not-in-br-int", "the VM's port was deleted from br-int; its tap is still there", ALL_PATHS
)
def remove_port(victim: Victim) -> Undo:
    """As when conf.db was made anew."""
    victim.host.vsctl("del-port", victim.vm.ovs_port)
    victim.ask_for_lease()
    return victim.reboot


@provocation("vif-iface-id-wrong", "the VM's Interface names a port that does not exist", ALL_PATHS)
def mislabel(victim: Victim) -> Undo:
    """As when a port was made again, with a new id, behind a running VM."""
    victim.host.vsctl(
        "set", "Interface", victim.vm.ovs_port, f'external_ids:iface-id="{_STRANGER}"'
    )
    victim.ask_for_lease()
    return victim.reboot


@provocation("vif-iface-id-missing", "the VM's Interface names no port at all", ALL_PATHS)
def unlabel(victim: Victim) -> Undo:
    """As when a hand added the port to br-int, and stopped there."""
    victim.host.vsctl("remove", "Interface", victim.vm.ovs_port, "external_ids", "iface-id")
    victim.ask_for_lease()
    return victim.reboot


@provocation("vif-netdev-missing", "the VM's tap was deleted under Open vSwitch", ALL_PATHS)
def delete_tap(victim: Victim) -> Undo:
    """The guest loses its card with it, as qemu does.

    The Interface keeps its ofport, and the port stays up: only ``link_state``
    turns down. ``ofport=-1`` and an ``error`` come with the next plug.
    """
    victim.host.ip(f"link delete {victim.vm.tap}")
    return victim.reboot


@provocation("vif-tap-down", "the VM's tap was set down on its host", ALL_PATHS)
def lower_tap(victim: Victim) -> Undo:
    """Every OVN row stays green."""
    host, tap = victim.host, victim.vm.tap
    host.ip(f"link set {tap} down")
    victim.ask_for_lease()

    def undo() -> None:
        if host.has_link(tap):
            host.ip(f"link set {tap} up")
        victim.retry()

    return undo


@provocation(
    "vif-hybrid-leg-broken",
    "the VM was made anew with a hybrid plug, then its qvb was taken out of its qbr",
    ALL_PATHS,
    renews=True,
)
def break_leg(victim: Victim) -> Undo:
    """A port that was bound by ML2/OVS before its cloud was migrated keeps that plug."""
    victim.boot_anew(hybrid=True)
    cloud, vm = victim.cloud, victim.vm
    cloud.neutron.wait_up([vm], 5.0)
    victim.host.ip(f"link set {vm.qvb} nomaster")
    victim.ask_for_lease()

    def undo() -> None:
        if victim.exists and victim.vm == vm:
            victim.boot_anew()

    return undo


@provocation("vif-guest-link-or-mac", "the guest's NIC was set down", ALL_PATHS)
def lower_guest(victim: Victim) -> Undo:
    """As ``<link state='down'/>`` does, or the guest's own administrator."""
    host, tap = victim.host, victim.vm.tap
    # Its DHCP client shall wait for the link, as real ones do, and must not get a lease before.
    host.ip(f"link set {tap} down")
    asked = victim.guest.requests
    victim.ask_for_lease()
    wait_until(lambda: victim.guest.requests > asked, 3.0)
    victim.guest.ip("link set eth0 down")
    host.ip(f"link set {tap} up")

    def undo() -> None:
        if victim.exists:
            victim.guest.ip("link set eth0 up")
            victim.ask_for_lease()

    return undo


@provocation(
    "vif-plug-missing",
    "the VM's tap was deleted, and its port in br-int as well",
    ALL_PATHS,
)
def take_away(victim: Victim) -> Undo:
    """As an unplug leaves it, while the owner still wants the VM to run there."""
    hypervisor.unplug(victim.host, victim.vm)
    return victim.reboot


@provocation(
    "vif-duplicate-iface-id",
    "br-int of the VM's host has a second, newer Interface with the VM's iface-id",
    ALL_PATHS,
)
def plug_twice(victim: Victim) -> Undo:
    """As a plug that was left behind under another name, and came back after the VM's own."""
    host, vm = victim.host, victim.vm
    near, far = _STALE
    host.ip(
        f"link add {near} type veth peer name {far}", f"link set {near} up", f"link set {far} up"
    )
    host.vsctl(
        *("add-port", INTEGRATION_BRIDGE, near),
        *("--", "set", "Interface", near, f'external_ids:iface-id="{vm.port_id}"'),
    )

    def bound() -> bool:
        number = host.vsctl("get", "Interface", near, "ofport").strip()
        flows = host.run("ovs-ofctl", "dump-flows", INTEGRATION_BRIDGE, f"table=0,in_port={number}")
        return number.isdigit() and "actions=" in flows

    wait_until(bound, 3.0, pause=0.05)
    victim.ask_for_lease()

    def undo() -> None:
        host.vsctl("--if-exists", "del-port", near)
        if host.has_link(near):
            host.ip(f"link delete {near}")
        victim.retry()

    return undo


@provocation(
    "vif-orphan",
    "br-int of the VM's host has the plug of a VM that was deleted while the host was away",
    (),
)
def leave_plug(victim: Victim) -> Undo:
    """Nobody suffers: ovn-controller finds no port for it."""
    host, design = victim.host, victim.cloud.design
    gone = design.vm("gone", host.name, "10.0.0.250")
    host.vsctl(
        *("--may-exist", "add-port", INTEGRATION_BRIDGE, gone.tap),
        *("--", "set", "Interface", gone.tap, f'external_ids:iface-id="{gone.port_id}"'),
        *(f'external_ids:attached-mac="{gone.mac}"', f'external_ids:vm-uuid="{gone.id}"'),
        "external_ids:iface-status=active",
    )

    def undo() -> None:
        host.vsctl("--if-exists", "del-port", gone.tap)

    return undo
