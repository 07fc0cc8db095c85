"""What commands print about a host, as the facts that a probe would have brought.

Sources: ip-address(8) with ``-d``, ps(1), df(1), proc(5) for meminfo, ovs-ofctl(8), nft(8), sysctl(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from viftrail.facts import probe
from viftrail.facts.host import (
    Address,
    ConnTrack,
    Disk,
    Domain,
    FirewallRule,
    Flows,
    Link,
    LinkInfo,
    Memory,
    Process,
)
from viftrail.facts.number import number

_LINK = re.compile(r"(\d+): ([^:@\s]+)(?:@([^:\s]+))?: <([^>]*)> (.*)")
_KIND = re.compile(
    r" {4}(openvswitch|ovs|tun|veth|vlan|bridge|geneve|vxlan|dummy|bond|macvlan|macvtap|ipvlan"
    r"|gre|gretap|ip6gre|sit|vrf|ifb|team|vti|wireguard|xfrm|netkit|nlmon)\b"
)
_MASTER = re.compile(r"(\w+)_slave\b")
_INET = re.compile(r"\s+(inet6?) ([0-9a-fA-F.:]+)(?: peer \S+?)?(?:/(\d+))? ")
_STATS = re.compile(
    r"(?:cookie|duration|n_packets|n_bytes|idle_age|hard_age|idle_timeout|hard_timeout)=[^,\s]+,? ?"
)
_TABLE = re.compile(r"\btable=(\d+),? ?")

_PLACE = re.compile(r"\s*(table|chain) (\S+)(?: (\S+))? \{")
_RULE = re.compile(r"\budp dport (?P<port>\d+)\b(?=.* # handle (?P<handle>\d+)$)")
_COUNTED = re.compile(r'counter packets \d+ bytes \d+|\blog(?: \w+ "[^"]*")*|comment "[^"]*"')

_WRITTEN = (
    "/",
    "/var/log",
    "/var/lib/ovn",
    "/var/lib/openvswitch",
    "/etc/openvswitch",
    "/var/lib/nova",
)
"""The same as in probe.py: where a full disk stops something of the chain."""

_DAEMONS = ("ovs-vswitchd", "ovn-controller", "ovn-northd")
_SERVERS = {"ovnnb_db": "ovnnb_db", "ovnsb_db": "ovnsb_db", "conf.db": "ovsdb-server"}
"""What an ovsdb-server's command line holds (utilities/ovn-ctl, ovs-ctl), and its pid file's name."""


def links(text: str) -> tuple[Link, ...]:
    """The devices of ``ip -d address``, or of ``ip -d link``, which has no addresses."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        head = _LINK.match(line)
        if head:
            words = head[5].split()
            told = dict(zip(words[::2], words[1::2], strict=False))
            found.append(
                {
                    "ifname": head[2],
                    "link": head[3] or "",
                    "master": told.get("master", ""),
                    "mtu": number(told.get("mtu", "")) or 0,
                    "flags": tuple(filter(None, head[4].split(","))),
                    "addr_info": [],
                }
            )
        elif found:
            _detail(found[-1], line)
    return tuple(Link(**{**each, "addr_info": tuple(each["addr_info"])}) for each in found)


def _detail(link: dict[str, Any], line: str) -> None:
    words = line.split()
    if words and words[0].startswith("link/"):
        link["address"] = words[1] if len(words) > 1 and ":" in words[1] else ""
    elif inet := _INET.match(line + " "):
        family = "inet6" if inet[1] == "inet6" else "inet"
        link["addr_info"].append(Address(inet[2], number(inet[3] or "") or 0, family))
    elif (kind := _KIND.match(line)) and not _MASTER.match(line.strip()):
        link.setdefault("linkinfo", LinkInfo(kind[1]))


def processes(text: str) -> dict[str, Process]:
    """The daemons among what ``ps auxwww`` lists, by the names that their pid files have."""
    found: dict[str, Process] = {}
    lines = iter(text.splitlines())
    columns = next(lines, "").split()
    if not {"PID", "STAT", "COMMAND"} <= set(columns):
        return {}
    pid, stat, command = (columns.index(name) for name in ("PID", "STAT", "COMMAND"))
    stateless = ""
    for line in lines:
        words = line.split(None, command)
        if len(words) <= command:
            continue
        if words[pid] == "-" and stateless:
            # With "m" a process is followed by its threads, which alone have a state.
            found[stateless] = msgspec.structs.replace(found[stateless], state=words[stat][:1])
        stateless = ""
        started = words[command].lstrip("\\_| ")  # with "f" there is a tree before it
        name = daemon_of(started)
        known = number(words[pid])
        if known is not None and name and name not in found:
            found[name] = Process(pid=known, state=words[stat][:1], command=started)
            stateless = name if words[stat] == "-" else ""
    return found


