"""All faults, in the order of the chain."""

from __future__ import annotations

from viftrail.errors import UsageError
from viftrail.faults import (
    controller,
    floating_ip,
    local,
    northbound,
    northd,
    provider,
    router,
    southbound,
    tunnel,
    vif,
)
from viftrail.faults.fault import Fault

CATALOGUE: tuple[Fault, ...] = (
    *northbound.FAULTS,
    *northd.FAULTS,
    *southbound.FAULTS,
    *controller.FAULTS,
    *vif.FAULTS,
    *local.FAULTS,
    *tunnel.FAULTS,
    *router.FAULTS,
    *provider.FAULTS,
    *floating_ip.FAULTS,
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
