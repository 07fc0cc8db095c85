"""S13: the NAT row of each floating IP."""

from __future__ import annotations

from viftrail.chain.checks import Checks, not_applicable
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db
from viftrail.chain.sounding import check_outside
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT
from viftrail.verdict import Evidence, Finding, Stage


def nat_of(cloud: Cloud, address: str) -> NAT | None:
    """The row that translates this floating IP."""
    rows = cloud.nb[NAT].find("external_ip", address)
    return next((row for row in rows if row.type == "dnat_and_snat"), None)


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Each floating IP has a NAT row that leads to the port's own address."""
    if not trail.floating_ips:
        return not_applicable(Stage.FLOATING_IP, "the port has no floating IP")
    checks = Checks(Stage.FLOATING_IP)
    for address in trail.floating_ips:
        row = nat_of(cloud, address)
        if row is None and not cloud.nb[NAT].knows("external_ip", address):
            checks.unknown(f"NAT of {address} was not read")
            continue
        checks.check(
            row is not None and row.logical_ip in trail.port.addresses,
            Evidence(
                where=NORTHBOUND,
                what=f"NAT external_ip={address}",
                seen=f"to {row.logical_ip}" if row else "no such row",
                expected=f"to {trail.port.ipv4}",
                command=f"ovn-nbctl find NAT external_ip={db(address)}",
            ),
            good=f"{address} is translated",
            bad=f"floating IP {address} is not translated to the port",
        )
    check_outside(checks, cloud, "floating IP")
    return checks.finding()