def daemon_of(command: str) -> str:
    """The daemon that a command line starts, by the name of its pid file; empty: none of them."""
    words = command.split()
    program = words[0].rstrip(":").rpartition("/")[2] if words else ""
    if program == "ovsdb-server":
        return next((name for key, name in _SERVERS.items() if key in command), "")
    # A daemon that is watched over has a parent, "ovs-vswitchd: monitoring pid 812 (healthy)".
    return program if program in _DAEMONS and ": monitoring pid" not in command else ""


def disks(text: str) -> tuple[Disk, ...]:
    """Of the file systems of ``df``, in blocks of 1024 bytes, those that hold what OVN writes."""
    found: dict[str, Disk] = {}
    for line in text.splitlines()[1:]:
        words = line.split(None, 5)
        total, free = map(_kibibytes, (words[1], words[3])) if len(words) == 6 else (None, None)
        if total and free is not None:
            found[words[5]] = Disk(words[5], total, free)
    return tuple({disk: None for path in _WRITTEN if (disk := _holding(found, path))})


def _holding(mounted: Mapping[str, Disk], path: str) -> Disk | None:
    places = (path, *map(str, PurePosixPath(path).parents))
    return next((mounted[place] for place in places if place in mounted), None)


def memory(text: str) -> Memory:
    """What ``/proc/meminfo`` says."""
    told = dict(re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE))
    total, available = (_kibibytes(told.get(key, "")) for key in ("MemTotal", "MemAvailable"))
    return Memory(total or 0, available or 0)


def _kibibytes(text: str) -> int | None:
    """Blocks of 1024 bytes as bytes."""
    blocks = number(text)
    return None if blocks is None else blocks << 10


def flows(text: str, bridge: str) -> Flows:
    """``ovs-ofctl dump-flows``: how many, and those that tie ports to the bridge, tables 0 and 65."""
    count = 0
    ports: list[str] = []
    for line in text.splitlines():
        if "actions=" not in line:
            continue
        count += 1
        table = _TABLE.search(line)
        number = table[1] if table else "0"
        if number in ("0", "65"):
            ports.append(_brief(line, number))
    return Flows(bridge, count, tuple(ports))


def _brief(line: str, number: str) -> str:
    """A flow as ``--no-stats`` prints it."""
    cookie = re.match(r"\s*(cookie=\w+,) ?", line)
    rest = _TABLE.sub("", _STATS.sub("", line.strip()))
    table = "" if number == "0" else f"table={number}, "
    return f"{cookie[1] + ' ' if cookie else ''}{table}{rest.strip()}"


def packets(text: str) -> dict[str, tuple[int, int]]:
    """``ovs-ofctl dump-ports``: packets in and out, by OpenFlow port."""
    return dict(_counters(text))


def _counters(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    port, received = "", 0
    for line in text.splitlines():
        counted = re.search(r"([rt]x) pkts=(\d+)", line)
        named = re.match(r'\s+port +"?([^":]+)"?:', line)
        if named:
            port = named[1].strip()
        if counted and counted[1] == "rx":
            received = number(counted[2]) or 0
        elif counted and port:
            yield port, (received, number(counted[2]) or 0)


def firewall(text: str) -> tuple[FirewallRule, ...]:
    """The rules of ``nft -a list ruleset`` that look at one UDP port."""
    found: list[FirewallRule] = []
    family = table = chain = ""
    for line in text.splitlines():
        if place := _PLACE.match(line):
            if place[1] == "chain":
                chain = place[2]
            else:
                family, table = place[2], place[3]
        elif (rule := _RULE.search(line)) and (port := number(rule["port"])):
            words = _COUNTED.sub("", line[: rule.start()] + line[rule.end() : rule.start("handle")])
            rest = set(words.replace("# handle", "").split())
            found.append(
                FirewallRule(
                    family=family,
                    table=table,
                    chain=chain,
                    handle=number(rule["handle"]) or 0,
                    udp_port=port,
                    drops=bool(rest & {"drop", "reject"}),
                    narrow=bool(rest - {"drop", "reject", "accept", "return", "continue"}),
                )
            )
    return tuple(found)


def tracked(text: str) -> ConnTrack | None:
    """The kernel's tracked connections, as ``sysctl -a`` has them; None where it tracks none."""
    told = dict(
        re.findall(r"^net\.netfilter\.nf_conntrack_(count|max) = (\d+)$", text, re.MULTILINE)
    )
    count, limit = (number(told.get(key, "")) for key in ("count", "max"))
    return ConnTrack(count, limit) if count is not None and limit is not None else None


def domain(text: str) -> Domain | None:
    """The VM of ``virsh dumpxml``; None where it does not run, as it has no id then."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError:
        return None
    if root.get("id") is None:
        return None
    return msgspec.convert({**probe.domain(root), "state": "running"}, Domain)
