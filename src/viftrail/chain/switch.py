"""Whether ovs-vswitchd of a host works: the writer of every Interface row.

When it is dead, its rows stay as they were, green (FAULTS F.1); so it is
looked at before they are believed, on every host that the trail passes.
"""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.daemon import RUNNING, UNREACHED, daemon_state
from viftrail.facts.host import Host
from viftrail.verdict import Evidence


def switch_state(host: Host) -> str:
    """What ovs-vswitchd is doing, as any daemon; empty when nobody can say."""
    if not host.processes.keys() & {"ovs-vswitchd", "ovsdb-server"}:
        return ""
    return daemon_state(host, "ovs-vswitchd")


def check_switch(checks: Checks, host: Host, name: str) -> None:
    """Record whether ovs-vswitchd of this host runs and answers."""
    state = switch_state(host)
    if not state:
        checks.unknown(f"no pid file tells whether ovs-vswitchd runs on {name}")
        return
    if state == UNREACHED:
        checks.unknown(f"ovs-vswitchd on {name} is {state}")
        return
    checks.check(
        state == RUNNING,
        Evidence(
            where=name,
            what="ovs-vswitchd",
            seen=state,
            expected="running",
            command="ovs-appctl version",
        ),
        bad=f"ovs-vswitchd on {name} is {state}, so nothing passes its bridges and its rows are old",
    )
