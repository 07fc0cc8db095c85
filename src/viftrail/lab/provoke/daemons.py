"""S7 and S8: daemons of a host that hang or die, and the flow table between them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from viftrail.lab.design import INTEGRATION_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.provoke.registry import ALL_PATHS, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_APPCTL = ("ovs-appctl", "-t", "ovs-vswitchd")


@provocation(
    "controller-hung",
    "ovn-controller on the VM's host was stopped by a signal; the guest asked for its lease again",
    ("dhcp",),
)
def freeze_controller(victim: Victim) -> Undo:
    """As a debugger leaves it; to the databases it is as good as alive."""
    controller = victim.host.controller
    controller.signal(signal.SIGSTOP)
    victim.ask_for_lease()

    def undo() -> None:
        controller.signal(signal.SIGCONT)
        victim.retry()

    return undo


@provocation(
    "flows-wiped",
    "the flows of br-int on the VM's host were deleted",
    ALL_PATHS,
)
def wipe_flows(victim: Victim) -> Undo:
    """ovn-controller is not told, and does not put them back."""
    host = victim.host
    host.run("ovs-ofctl", "del-flows", INTEGRATION_BRIDGE)
    victim.ask_for_lease()

    def undo() -> None:
        aggregate = host.run("ovs-ofctl", "dump-aggregate", INTEGRATION_BRIDGE)
        if "flow_count=0" in aggregate:
            host.controller.stop()
            host.controller.start()
        victim.retry()

    return undo


@provocation(
    "conntrack-full",
    "ovs-vswitchd on the VM's host may track one connection, and does",
    tuple(path for path in ALL_PATHS if path != "dhcp"),
)
def fill_table(victim: Victim) -> Undo:
    """As a flood does with the three million that it may track from the start."""
    host, guest = victim.host, victim.guest
    limit = host.run(*_APPCTL, "dpctl/ct-get-maxconns").strip()
    host.run(*_APPCTL, "dpctl/ct-set-maxconns", "1")
    # What was tracked before would be let go of only in time; then one is there again and stays.
    host.run(*_APPCTL, "dpctl/flush-conntrack")
    guest.keep_pinging(victim.cloud.design.network.gateway)
    wait_until(lambda: host.run(*_APPCTL, "dpctl/ct-get-nconns").strip() != "0", 3.0, pause=0.1)

    def undo() -> None:
        guest.stop_pinging()
        host.run(*_APPCTL, "dpctl/ct-set-maxconns", limit)

    return undo


@provocation("vswitchd-dead", "ovs-vswitchd on the VM's host was killed", ALL_PATHS)
def kill_switch(victim: Victim) -> Undo:
    """conf.db keeps the numbers that it had given."""
    host = victim.host
    host.vswitchd.kill()
    victim.ask_for_lease()

    def undo() -> None:
        host.vswitchd.start()
        victim.retry()

    return undo
