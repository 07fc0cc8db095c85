"""All faults, in the order of the chain."""

from __future__ import annotations

from viftrail.errors import UsageError
from viftrail.faults import (
    address,
    binding,
    chassis,
    conflict,
    controller,
    dhcp,
    distributed,
    encap,
    failover,
    floating_ip,
    fragment,
    gateway,
    local,
    localnet,
    mapping,
    masquerade,
    mesh,
    misplaced,
    nexthop,
    northbound,
    northd,
    orphan,
    provider,
    route,
    router,
    routing,
    security_group,
    southbound,
    translation,
    tunnel,
    underlay,
    vif,
)
from viftrail.faults.fault import Fault

MODULES = (
    northbound,
    address,
    orphan,
    northd,
    southbound,
    binding,
    chassis,
    controller,
    vif,
    local,
    dhcp,
    security_group,
    tunnel,
    encap,
    mesh,
    underlay,
    router,
    gateway,
    routing,
    route,
    nexthop,
    failover,
    fragment,
    provider,
    mapping,
    localnet,
    floating_ip,
    translation,
    distributed,
    misplaced,
    masquerade,
    conflict,
)

CATALOGUE: tuple[Fault, ...] = tuple(
    sorted(
        (definition for module in MODULES for definition in module.FAULTS),
        key=lambda definition: definition.stage.number,
    )
)


def fault(fault_id: str) -> Fault:
    """The definition with this id.

    Raises:
        UsageError: there is none.
    """
    for definition in CATALOGUE:
        if definition.id == fault_id:
            return definition
    raise UsageError(
        f"There is no fault {fault_id} in the catalogue.", "`viftrail faults` lists them all."
    )
