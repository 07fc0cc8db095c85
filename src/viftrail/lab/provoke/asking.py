"""Faults whose sufferer is a server that somebody asks Nova for while they are there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from viftrail.lab.provoke.registry import Request, provocation
from viftrail.lab.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from viftrail.lab.node import Chassis
    from viftrail.lab.openstack.cloud import OpenStackCloud
    from viftrail.lab.provoke.registry import Undo, Victim

OPENSTACK = Shape(openstack=True)
HOST = "compute2"
"""Where what is asked for is to be built."""


def asking(
    fault: str,
    note: str,
    request: Request,
    *,
    asks_itself: bool = False,
    by_hand: bool = False,
    also: tuple[str, ...] = (),
) -> Callable[[Callable[[Victim], Undo]], Callable[[Victim], Undo]]:
    """Enters a function like `provocation`; nobody who is there already suffers."""
    return provocation(
        fault,
        note,
        (),
        needs_vm=False,
        needs=OPENSTACK,
        request=request,
        asks_itself=asks_itself,
        by_hand=by_hand,
        also=also,
    )


def only_ask(victim: Victim) -> Undo:
    """Does nothing: the request itself is the fault, and only has to be taken back."""

    def undo() -> None:
        victim.openstack.withdraw(Request.name)

    return undo


def node_of_request(cloud: OpenStackCloud) -> Chassis:
    """The host where it is to be built."""
    return next(node for node in cloud.chassis if node.name == HOST)


def name_chassis(node: Chassis, hostname: str) -> None:
    """Has it register by this name, and waits until Neutron has heard of it; nothing tells."""
    node.vsctl("set", "Open_vSwitch", ".", f"external_ids:hostname={hostname}")
    time.sleep(2.0)


def neutron(cloud: OpenStackCloud, method: str, path: str, body: object = None) -> Any:
    """One request of Neutron's API."""
    return cloud.order("call", service="network", method=method, path=path, body=body)


def nova(
    cloud: OpenStackCloud, method: str, path: str, body: object = None, version: str = "2.53"
) -> Any:
    """One request of Nova's API."""
    return cloud.order(
        "call", service="compute", method=method, path=path, body=body, microversion=version
    )


def compute_services(cloud: OpenStackCloud) -> list[dict[str, str]]:
    """Every nova-compute that Nova has heard of."""
    found: list[dict[str, str]] = nova(cloud, "GET", "/os-services?binary=nova-compute")["services"]
    return found
