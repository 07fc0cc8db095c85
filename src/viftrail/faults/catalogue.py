"""All faults, in the order of the chain."""

from __future__ import annotations

from viftrail.errors import UsageError
from viftrail.faults import (
    address,
    binding,
    bridge,
    certificate,
    chassis,
    claim,
    clock,
    cluster,
    conflict,
    controller,
    dhcp,
    disk,
    distributed,
    encap,
    failover,
    floating_ip,
    fragment,
    gateway,
    guest,
    interior,
    ipv6,
    lease,
    local,
    localnet,
    mapping,
    masquerade,
    mesh,
    metadata,
    misplaced,
    nexthop,
    nic,
    northbound,
    northd,
    orphan,
    plug,
    provider,
    registration,
    revision,
    route,
    router,
    routing,
    security_group,
    server,
    sessions,
    setting,
    skipped,
    southbound,
    switch,
    translation,
    tunnel,
    underlay,
    vif,
    virtual,
)
from viftrail.faults.fault import Fault

MODULES = (
    disk,
    clock,
    northbound,
    address,
    orphan,
    revision,
    server,
    cluster,
    northd,
    skipped,
    southbound,
    registration,
    claim,
    binding,
    chassis,
    controller,
    certificate,
    setting,
    switch,
    bridge,
    vif,
    guest,
    plug,
    local,
    dhcp,
    lease,
    ipv6,
    metadata,
    security_group,
    sessions,
    interior,
    virtual,
    tunnel,
    encap,
    mesh,
    underlay,
    nic,
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
