"""One sequence of everything that is known to have happened to a target.

Clocks of several computers are put side by side here: two moments that are less than their
difference apart may have been the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from viftrail.facts.change import Change
from viftrail.facts.facts import Facts
from viftrail.facts.log.moment import iso
from viftrail.facts.names import Names
from viftrail.history.asked import asked
from viftrail.history.changed import changed, installed
from viftrail.history.event import Event
from viftrail.history.logged import logged
from viftrail.verdict import Moment, Unknown

MOMENTS = 500
"""Moments of a time line; of more, the newest."""

AGAIN = 30.0
"""Seconds within which the same words are the same thing, said again."""

_NUMBER = re.compile(r"\b\d+(?:\.\d+)?\b")
_KINDS = ("api", "row", "log")


def timeline(facts: Facts, changes: Iterable[Change], names: Names) -> tuple[Moment, ...]:
    """What happened to the target, oldest first.

    Args:
        facts: what was read, its logs and OpenStack's answers included.
        changes: rows that changed, from the databases' own files.
        names: what the target is called.
    """
    rows = list(changed(changes))
    if not any("ovn-installed" in event.what for event in rows):
        rows += installed(facts, names)
    events = [*asked(facts.openstack, names), *rows, *logged(facts.logs, names)]
    events = _collapsed(sorted(events, key=_order))
    return tuple(_moment(event) for event in events[-MOMENTS:])


def missing(facts: Facts, changes: Iterable[Change]) -> tuple[Unknown, ...]:
    """What a time line would hold as well if it had been there to be read."""
    found = []
    if not facts.logs:
        found.append(
            Unknown(
                place="time line: logs",
                why="No log was read, so it has what databases and APIs say.",
                how="Put the logs of nova, neutron, ovn and openvswitch into a folder with the "
                "databases, and give it with --from.",
            )
        )
    if not tuple(changes):
        found.append(
            Unknown(
                place="time line: rows",
                why="No database file was read that holds a change of the target's rows.",
                how="Copy ovnnb_db.db, ovnsb_db.db and each host's conf.db into a folder, and give "
                "it with --from.",
            )
        )
    if facts.openstack.actions is None:
        found.append(
            Unknown(
                place="time line: what was asked",
                why="The server's actions were not read.",
                how="Give OpenStack credentials, or `openstack server event list SERVER --long -f "
                "json` in the folder.",
            )
        )
    return tuple(found)


@dataclass
class _Run:
    """The same said again and again, each time within `AGAIN` of the last."""

    first: Event
    last: Event
    count: int = 1


def _runs(events: Iterable[Event]) -> Iterator[_Run]:
    open_runs: dict[tuple[str, str, str], _Run] = {}
    for event in events:
        key = (event.kind, event.where, _NUMBER.sub("#", event.what))
        run = open_runs.get(key)
        if run and event.time - run.last.time <= AGAIN:
            run.last, run.count = event, run.count + 1
            continue
        if run:
            yield run
        open_runs[key] = _Run(event, event)
    yield from open_runs.values()


def _collapsed(events: Iterable[Event]) -> list[Event]:
    """Of what was said again and again, the first and the last with their number."""
    kept: list[Event] = []
    for run in _runs(events):
        kept.append(run.first)
        if run.count > 1:
            more = f" (said {run.count} times)" if run.count > 2 else ""
            kept.append(replace(run.last, what=run.last.what + more, means=""))
    return sorted(kept, key=_order)


def _order(event: Event) -> tuple[float, int]:
    return event.time, _KINDS.index(event.kind)


def _moment(event: Event) -> Moment:
    return Moment(
        time=iso(event.time),
        kind=event.kind,
        where=event.where,
        what=event.what,
        means=event.means,
        pattern=event.pattern,
        source=event.source,
    )
