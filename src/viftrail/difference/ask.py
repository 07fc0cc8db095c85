"""Two sources and a question: what changed between them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone

from viftrail.audit import audit
from viftrail.difference import databases, hosts, openstack
from viftrail.difference.change import Difference, Side
from viftrail.difference.compare import Focus, compare, in_order
from viftrail.difference.picture import Picture, Thing
from viftrail.difference.rebuilt import bare_id, renaming
from viftrail.errors import UnknownTarget, ViftrailError
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.names import names_of
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.slice import follow_found
from viftrail.facts.source import Source
from viftrail.facts.target import resolve, split_pair
from viftrail.facts.ways.carrier import LONG_WINDOW
from viftrail.verdict import Cause, Stage, State, Verdict
from viftrail.why import why

_PLUG = re.compile(r"(?:tap|qvo|qvb|qbr|vhu)[0-9a-f]{8}-[0-9a-f]{2}")
"""Devices that Nova names after a port: those of others are not the target's."""


@dataclass(frozen=True)
class _Seen:
    """A side as it was read."""

    name: str
    facts: Facts
    side: Side
    names: frozenset[str] = frozenset()
    """What the target is called."""
    trail: Facts | None = None
    """The target's part of it; None where there is no target, or it is not known there."""
    cause: Cause | None = None


def difference(
    before: Source, after: Source, names: tuple[str, str], target: str = ""
) -> Difference:
    """What changed from one source to the other.

    Args:
        before: what is taken for good.
        after: what is to be explained.
        names: what to call them.
        target: what alone it shall be about; empty: the whole cloud.

    Raises:
        UnknownTarget: neither side knows the target.
        ViftrailError: one of them cannot be read.
    """
    both = [
        _side_of(letter, source, name, target)
        for letter, source, name in zip("AB", (before, after), names, strict=True)
    ]
    if target and all(each.side.state == "absent" for each in both):
        raise UnknownTarget(both[1].side.summary, "Neither side knows it.")
    anew = renaming(both[0].facts, both[1].facts)
    one, other = (_picture(each.facts) for each in both)
    other = other.renamed(anew, one.things.keys()) if anew else other
    own = frozenset(map(anew, both[0].names | both[1].names))
    if target:
        parts = (_picture(seen.trail) for seen in both if seen.trail)
        trail = {thing._replace(name=anew(thing.name)) for part in parts for thing in part.things}
        wanted = _OnTrail(trail, own)
        changes = list(compare(one, other, wanted))
    else:
        changes = list(compare(one, other))
    # What is worse explains more; of two that are healthy nothing does.
    worse = both[1] if both[1].side.stage else both[0]
    stage = Stage(worse.side.stage) if worse.side.stage else None
    evidence = worse.cause.evidence if worse.cause else ()
    return Difference(
        target=target,
        before=both[0].side,
        after=both[1].side,
        changes=in_order(changes, Focus(stage, own, evidence)),
        compared=len(one.things.keys() & other.things.keys()),
        unseen=_unseen(*both),
    )


def _picture(facts: Facts) -> Picture:
    picture = Picture()
    servers = _servers(facts)
    databases.draw(picture, facts, servers)
    hosts.draw(picture, facts, servers)
    openstack.draw(picture, facts, servers)
    return picture


def _servers(facts: Facts) -> dict[str, str]:
    """Names of servers, or their ids, by port."""
    found = {
        row.name: device
        for row in facts.nb[LogicalSwitchPort]
        if not row.type and (device := row.external_ids.get("neutron:device_id", ""))
    }
    for port in facts.openstack.ports or ():
        named = facts.openstack.server_with(port.device_id)
        if named:
            found[port.id] = named.name
    found.update((port.id, port.server) for port in facts.owner.ports if port.server)
    return found


def _side_of(letter: str, source: Source, name: str, target: str) -> _Seen:
    """A side; an error says which it was."""
    try:
        return _read(source, name, target)
    except ViftrailError as error:
        error.what = f"{letter} ({name}) cannot be judged: {error.what}"
        error.args = (f"{error.what} {error.do}".strip(),)
        raise


