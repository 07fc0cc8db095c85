"""What a daemon of OVN or Open vSwitch is doing, from its process and its answers."""

from __future__ import annotations

from viftrail.facts.facts import NOT_ASKED
from viftrail.facts.host import Host

RUNNING = "running"
HUNG = "hung"
STOPPED = "stopped by a signal"
DEAD = "dead"
ABSENT = "not running"
UNREACHED = "running, and its control socket was not reached"
"""As when it runs in a container that hides the socket: neither good nor bad is known."""

UNASKED = "running, and nobody asked it"
"""As in a sosreport, which lists the processes and holds the answers of some of them."""

SILENT = frozenset({UNREACHED, UNASKED})
"""It runs, and that is all that is known of it."""

UNSEEN = "not to be seen in its conf.db"
"""All that is known of the host is its database file."""


def daemon_state(host: Host, daemon: str) -> str:
    """Running, hung, stopped, dead, not running, or not asked, reached or seen."""
    process = host.processes.get(daemon)
    if process is None:
        return UNSEEN if host.conf_only else ABSENT
    if process.state in ("T", "t"):
        return STOPPED
    if not process.runs:
        return DEAD
    if host.unixctl.get(daemon):
        return RUNNING
    failures = host.failures(f"ovs-appctl -t {daemon} ")
    if any(each.why == NOT_ASKED for each in failures):
        return UNASKED
    return UNREACHED if failures and not any(each.hung for each in failures) else HUNG
