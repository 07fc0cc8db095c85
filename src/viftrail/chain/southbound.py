"""S6: Southbound knows the chassis that shall claim the port."""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.verdict import Evidence, Finding, Stage


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """One Chassis row for the VM's host, and it is the one that was requested."""
    checks = Checks(Stage.SOUTHBOUND)
    table = cloud.sb[Chassis]
    if not trail.host:
        checks.unseen("")
        return checks.finding()
    rows = table.find("hostname", trail.host)
    column = "hostname"
    if not rows and (rows := table.find("name", trail.host)):
        column = "name"
    if not rows and not table.knows("hostname", trail.host):
        checks.unknown(f"{SOUTHBOUND} was not read")
        return checks.finding()
    checks.check(
        len(rows) == 1,
        Evidence(
            where=SOUTHBOUND,
            what=f"Chassis {column}={trail.host}",
            seen=f"{len(rows)} row" + ("" if len(rows) == 1 else "s"),
            expected="1 row",
            command=f"ovn-sbctl find Chassis {column}={db(trail.host)}",
        ),
        good=f"chassis {trail.host} is registered",
        bad=f"host {trail.host} has {len(rows) or 'no'} Chassis row" + "s" * (len(rows) > 1),
    )
    wanted = trail.port.requested_chassis
    if wanted:
        named = {trail.host, *(name for row in rows for name in row.names)}
        checks.check(
            wanted in named,
            Evidence(
                where="OVN_Northbound",
                what="Logical_Switch_Port.options:requested-chassis",
                seen=wanted,
                expected=trail.host,
                command=f"ovn-nbctl get Logical_Switch_Port {q(trail.port.id)} options",
            ),
            good="it may claim the port",
            bad=f"the port is promised to {wanted}, but the VM runs on {trail.host}",
        )
    return checks.finding()
