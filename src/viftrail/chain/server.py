"""The OVN database servers: whether they answer, where they listen, and where they write."""

from __future__ import annotations

from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import HUNG, RUNNING
from viftrail.facts.host import Disk, Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.number import number

PID_FILES = {NORTHBOUND: "ovnnb_db", SOUTHBOUND: "ovnsb_db"}
"""What a server's pid file, socket and control socket are called (utilities/ovn-ctl)."""

UNITS = {NORTHBOUND: "ovn-ovsdb-server-nb", SOUTHBOUND: "ovn-ovsdb-server-sb"}
"""The units of Debian, Ubuntu and RDO."""


def server_state(host: Host, database: str) -> str:
    """Running, hung, stopped, dead; empty where none ever ran."""
    process = host.processes.get(PID_FILES[database])
    if process is None:
        return ""
    if process.state in ("T", "t"):
        return "stopped by a signal"
    if not process.runs:
        return "dead"
    return HUNG if any(failure.hung for failure in host.failures(f"{database} at ")) else RUNNING


def file_of(host: Host, daemon: str) -> str:
    """The database file that a server was started with; empty where it is not known."""
    process = host.processes.get(daemon)
    words = process.command.split() if process else []
    return next((word for word in words if word.startswith("/") and word.endswith(".db")), "")


def disk_of(host: Host, path: str) -> Disk | None:
    """The file system, of those that were looked at, that holds this path."""
    found = [disk for disk in host.disks if path.startswith(disk.path.rstrip("/") + "/")]
    return max(found, key=lambda disk: len(disk.path), default=None)


def endpoints(remote: str) -> tuple[tuple[str, str, int], ...]:
    """Scheme, address and port of each active TCP or SSL remote in a list (ovsdb(7))."""
    found = []
    for each in remote.split(","):
        scheme, _, rest = each.strip().partition(":")
        address, _, port = rest.rpartition(":")
        known = number(port)
        if scheme in ("tcp", "ssl") and address and known is not None:
            found.append((scheme, address.strip("[]"), known))
    return tuple(found)


def is_part(remote: str, whole: str) -> bool:
    """Whether a list names some of the members that another one names, and not all."""
    return bool(endpoints(remote)) and set(endpoints(remote)) < set(endpoints(whole))


def owner_of(cloud: Cloud, address: str) -> tuple[str, Host] | None:
    """The central host that has this address, if it was looked at."""
    for name, host in cloud.central.items():
        if any(address == own.local for link in host.links for own in link.addr_info):
            return name, host
    return None
