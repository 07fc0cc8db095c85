"""Asking a source step by step, and keeping the answers as facts.

An `Inquiry` never asks the same thing twice, remembers which questions were
answered (so that absence can be proved), and turns a database or host that
does not answer into a gap instead of an end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec

from viftrail.errors import DamagedDatabase, Unreachable, ViftrailError
from viftrail.facts import northbound, southbound
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.parallel import side_by_side
from viftrail.facts.row import Row
from viftrail.facts.source import Ask, Source
from viftrail.facts.table import Table
from viftrail.facts.ways.carrier import SHORT_WINDOW

R = TypeVar("R", bound=Row)

NORTHBOUND = "OVN_Northbound"
SOUTHBOUND = "OVN_Southbound"
_DATABASE = {
    **dict.fromkeys(northbound.TABLES, NORTHBOUND),
    **dict.fromkeys(southbound.TABLES, SOUTHBOUND),
}


def _is_question(ask: Ask[Any]) -> bool:
    """A question about an empty value is none: the reference it came from is not set."""
    # An empty type is a value: it is that of a VM's port.
    return not ask.column or bool(ask.value) or ask.column == "type"


def _neither(one: ViftrailError, other: ViftrailError) -> ViftrailError:
    """Both failures in one error, of their own kind if they have one in common."""
    if one.what == other.what:
        return one
    kind = type(one) if type(one) is type(other) else Unreachable
    return kind(
        f"Neither database can be read: {one.what} {other.what}",
        one.do if one.do == other.do else " ".join(dict.fromkeys((one.do, other.do))),
    )


def _merged(answers: Mapping[Ask[Row], Iterable[Row]]) -> Iterable[Row]:
    """Each row once. What was asked for by members of a column holds all that it was found by."""
    if len(answers) == 1:
        return next(iter(answers.values()))
    rows: dict[str, Row] = {}
    for ask, found in answers.items():
        for row in found:
            known = rows.get(row.uuid)
            if known is not None and ask.without:
                both = (*getattr(known, ask.without), *getattr(row, ask.without))
                row = msgspec.structs.replace(known, **{ask.without: tuple(dict.fromkeys(both))})
            rows[row.uuid] = row
    return rows.values()


class Inquiry:
    """A growing slice of one cloud."""

    def __init__(self, source: Source, *, window: float = SHORT_WINDOW) -> None:
        self.source = source
        self._window = window
        self.hosts: dict[str, Host] = {}
        self._answers: dict[Ask[Row], tuple[Row, ...]] = {}
        self._gaps: dict[str, Gap] = {gap.place: gap for gap in source.gaps}
        self._failures: dict[str, ViftrailError] = {}
        self._logs = Logs()
        self._told_by_logs: set[str] = set()

    def fetch(self, *groups: Iterable[Ask[Any]]) -> None:
        """Send these questions, of any tables, in one request a database, both at once."""
        wanted = dict.fromkeys(ask for group in groups for ask in group if _is_question(ask))
        new: dict[str, list[Ask[Row]]] = {}
        for database in (NORTHBOUND, SOUTHBOUND):
            asks = [
                ask for ask in wanted if ask not in self._answers and _DATABASE[ask.row] == database
            ]
            if asks and database not in self._failures:
                new[database] = asks
        if len(new) > 1:
            outcomes = side_by_side(self._send, new.values())
        else:
            outcomes = [self._send(asks) for asks in new.values()]
        for (database, asks), outcome in zip(new.items(), outcomes, strict=True):
            self._take(database, asks, outcome)

    def ask(self, asks: Iterable[Ask[R]]) -> list[R]:
        """The rows of one table that answer any of these questions, each once."""
        wanted = [cast("Ask[Row]", ask) for ask in asks]
        self.fetch(wanted)
        rows = {row.uuid: row for ask in wanted for row in self._answers.get(ask, ())}
        return cast("list[R]", list(rows.values()))

    def glance(self, ask: Ask[R]) -> list[R]:
        """The rows that answer, with no more than the columns that were asked for; not kept.

        For a question that the server can only answer with a whole table.
        """
        database = _DATABASE[ask.row]
        if database in self._failures:
            return []
        outcome = self._send([cast("Ask[Row]", ask)])
        if isinstance(outcome, ViftrailError):
            self._take(database, (), outcome)
            return []
        return cast("list[R]", list(outcome[0] or ()))

    def _send(self, asks: Sequence[Ask[Row]]) -> Sequence[tuple[Row, ...] | None] | ViftrailError:
        """The answers, or why there are none; the servers work on theirs side by side."""
        try:
            return self.source.ask(asks)
        except ViftrailError as error:
            return error

    def _take(
        self,
        database: str,
        asks: Sequence[Ask[Row]],
        outcome: Sequence[tuple[Row, ...] | None] | ViftrailError,
    ) -> None:
        if not isinstance(outcome, ViftrailError):
            self._answers.update(
                (ask, rows) for ask, rows in zip(asks, outcome, strict=True) if rows is not None
            )
            return
        self._failures[database] = outcome
        self._gaps[database] = Gap(database, outcome.what, outcome.do)
        if len(self._failures) == len({NORTHBOUND, SOUTHBOUND}) and not self.source.openstack.asked:
            raise _neither(*self._failures.values()) from outcome

    def insist(self, database: str) -> None:
        """Make sure that what was not found in a database is not there.

        Raises:
            ViftrailError: it was not read, or not to its end; that is why.
        """
        if database in self._failures:
            raise self._failures[database]
        if database in self._gaps:
            gap = self._gaps[database]
            raise DamagedDatabase(gap.why, gap.how)

    def look(self, names: Iterable[str]) -> None:
        """Probe the hosts among ``names`` that were not looked at yet."""
        new = [
            name
            for name in dict.fromkeys(names)
            if name and name not in self.hosts and name not in self._gaps
        ]
        if not new:
            return
        for name, seen in self.source.look(new, self._window).items():
            if isinstance(seen, Gap):
                self._gaps[name] = seen
            else:
                self.hosts[name] = seen
                for failure in seen.errors:
                    self._gaps.setdefault(
                        f"{name}: {failure.what}",
                        Gap(
                            f"{name}: {failure.what}",
                            failure.why.rstrip(".") + ".",
                            "Run it there by hand, as root; if it hangs, that daemon is stuck.",
                        ),
                    )

    @property
    def told_by_logs(self) -> frozenset[str]:
        """The ids that logs were looked through for by now."""
        return frozenset(self._told_by_logs)

    def read_logs(self, window: Window, ids: Collection[str]) -> None:
        """Look up what the source's logs say of these ids, within this time."""
        self._told_by_logs.update(ids)
        found = self.source.logs(window, ids)
        for file in found.files:
            if file.cut:
                place = f"log {file.path.rpartition('/')[2]}"
                self._gaps[place] = Gap(place, f"It is large: {file.cut}.", "Give a part of it.")
        for path, why in found.unreadable.items():
            place = f"log {path.rpartition('/')[2]}"
            self._gaps[place] = Gap(place, f"It cannot be read ({why}).", "Copy it again.")
        if found:
            self._logs = self._logs.joined([found]) if self._logs else found

    def facts(self) -> Facts:
        """What is known by now."""
        databases: dict[str, dict[type[Row], Table[Row]]] = {NORTHBOUND: {}, SOUTHBOUND: {}}
        for row_type, database in _DATABASE.items():
            answers = {ask: rows for ask, rows in self._answers.items() if ask.row is row_type}
            databases[database][row_type] = Table(
                sorted(_merged(answers), key=attrgetter("uuid")),
                complete=any(not ask.column for ask in answers),
                answered=((ask.column, ask.value) for ask in answers if ask.column),
            )
        return Facts(
            nb=Database(databases[NORTHBOUND]),
            sb=Database(databases[SOUTHBOUND]),
            hosts=dict(sorted(self.hosts.items())),
            owner=self.source.owner,
            openstack=self.source.openstack,
            logs=self._logs,
            # A source knows only when it was asked that what it reads may be old.
            gaps=tuple({**{gap.place: gap for gap in self.source.gaps}, **self._gaps}.values()),
        )
