"""S11: the router, and the port by which the VMs' network is attached to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.provoke.registry import NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

_OFF_SUBNET = ("gateway", *NORTH_SOUTH)


def _nbctl(victim: Victim, *arguments: str) -> None:
    victim.cloud.controller.nbctl(*arguments)


@provocation("router-disabled", "the router is administratively down", _OFF_SUBNET, needs_vm=False)
def disable(victim: Victim) -> Undo:
    """What ``openstack router set --disable`` comes to."""
    router = victim.cloud.design.router.logical_router
    _nbctl(victim, "set", "Logical_Router", router, "enabled=false")
    return lambda: _nbctl(victim, "set", "Logical_Router", router, "enabled=true")


@provocation(
    "router-interface-missing",
    "the router has lost its port of the VMs' network",
    _OFF_SUBNET,
    needs_vm=False,
)
def lose_leg(victim: Victim) -> Undo:
    """The network's side of the pair stays."""
    router = victim.cloud.design.router
    inside = router.inside
    leg = inside.logical_router_port
    _nbctl(victim, "lrp-del", leg)

    def undo() -> None:
        add = ("lrp-add", router.logical_router, leg, inside.mac, inside.address)
        row = ("Logical_Switch_Port", inside.id)
        # ovn-controller takes the router up again only when it sees the peer change.
        _nbctl(
            victim, "--if-exists", "lrp-del", leg, "--", "remove", *row, "options", "router-port"
        )
        _nbctl(victim, *add, "--", "set", *row, f"options:router-port={leg}")

    return undo


@provocation(
    "router-peer-mismatch",
    "the router port of the VMs' network names a peer that does not exist",
    _OFF_SUBNET,
    needs_vm=False,
)
def rename_peer(victim: Victim) -> Undo:
    """Both sides are there, and do not know each other."""
    inside = victim.cloud.design.router.inside
    row, option = ("set", "Logical_Switch_Port", inside.id), "options:router-port="
    _nbctl(victim, *row, option + "lrp-of-yesterday")
    return lambda: _nbctl(victim, *row, option + inside.logical_router_port)


@provocation(
    "router-mode-conflict",
    "the router is bound to another compute as a whole",
    NORTH_SOUTH,
)
def pin(victim: Victim) -> Undo:
    """The gateway port keeps its own gateway chassis."""
    router = victim.cloud.design.router.logical_router
    chassis = victim.other_host().design.system_id
    row = ("set", "Logical_Router", router, f"options:chassis={chassis}")
    _nbctl(victim, *row)
    return lambda: _nbctl(victim, "remove", "Logical_Router", router, "options", "chassis")
