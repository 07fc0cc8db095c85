"""S7: an ovn-controller that lives and does not follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab import hypervisor
from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_CONTROL = ("ovn-appctl", "-t", "ovn-controller")


@provocation(
    "controller-flow-lag",
    "ovn-controller on the VM's host was paused, then the VM was plugged anew",
    ALL_PATHS,
)
def pause_controller(victim: Victim) -> Undo:
    """Alive, connected, and deaf: its nb_cfg falls behind."""
    host, controller = victim.host, victim.cloud.controller
    victim.guest.halt()
    hypervisor.unplug(host, victim.vm)
    controller.run("ovn-nbctl", "--wait=hv", "--timeout=5", "sync", check=False)
    host.run(*_CONTROL, "debug/pause")
    for _ in range(2):
        controller.run("ovn-nbctl", "--wait=sb", "--timeout=5", "sync", check=False)
    victim.reboot()

    def undo() -> None:
        host.run(*_CONTROL, "debug/resume", check=False)
        victim.retry()

    return undo
