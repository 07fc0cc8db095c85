"""S0: the services of Nova that every request passes."""

from __future__ import annotations

from viftrail.chain.checks import NO_CREDENTIALS, Checks, not_examined
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Trail
from viftrail.verdict import Evidence, Finding, Stage

CENTRAL = ("nova-scheduler", "nova-conductor")
SERVICES = "openstack compute service list"


def examine(cloud: Cloud, trail: Trail) -> Finding:  # noqa: ARG001
    """Of each kind of central service one is heard of."""
    if not cloud.openstack.asked:
        return not_examined(Stage.INFRASTRUCTURE, NO_CREDENTIALS)
    services = cloud.openstack.services
    if services is None:
        return not_examined(Stage.INFRASTRUCTURE, "Nova's services were not read: needs admin")
    checks = Checks(Stage.INFRASTRUCTURE)
    for binary in CENTRAL:
        rows = [row for row in services if row.binary == binary]
        if not rows:
            continue
        living = [row for row in rows if row.state == "up"]
        checks.check(
            bool(living),
            Evidence(
                where="Nova",
                what=f"state of {binary}",
                seen=", ".join(f"{row.host}: {row.state}" for row in rows),
                expected="one up",
                command=f"{SERVICES} --service {binary}",
            ),
            good=f"{binary} is up",
            bad=f"no {binary} is up",
        )
    if not any(row.binary in CENTRAL for row in services):
        checks.unknown("Nova did not list its scheduler and conductor")
    return checks.finding()
