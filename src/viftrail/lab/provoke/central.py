"""S4 to S6: the servers of both databases, and ovn-northd between them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_NB, _SB = 0, 1
_CONTROL = ("ovn-appctl", "-t", "ovn-controller")


def unplug(victim: Victim) -> None:
    """Takes the VM's card away and waits until nobody claims its port any more."""
    victim.guest.halt()
    hypervisor.unplug(victim.host, victim.vm)
    where = [["logical_port", "==", victim.vm.port_id]]
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:

        def unbound() -> bool:
            return all(
                row["chassis"] == [] for row in southbound.select("Port_Binding", where, "chassis")
            )

        wait_until(unbound, 3.0)


def _await_cut_off(victim: Victim) -> None:
    def cut_off() -> bool:
        return "not connected" in victim.host.run(*_CONTROL, "connection-status", check=False)

    wait_until(cut_off, 3.0, pause=0.05)


@provocation(
    "nb-server-down",
    "the server of Northbound was killed",
    (),
    needs_vm=False,
    freezes=True,
)
def kill_northbound(victim: Victim) -> Undo:
    """As a crash or the OOM killer does."""
    server = victim.cloud.controller.databases[_NB]
    server.kill()
    return server.start


@provocation(
    "sb-server-down",
    "the server of Southbound hangs, and the VM was plugged anew",
    ALL_PATHS,
)
def stop_southbound(victim: Victim) -> Undo:
    """It is there, its socket takes connections, and nobody is answered."""
    server = victim.cloud.controller.databases[_SB]
    unplug(victim)
    server.signal(signal.SIGSTOP)
    victim.reboot()

    def undo() -> None:
        server.start()
        server.signal(signal.SIGCONT)
        victim.retry()

    return undo


@provocation(
    "sb-listener-gone",
    "Southbound has lost its connections, and the VM was plugged anew",
    ALL_PATHS,
)
def close_southbound(victim: Victim) -> Undo:
    """The server itself, and northd on its unix socket, go on."""
    controller = victim.cloud.controller
    unplug(victim)
    controller.run("ovn-sbctl", "del-connection")
    _await_cut_off(victim)
    victim.reboot()

    def undo() -> None:
        controller.run("ovn-sbctl", "set-connection", "ptcp:6642:0.0.0.0")
        victim.retry()

    return undo


@provocation(
    "nb-unreachable-from-neutron",
    "Northbound has lost its connections",
    (),
    needs_vm=False,
    freezes=True,
)
def close_northbound(victim: Victim) -> Undo:
    """The server itself, and northd on its unix socket, go on."""
    controller = victim.cloud.controller
    controller.run("ovn-nbctl", "del-connection")

    def undo() -> None:
        controller.run("ovn-nbctl", "set-connection", "ptcp:6641:0.0.0.0")

    return undo