def _read(source: Source, name: str, target: str) -> _Seen:
    if not target:
        facts = source.everything()
        found = audit(facts)
        worst = found.groups[0] if found.groups else None
        state = worst.state if worst else State.UNKNOWN if found.blind else State.HEALTHY
        side = Side(
            name=name,
            time=source.taken or datetime.now(timezone.utc).isoformat(timespec="seconds"),
            state=state.value,
            stage=worst.stage if worst else "",
            cause=worst.id if worst else "",
            summary=worst.example.summary if worst else "",
            findings=tuple(sorted(f"{fault}: {subject}" for fault, subject in found.places)),
        )
        return _Seen(name, facts, side, cause=worst.example if worst else None)
    try:
        verdict = why(source, target)
    except UnknownTarget as error:
        side = Side(name=name, time=source.taken, state="absent", summary=error.what)
        return _Seen(name, source.everything() if source.taken else Facts(), side)
    trail, names = _followed(source, target)
    facts = source.everything() if source.taken else trail
    return _Seen(name, facts, _side(name, verdict), names, trail, next(iter(verdict.causes), None))


def _side(name: str, verdict: Verdict) -> Side:
    conclusion = verdict.verdict
    return Side(
        name=name,
        time=verdict.time,
        state=conclusion.state.value,
        stage=conclusion.stage,
        cause=conclusion.cause,
        summary=conclusion.summary,
    )


def _followed(source: Source, target: str) -> tuple[Facts, frozenset[str]]:
    ends = split_pair(target)
    source.about(ends)
    inquiry = Inquiry(source, window=LONG_WINDOW)
    found = [resolve(inquiry, end) for end in ends]
    for end in found:
        follow_found(inquiry, end)
    facts = inquiry.facts()
    names: set[str] = set()
    for end in found:
        own = names_of(facts, [end.port_id], end.server_id)
        names.update((*own.ids, end.server))
        owned = facts.owner.port(end.port_id)
        names.update((owned.host, owned.server) if owned else ())
    return facts, frozenset(names - {""})


class _OnTrail:
    """Whether a thing is the target's: on its trail, and none of its neighbours' plugs."""

    def __init__(self, trail: Collection[Thing], names: Collection[str]) -> None:
        self._trail, self._names = trail, names
        metadata = [bare_id(thing.name) for thing in trail if thing.kind == "network"]
        self._plugs = {
            *(prefix + each[:11] for prefix in hosts.PLUGS for each in names),
            *(f"tap{each[:10]}{end}" for each in metadata for end in "01"),
        }

    def __call__(self, thing: Thing) -> bool:
        if thing not in self._trail:
            return False
        if thing.kind in ("guest", "VM"):
            return thing.name in self._names
        return not _PLUG.fullmatch(thing.name) or thing.name in self._plugs


def _knows(facts: Facts, database: str) -> bool:
    """Somebody read some of it."""
    tables = facts.nb if database == NORTHBOUND else facts.sb
    every = (tables[row] for row in tables)
    return any(each.complete or each.rows or each.answered for each in every)


def _unseen(one: _Seen, other: _Seen) -> tuple[str, ...]:
    """Databases that a side is without, and hosts that one side looked at and the other did not."""
    found = []
    for database in (NORTHBOUND, SOUTHBOUND):
        without = [side for side in (one, other) if not _knows(side.facts, database)]
        if len(without) == 1:
            (side,) = without
            why = next((g.why for g in side.facts.gaps if g.place == database), "")
            found.append(f"{database} is not known in {side.name}. {why}".strip())
        elif without:
            found.append(f"{database} is not known in either.")
    for mine, theirs in ((one, other), (other, one)):
        whole = mine.trail or mine.facts
        for host in sorted(whole.hosts.keys() - theirs.facts.hosts.keys()):
            gap = next((g.why for g in theirs.facts.gaps if g.place == f"host {host}"), "")
            found.append(f"host {host} was not looked at in {theirs.name}. {gap}".strip())
    return tuple(found)
