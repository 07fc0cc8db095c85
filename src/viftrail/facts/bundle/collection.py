"""What goes into a bundle: a whole cloud, or no more than some targets' trails."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import msgspec

from viftrail import __version__
from viftrail.facts.bundle.bundle import FORMAT
from viftrail.facts.bundle.manifest import Collector, Manifest, Trail, versions_of
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.live import LiveSource
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window, parse
from viftrail.facts.log.seek import SLACK
from viftrail.facts.names import names_of
from viftrail.facts.slice import follow_found
from viftrail.facts.source import Source
from viftrail.facts.stored import REST, StoredSource
from viftrail.facts.target import Found, resolve, split_pair
from viftrail.facts.ways.carrier import LONG_WINDOW

MOST_LINES = 20_000
"""Log lines, and signs of trouble, that a bundle holds; of more, the newest."""


@dataclass(frozen=True)
class Wanted:
    """What the operator asked for."""

    targets: Sequence[str] = ()
    """Empty: the whole cloud."""
    hindsight: float = 0.0
    """Seconds that logs are looked back; 0: not at all."""
    gentle: bool = False


def gather(source: Source, wanted: Wanted, *, name: str = "") -> tuple[Facts, Manifest]:
    """The facts that were asked for, and the manifest as far as it is known before it is written.

    Args:
        source: where from.
        wanted: what of it.
        name: what it is called, where its owner does not say.

    Raises:
        ViftrailError: as `why`.
    """
    ids: frozenset[str] = frozenset()
    if wanted.targets:
        facts, trails, ids = _followed(source, wanted.targets)
    else:
        source.about(())
        facts = source.everything(gentle=wanted.gentle)
        trails = source.trails if isinstance(source, StoredSource) else ()
    facts = replace(facts, gaps=tuple(gap for gap in facts.gaps if gap.place != REST))
    facts, since = _with_logs(source, facts, wanted, ids.union(*(t.names for t in trails)))
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    clocks = {name: host.clock for name, host in facts.hosts.items() if host.clock}
    manifest = Manifest(
        format=FORMAT,
        tool=f"viftrail {__version__}",
        time=source.taken or now,
        source=facts.owner.name or name,
        collector=collector(),
        targets=trails,
        since=since,
        versions=versions_of(facts),
        clocks=clocks,
    )
    return facts, manifest


def collector() -> Collector:
    """Who this is; through sudo, who called it."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())  # a container's user may have no name
    return Collector(user=user, host=socket.gethostname())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _followed(
    source: Source, targets: Sequence[str]
) -> tuple[Facts, tuple[Trail, ...], frozenset[str]]:
    """The targets' slice, as `why` fetches it, with a fair window for what is counted.

    With the ids that it looked for in logs: requests and domains too, which are no names of it.
    """
    ends = [(asked, end) for asked in targets for end in split_pair(asked)]
    source.about([end for _, end in ends])
    inquiry = Inquiry(source, window=LONG_WINDOW)
    found = [(asked, end, resolve(inquiry, end)) for asked, end in ends]
    for _, _, each in found:
        follow_found(inquiry, each)
    facts = inquiry.facts()
    names: dict[str, list[str]] = {asked: [] for asked in targets}
    for asked, end, each in found:
        names[asked] += [end, *_names(facts, each)]
    trails = (Trail(asked=a, names=tuple(dict.fromkeys(found))) for a, found in names.items())
    return facts, tuple(trails), inquiry.told_by_logs


def _names(facts: Facts, found: Found) -> list[str]:
    """All that it may be asked for by."""
    named = names_of(facts, [found.port_id], found.server_id)
    owned = facts.owner.port(found.port_id)
    every = [found.port_id, found.server_id, found.server, *found.mac.split(), *found.addresses]
    every += [named.server_id, *named.others, *((owned.server,) if owned else ())]
    every += [f.ip for f in facts.owner.floating_ips if f.port_id == found.port_id]
    return [each for each in every if each]


def _with_logs(
    source: Source, facts: Facts, wanted: Wanted, names: frozenset[str]
) -> tuple[Facts, str]:
    """With what the logs say within the time that was asked for, and when that begins.

    A target's verdict goes by what its trail has read: where that is of longer ago, so is the
    bundle.
    """
    if not wanted.hindsight:
        return replace(facts, logs=Logs()), ""
    now = (parse(source.taken) if source.taken else None) or time.time()
    window = Window(now - wanted.hindsight, now + SLACK)
    ids = sorted(names) or _in_trouble(facts)
    logs = facts.logs
    if isinstance(source, LiveSource):
        logs, gaps = source.excerpts(facts.hosts, window, ids)
        facts = replace(facts, gaps=(*facts.gaps, *gaps))
    elif not logs:
        logs = source.logs(window, ids)
    elif wanted.targets and (whole := logs.window.around(window)) != logs.window:
        logs = source.logs(whole, ids)
    if not logs:
        return facts, ""
    start = logs.window.start
    return replace(facts, logs=newest(logs)), _moment(start) if start > 0 else "their beginning"


def _in_trouble(facts: Facts) -> list[str]:
    """Ids of the servers that failed: who opens the bundle will ask about them."""
    failed = [row.id for row in facts.openstack.servers or () if row.status == "ERROR"]
    return failed[:100]


def newest(logs: Logs) -> Logs:
    """No more of them than a bundle shall hold; files that lose something by it say so."""
    if len(logs.lines) <= MOST_LINES and len(logs.all_signals) <= MOST_LINES:
        return logs
    cut = f"only the newest {MOST_LINES} records of all logs were kept"
    files = (
        msgspec.structs.replace(file, cut="; ".join(filter(None, (file.cut, cut))))
        for file in logs.files
    )
    return msgspec.structs.replace(
        logs,
        lines=logs.lines[-MOST_LINES:],
        all_signals=logs.all_signals[-MOST_LINES:],
        files=tuple(files),
    )
