"""S4: the port is in OVN_Northbound as its owner wants it."""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.verdict import Evidence, Finding, Stage


def enabled(row: LogicalSwitchPort) -> Evidence:
    """Whether northd makes flows for a port; for one that is disabled it drops (ovn-nb(5))."""
    return Evidence(
        where=NORTHBOUND,
        what=f"Logical_Switch_Port {row.name} enabled",
        seen="false" if row.enabled is False else "true or unset",
        expected="true or unset",
        command=f"ovn-nbctl get Logical_Switch_Port {q(row.name)} enabled",
    )


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Logical_Switch_Port exists, is enabled, in a switch, and has addresses."""
    checks = Checks(Stage.NORTHBOUND)
    port, row = trail.port, trail.port.row
    command = f"ovn-nbctl list Logical_Switch_Port {q(port.id)}"
    if row is None:
        if not cloud.nb[LogicalSwitchPort].knows("name", port.id):
            checks.unknown(f"{NORTHBOUND} was not read")
            return checks.finding()
        checks.check(
            False,
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Switch_Port name={port.id}",
                seen="no such row",
                expected="one row",
                command=f"ovn-nbctl --columns=_uuid find Logical_Switch_Port name={db(port.id)}",
            ),
            bad="the port is not in Northbound",
        )
        return checks.finding()
    if trail.switch is None and not cloud.nb[LogicalSwitch].knows("ports", row.uuid):
        checks.unknown("the port's logical switch was not read")
    else:
        checks.check(
            trail.switch is not None,
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Switch_Port {port.id}",
                seen=f"in switch {trail.switch.name}" if trail.switch else "in no switch",
                expected="a port of its network's switch",
                command=command,
            ),
            good="Logical_Switch_Port exists",
            bad="the port is in no logical switch",
        )
    checks.check(
        row.enabled is not False,
        enabled(row),
        good="enabled",
        bad="the port is disabled (admin state down)",
    )
    checks.check(
        bool(row.addresses),
        Evidence(
            where=NORTHBOUND,
            what="Logical_Switch_Port.addresses",
            seen=", ".join(row.addresses) or "empty",
            expected=" ".join((port.mac, *port.addresses)) or "a MAC and its IP addresses",
            command=command,
        ),
        bad="the port has no addresses, so nobody answers DHCP or ARP for it",
    )
    return checks.finding()
