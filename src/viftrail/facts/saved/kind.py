"""What a file is, told by its beginning and never by its name."""

from __future__ import annotations

import re
from enum import Enum

from viftrail.facts.saved import cli_table


class Kind(Enum):
    """What was saved in a file."""

    DATABASE = "OVSDB file"
    REMAINS = "end of an OVSDB file"
    ANSWER = "JSON"
    MANIFEST = "manifest of sos"
    TABLE = "table of openstack or nova-manage"
    LISTING = "list of a database's table"
    NORTH = "ovn-nbctl show"
    SOUTH = "ovn-sbctl show"
    SWITCH = "ovs-vsctl show"
    FLOWS = "ovs-ofctl dump-flows"
    PORTS = "ovs-ofctl dump-ports"
    LINKS = "ip address"
    PROCESSES = "ps"
    DISKS = "df"
    MEMORY = "/proc/meminfo"
    FIREWALL = "nft list ruleset"
    KERNEL = "sysctl -a"
    DOMAIN = "virsh dumpxml"
    PID = "pid file"
    CLUSTER = "cluster/status"
    STATUS = "status of a daemon"
    OUTPUT = "output of another command"
    LOG = "log"
    OTHER = "something else"
    EMPTY = "nothing"


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
RECORD = re.compile(rb"^OVSDB (?:JSON|CLUSTER) [1-9]\d{0,18} [0-9a-fA-F]{40}\n", re.MULTILINE)
"""The header line of an OVSDB record (ovsdb(5))."""

_LATER = re.compile(rf"^_uuid +: {_UUID}$", re.MULTILINE)
"""A record of a list whose beginning was cut off."""

_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |__REALTIME_TIMESTAMP"
)
_JSON = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
_JOURNAL = re.compile(r'"__REALTIME_TIMESTAMP"')
"""A line of ``journalctl -o json``."""

_MANIFEST = re.compile(r'\{\s*"version":[^{]*"cmdline":')
"""``sos_reports/manifest.json`` (sos: report/__init__.py)."""

_OUTPUTS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.LISTING, re.compile(rf"_uuid +: {_UUID}$|[A-Z]\w+ table\n", re.MULTILINE)),
    (Kind.NORTH, re.compile(rf"(?:switch|router) {_UUID}\b")),
    (Kind.SOUTH, re.compile(r"Chassis \S+\n +(?:hostname|Encap)\b")),
    (Kind.SWITCH, re.compile(rf"{_UUID}\s*\n\s+(?:Manager|Bridge|ovs_version)")),
    (Kind.FLOWS, re.compile(r"(?:NXST_FLOW|OFPST_FLOW) reply|\s*cookie=0x\S+, duration=")),
    (Kind.PORTS, re.compile(r"OFPST_PORT reply.*\n\s+port ")),
    (Kind.LINKS, re.compile(r"\d+: \S+: <[A-Z0-9_,-]*> mtu \d+")),
    (Kind.PROCESSES, re.compile(r"USER +PID +%CPU +%MEM +VSZ +RSS +TTY +STAT +START +TIME ")),
    (Kind.DISKS, re.compile(r"Filesystem +(?:1K|1024)-blocks +Used +Available ")),
    (Kind.MEMORY, re.compile(r"MemTotal: +\d+ kB\n")),
    (Kind.FIREWALL, re.compile(r"table (?:ip6?|inet|arp|bridge|netdev) \S+ \{")),
    (Kind.KERNEL, re.compile(r"abi\.\w+ = |[a-z]\w*(?:\.[\w-]+)+ = \S*\n[a-z]\w*(?:\.[\w-]+)+ = ")),
    (Kind.DOMAIN, re.compile(r"<domain (?:type|id)=")),
    (Kind.PID, re.compile(r"\d{1,7}\s*$")),
    (Kind.CLUSTER, re.compile(r"[0-9a-f]{4}\nName: OVN_\w+\n")),
    (Kind.STATUS, re.compile(r"(?:Status: (?:active|standby|paused)|(?:not )?connected)\s*$")),
    (
        Kind.OUTPUT,
        re.compile(
            r"OFPT_FEATURES_REPLY|recirc_id\(|ufid:|<domain|\s*Id\s+Name\s+State|flow-dump from"
        ),
    ),
)
"""The beginnings of what commands print."""


def kind_of(head: bytes) -> Kind:
    """What a file is whose beginning this is, unpacked."""
    if head.startswith(b"OVSDB "):
        return Kind.DATABASE
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    start = text.lstrip()
    if not start:
        return Kind.EMPTY
    if _JSON.match(start) and not _JOURNAL.search(start.partition("\n")[0]):
        return Kind.MANIFEST if _MANIFEST.match(start) else Kind.ANSWER
    if cli_table.looks_like_table(text):
        return Kind.TABLE
    for kind, pattern in _OUTPUTS:
        if pattern.match(start):
            return kind
    if RECORD.search(head):
        return Kind.REMAINS
    if _LATER.search(text):
        return Kind.LISTING
    if b"\0" not in head and _STAMP.search(text):
        return Kind.LOG
    return Kind.OTHER
