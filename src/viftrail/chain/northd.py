"""S5: ovn-northd works and has carried the port to OVN_Southbound."""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import all_seen, majority_lost, unserved
from viftrail.chain.daemon import HUNG, RUNNING, UNASKED, UNREACHED, daemon_state
from viftrail.chain.quoting import db
from viftrail.chain.trail import Trail
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import Evidence, Finding, Stage

STATUS = "ovn-appctl -t ovn-northd status"


def northd_state(host: Host) -> str:
    """What ovn-northd is doing on this host: active, standby, paused, or as any daemon."""
    state = daemon_state(host, "ovn-northd")
    if state != RUNNING:
        return state
    status = host.unixctl["ovn-northd"].get("status", "")
    return status.removeprefix("Status:").strip() or HUNG


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """The writer first (FAULTS D.2 row 0), then the row it writes."""
    checks = Checks(Stage.NORTHD)
    states = {name: northd_state(host) for name, host in cloud.central.items()}
    if majority_lost(cloud, SOUTHBOUND) and "standby" in states.values():
        checks.aside("no ovn-northd can take its lock in Southbound, whose cluster has no majority")
    elif unserved(cloud, SOUTHBOUND) and "standby" in states.values():
        checks.aside("no ovn-northd can take its lock in Southbound, which nobody serves")
    elif states and not all_seen(cloud) and "active" not in states.values():
        checks.aside("ovn-northd may run beside a member of the cluster that was not looked at")
    elif "standby" in states.values() and "active" not in states.values():
        # One standby of many is normal, and only an active one makes another stand by.
        checks.aside("the active ovn-northd runs on a host that was not looked at")
    elif UNREACHED in states.values() and "active" not in states.values():
        checks.aside(f"ovn-northd on {', '.join(states)} is {UNREACHED}")
    elif UNASKED in states.values() and "active" not in states.values():
        checks.unknown(
            f"ovn-northd runs, and the report does not say whether it is active: {STATUS}"
        )
    elif states:
        checks.check(
            "active" in states.values(),
            Evidence(
                where=", ".join(states),
                what="ovn-northd",
                seen=", ".join(dict.fromkeys(states.values())),
                expected="one active",
                command=STATUS,
            ),
            good="ovn-northd is active",
            bad="no ovn-northd is active",
        )
    else:
        checks.aside("no host with ovn-northd was looked at (--central names it)")
    _caught_up(checks, cloud)
    binding = cloud.binding(trail.port.id)
    if binding or cloud.sb[PortBinding].knows("logical_port", trail.port.id):
        checks.check(
            binding is not None,
            Evidence(
                where=SOUTHBOUND,
                what=f"Port_Binding logical_port={trail.port.id}",
                seen="one row" if binding else "no such row",
                expected="one row",
                command=f"ovn-sbctl find Port_Binding logical_port={db(trail.port.id)}",
            ),
            good="Port_Binding exists",
            bad="the port has no Port_Binding in Southbound",
        )
    else:
        checks.unknown(f"{SOUTHBOUND} was not read")
    return checks.finding()


def _caught_up(checks: Checks, cloud: Cloud) -> None:
    if majority_lost(cloud, SOUTHBOUND):
        return  # nobody can write Southbound: no fault of northd's
    for row in cloud.nb[NBGlobal]:
        if row.nb_cfg == row.sb_cfg + 1:
            checks.aside("a request of this moment is on its way to Southbound")
        elif row.nb_cfg > row.sb_cfg:
            checks.check(
                False,
                Evidence(
                    where=NORTHBOUND,
                    what="NB_Global nb_cfg, sb_cfg",
                    seen=f"{row.nb_cfg}, {row.sb_cfg}",
                    expected="equal",
                    command="ovn-nbctl --columns=nb_cfg,sb_cfg list NB_Global",
                ),
                bad="Southbound lags behind Northbound",
            )
