"""S6 and S7: where a port is bound, and the ovn-controller that binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import ALL_PATHS, NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: An address of the management network that no node has.
_NOBODY = "tcp:192.0.2.99:6642"
#: Both ends of the link behind a plug on a second host.
_SECOND = ("tapsecond0", "tapsecond1")
#: What a new installation calls its chassis.
_NEW_SYSTEM_ID = "00000000-0000-4000-8000-00000000c0de"


@provocation(
    "pb-requested-chassis-mismatch",
    "the VM's port asks for another host, as after a failed live migration",
    ALL_PATHS,
)
def request_other_host(victim: Victim) -> Undo:
    """The option alone: Nova, and so the owner, still has the VM where it runs."""
    victim.cloud.controller.nbctl(
        *("set", "Logical_Switch_Port", victim.vm.port_id),
        f"options:requested-chassis={victim.other_host().name}",
    )
    victim.ask_for_lease()
    return victim.repair_port


@provocation(
    "chassis-missing-graceful-stop",
    "ovn-controller on the VM's host was stopped gracefully and has not come back",
    ("dhcp", "other-host", "external", "floating-ip-icmp", "floating-ip-tcp"),
)
def stop_controller(victim: Victim) -> Undo:
    """Its flows stay in br-int; its chassis, and every tunnel to it, go."""
    host = victim.host
    host.controller.stop()
    victim.ask_for_lease()

    def undo() -> None:
        host.controller.start()
        victim.retry()

    return undo


@provocation(
    "controller-crashed",
    "ovn-controller on the VM's host was killed; the guest asked for its lease again",
    ("dhcp",),
)
def kill_controller(victim: Victim) -> Undo:
    """Chassis, tunnels and flows stay; who needs an answer by DHCP gets none."""
    host = victim.host
    host.controller.kill()
    victim.ask_for_lease()

    def undo() -> None:
        host.controller.start()
        victim.retry()

    return undo


@provocation(
    "controller-sb-unreachable",
    "ovn-controller on the VM's host has a wrong ovn-remote, then the VM was plugged anew",
    ALL_PATHS,
)
def cut_southbound(victim: Victim) -> Undo:
    """What is bound stays bound, so the port has to be let go of before."""
    host = victim.host
    _let_go(victim)
    host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-remote="{_NOBODY}"')
    wait_until(
        lambda: (
            "not connected"
            in host.run("ovn-appctl", "-t", "ovn-controller", "connection-status", check=False)
        ),
        3.0,
        pause=0.05,
    )
    victim.cloud.reboot(victim.name, patience=0)

    def undo() -> None:
        host.restore_settings()
        victim.retry()

    return undo


@provocation(
    "controller-not-configured",
    "ovn-controller on the VM's host was stopped gracefully, and started without ovn-encap-ip",
    ("dhcp", "other-host", "external", "floating-ip-icmp", "floating-ip-tcp"),
)
def forget_setting(victim: Victim) -> Undo:
    """A host that is registered would keep its row; one that starts so never gets it."""
    host = victim.host
    host.controller.stop()
    host.vsctl("remove", "Open_vSwitch", ".", "external_ids", "ovn-encap-ip")
    host.controller.start()
    victim.ask_for_lease()

    def undo() -> None:
        host.restore_settings()
        victim.retry()

    return undo


@provocation(
    "chassis-stale-same-encap",
    "ovn-controller on the VM's host was killed, and came back with a new system-id",
    ("dhcp",),
)
def rename_chassis(victim: Victim) -> Undo:
    """As a new installation over an old one: the old row has the host's address."""
    host, controller = victim.host, victim.cloud.controller
    host.controller.kill()
    host.vsctl("set", "Open_vSwitch", ".", f'external_ids:system-id="{_NEW_SYSTEM_ID}"')
    host.controller.start()
    victim.ask_for_lease()

    def undo() -> None:
        host.controller.stop()
        for table in ("Chassis", "Chassis_Private"):
            controller.run("ovn-sbctl", "--if-exists", "destroy", table, _NEW_SYSTEM_ID)
        host.restore_settings()
        host.controller.start()
        victim.retry()

    return undo


@provocation(
    "encap-duplicate-ip",
    "ovn-encap-ip on the VM's host is another host's, then the VM was plugged anew",
    ("other-host", *NORTH_SOUTH),
)
def copy_encap(victim: Victim) -> Undo:
    """What is claimed stays claimed, so the port has to be let go of before."""
    host = victim.host
    _let_go(victim)
    other = victim.other_host().design.tunnel_ip
    host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-encap-ip="{other}"')
    victim.cloud.reboot(victim.name, patience=0)

    def undo() -> None:
        host.restore_settings()
        victim.retry()

    return undo


@provocation(
    "pb-migration-leftover",
    "the VM's port is promised to a second host as well, as during a live migration",
    (),
)
def leave_promise(victim: Victim) -> Undo:
    """The VM stays where it is."""
    promised = f"{victim.host.name},{victim.other_host().name}"
    victim.cloud.controller.nbctl(
        *("set", "Logical_Switch_Port", victim.vm.port_id),
        f'options:requested-chassis="{promised}"',
    )
    return victim.repair_port


@provocation(
    "pb-pingpong",
    "a second host has the VM's iface-id as well, and no host is named for the port",
    ("floating-ip-tcp",),
    flaps=True,
)
def plug_elsewhere(victim: Victim) -> Undo:
    """As after an evacuation that left its source behind, and a port that was written by hand."""
    other, vm = victim.other_host(), victim.vm
    near, far = _SECOND
    other.ip(
        f"link add {near} type veth peer name {far}", f"link set {near} up", f"link set {far} up"
    )
    other.vsctl(
        *("add-port", INTEGRATION_BRIDGE, near),
        *("--", "set", "Interface", near, f'external_ids:iface-id="{vm.port_id}"'),
    )
    victim.cloud.controller.run(
        *("ovn-nbctl", "--wait=hv", "--timeout=3", "remove", "Logical_Switch_Port", vm.port_id),
        *("options", "requested-chassis"),
        check=False,
    )
    victim.ask_for_lease()

    def undo() -> None:
        other.vsctl("--if-exists", "del-port", near)
        if other.has_link(near):
            other.ip(f"link delete {near}")
        victim.repair_port()

    return undo


@provocation(
    "pb-wrong-type",
    "the VM's port was made a localport",
    ("other-host", "external", "floating-ip-icmp", "floating-ip-tcp"),
)
def retype(victim: Victim) -> Undo:
    """What is claimed is let go of; br-int of the VM's host goes on knowing the port."""
    victim.cloud.controller.nbctl("lsp-set-type", victim.vm.port_id, "localport")
    return victim.repair_port


def _let_go(victim: Victim) -> None:
    """Unplugs the VM and waits until its port is nobody's."""
    victim.guest.halt()
    hypervisor.unplug(victim.host, victim.vm)
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:

        def unbound() -> bool:
            rows = southbound.select(
                "Port_Binding", [["logical_port", "==", victim.vm.port_id]], "chassis"
            )
            return all(row["chassis"] == [] for row in rows)

        wait_until(unbound, 3.0)
