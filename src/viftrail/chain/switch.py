"""Whether ovs-vswitchd of a host works: the writer of every Interface row.

When it is dead, its rows stay as they were, green (FAULTS F.1); so it is
looked at before they are believed, on every host that the trail passes.
"""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.facts.host import Host
from viftrail.verdict import Evidence


def switch_state(host: Host) -> str:
    """What ovs-vswitchd is doing: running, hung, stopped or dead; empty when nobody can say."""
    process = host.processes.get("ovs-vswitchd")
    if process is None:
        return "not running" if "ovsdb-server" in host.processes else ""
    if process.state in ("T", "t"):
        return "stopped by a signal"
    if not process.runs:
        return "dead"
    return "running" if host.unixctl.get("ovs-vswitchd") else "hung"


def check_switch(checks: Checks, host: Host, name: str) -> None:
    """Record whether ovs-vswitchd of this host runs and answers."""
    state = switch_state(host)
    if not state:
        checks.unknown(f"no pid file tells whether ovs-vswitchd runs on {name}")
        return
    checks.check(
        state == "running",
        Evidence(
            where=name,
            what="ovs-vswitchd",
            seen=state,
            expected="running",
            command="ovs-appctl version",
        ),
        bad=f"ovs-vswitchd on {name} is {state}, so nothing passes its bridges and its rows are old",
    )
