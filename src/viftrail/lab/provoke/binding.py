"""S6 and S7: where a port is bound, and the ovn-controller that binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: An address of the management network that no node has.
_NOBODY = "tcp:192.0.2.99:6642"


@provocation(
    "pb-requested-chassis-mismatch",
    "the VM's port asks for another host, as after a failed live migration",
    ALL_PATHS,
)
def request_other_host(victim: Victim) -> Undo:
    """The option alone: Nova, and so the owner, still has the VM where it runs."""
    victim.cloud.controller.run(
        *("ovn-nbctl", "--wait=hv", "set", "Logical_Switch_Port", victim.vm.port_id),
        f"options:requested-chassis={victim.other_host().name}",
    )
    victim.guest.ask_for_lease()
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
    victim.guest.ask_for_lease()

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
    victim.guest.ask_for_lease()

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
    host, vm = victim.host, victim.vm
    victim.guest.halt()
    hypervisor.unplug(host, vm)
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:

        def unbound() -> bool:
            rows = southbound.select(
                "Port_Binding", [["logical_port", "==", vm.port_id]], "chassis"
            )
            return all(row["chassis"] == [] for row in rows)

        wait_until(unbound, 3.0)
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
