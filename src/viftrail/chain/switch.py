"""Whether ovs-vswitchd of a host works: the writer of every Interface row.

When it is dead, its rows stay as they were, green (FAULTS F.1); so it is
looked at before they are believed, on every host that the trail passes.
"""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.daemon import RUNNING, UNASKED, UNREACHED, daemon_state
from viftrail.facts.host import Host
from viftrail.facts.vswitch import Bridge, Interface
from viftrail.verdict import Evidence

OPENFLOW = "OpenFlow15"
"""The version that ovn-controller speaks (ovn: controller/ofctrl.c)."""


def switch_state(host: Host) -> str:
    """What ovs-vswitchd is doing, as any daemon; empty when nobody can say."""
    if not host.processes.keys() & {"ovs-vswitchd", "ovsdb-server"}:
        return ""
    return daemon_state(host, "ovs-vswitchd")


def speaks(host: Host) -> bool:
    """ovs-vswitchd lets ovn-controller connect to the integration bridge."""
    bridge = host.conf[Bridge].one("name", host.integration_bridge)
    return bridge is not None and (not bridge.protocols or OPENFLOW in bridge.protocols)


def carried_out(host: Host) -> bool:
    """ovs-vswitchd has made the integration bridge, whose own port then has a number."""
    own = host.conf[Interface].one("name", host.integration_bridge)
    return own is not None and (own.ofport or 0) > 0


def check_switch(checks: Checks, host: Host, name: str) -> None:
    """Record whether ovs-vswitchd of this host runs and answers."""
    state = switch_state(host)
    if host.conf_only:
        # Its ovn-controller's last word, which S7 looks at, waits for ovs-vswitchd's barrier reply.
        checks.aside(f"of {name} only its conf.db is known")
        return
    if not state:
        checks.unknown(f"no pid file tells whether ovs-vswitchd runs on {name}")
        return
    if state == UNASKED:
        # What its ovn-controller wrote last waits for it here as well.
        checks.aside(f"ovs-vswitchd on {name} is {state}")
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
