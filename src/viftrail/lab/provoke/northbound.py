"""S4 and S5: the northbound database and ovn-northd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim


@provocation(
    "nb-lsp-missing",
    "the VM's port was deleted from the northbound database behind Neutron's back",
    ALL_PATHS,
)
def lose_port(victim: Victim) -> Undo:
    """As a restore of an old database file does, or a hand."""
    victim.cloud.controller.nbctl("lsp-del", victim.vm.port_id)
    victim.ask_for_lease()
    return victim.repair_port


@provocation(
    "northd-not-running",
    "ovn-northd was stopped, then the VM was deleted and made anew",
    ALL_PATHS,
    renews=True,
)
def stop_northd(victim: Victim) -> Undo:
    """Old traffic goes on: only a port made meanwhile suffers."""
    northd = victim.cloud.controller.northd
    northd.stop()
    victim.boot_anew()

    def undo() -> None:
        northd.start()
        victim.retry()

    return undo


@provocation(
    "northd-paused",
    "ovn-northd was paused, then the VM was deleted and made anew",
    ALL_PATHS,
    renews=True,
)
def pause_northd(victim: Victim) -> Undo:
    """An upgrade that stopped between ``pause`` and ``resume``."""
    controller = victim.cloud.controller
    controller.run("ovn-appctl", "--timeout=5", "-t", "ovn-northd", "pause")
    victim.boot_anew()

    def undo() -> None:
        controller.northd.start()
        controller.run("ovn-appctl", "--timeout=5", "-t", "ovn-northd", "resume", check=False)
        victim.retry()

    return undo
