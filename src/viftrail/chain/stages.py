"""The stages in order, and how each is examined."""

from __future__ import annotations

from collections.abc import Callable

from viftrail.chain import (
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
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Trail
from viftrail.verdict import Finding, Stage, State

Examine = Callable[[Cloud, Trail], Finding]

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
NOT_EXAMINED = (Stage.INFRASTRUCTURE, Stage.SCHEDULING, Stage.BUILD, Stage.PORT)


def examine(cloud: Cloud, trail: Trail) -> tuple[Finding, ...]:
    """Every stage's finding for one trail, S0 to S13."""
    skipped = tuple(
        Finding(
            id=stage.value,
            name=stage.title,
            state=State.UNKNOWN,
            summary="not examined: no OpenStack credentials",
        )
        for stage in NOT_EXAMINED
    )
    return (*skipped, *(examine_stage(cloud, trail) for examine_stage in EXAMINED))
