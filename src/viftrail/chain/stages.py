"""The stages in order, and how each is examined."""

from __future__ import annotations

from collections.abc import Callable

from viftrail.chain import (
    binding,
    build,
    controller,
    floating_ip,
    infrastructure,
    local,
    northbound,
    northd,
    provider,
    router,
    scheduling,
    southbound,
    tunnel,
    vif,
)
from viftrail.chain.checks import not_applicable
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Trail
from viftrail.verdict import Finding, Stage

Examine = Callable[[Cloud, Trail], Finding]

OPENSTACK: tuple[Examine, ...] = (
    infrastructure.examine,
    scheduling.examine,
    build.examine,
    binding.examine,
)
EXAMINED: tuple[Examine, ...] = (
    northbound.examine,
    northd.examine,
    southbound.examine,
    controller.examine,
    vif.examine,
    local.examine,
    tunnel.examine,
    router.examine,
    provider.examine,
    floating_ip.examine,
)
OVN = tuple(stage for stage in Stage if stage.number >= len(OPENSTACK))


def examine(cloud: Cloud, trail: Trail) -> tuple[Finding, ...]:
    """Every stage's finding for one trail, S0 to S13."""
    if trail.port.id:
        return tuple(stage(cloud, trail) for stage in (*OPENSTACK, *EXAMINED))
    openstack = (stage(cloud, trail) for stage in OPENSTACK)
    return (*openstack, *(not_applicable(stage, "the server has no port") for stage in OVN))
