"""What a bundle says of itself: its first member, to be read by itself.

``tar -xOzf FILE manifest.json`` shows it to whoever has no viftrail.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from viftrail.facts.clock import Offset
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.redaction import Redaction
from viftrail.facts.southbound import SBGlobal

_VERSIONS = (
    ("OVN", re.compile(r"^ovn-\S+ (\d[\w.~+-]*)", re.MULTILINE)),
    ("Open vSwitch", re.compile(r"\(Open vSwitch\) (\d[\w.~+-]*)")),
)
_INTERNAL = "northd_internal_version"


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """Who collected, and where."""

    user: str = ""
    host: str = ""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was seen, and where: hosts, or the database that told."""

    what: str
    version: str
    where: tuple[str, ...]


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle of one target is about, by every name that it may be asked for."""

    asked: str
    names: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle is. ``time`` is ISO 8601 in UTC."""

    format: int
    tool: str
    time: str
    source: str
    """Of what it was collected: a cloud's name, or the file that it was made from."""
    partial: tuple[str, ...] = ()
    """Members that lack rows, so that a row's absence from them proves nothing, unless
    coverage.json says that it was asked for."""
    collector: Collector = Collector()
    targets: tuple[Trail, ...] = ()
    """What it is about; empty: the whole cloud."""
    since: str = ""
    """How far back logs were looked through, ISO 8601; empty: none were."""
    versions: tuple[Version, ...] = ()
    clocks: dict[str, Offset] = {}
    """Of each host that could be asked."""
    members: dict[str, int] = {}
    """Bytes of every other member, unpacked."""
    redactions: tuple[Redaction, ...] = ()
    """What was taken out, by kind and place."""


def versions_of(facts: Facts) -> tuple[Version, ...]:
    """Every version of OVN and Open vSwitch that hosts and databases told."""
    found: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for name, host in facts.hosts.items():
        for answers in host.unixctl.values():
            for what, pattern in _VERSIONS:
                told = pattern.search(answers.get("version", ""))
                if told:
                    found[what, told[1]][name] = None
    options: Mapping[str, Mapping[str, str]] = {
        NBGlobal.table: next((row.options for row in facts.nb[NBGlobal]), {}),
        SBGlobal.table: next((row.options for row in facts.sb[SBGlobal]), {}),
    }
    for where, settings in options.items():
        if settings.get(_INTERNAL):
            found["ovn-northd", settings[_INTERNAL]][where] = None
    return tuple(
        Version(what=what, version=version, where=tuple(sorted(where)))
        for (what, version), where in sorted(found.items())
    )
