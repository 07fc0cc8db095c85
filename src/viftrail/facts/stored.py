"""Facts that were taken before, answering the same questions as a live cloud."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from viftrail.errors import FileUnreadable, UnknownTarget, Unreachable, ViftrailError
from viftrail.facts import northbound, southbound
from viftrail.facts.bundle import bundle
from viftrail.facts.bundle.manifest import Trail
from viftrail.facts.change import Change
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.openstack import OpenStack
from viftrail.facts.ovsdb.changes import read_changes
from viftrail.facts.ovsdb.file import read_file
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.table import Table

NOT_RECORDED = ("It was not recorded.", "Collect again, with this host.")
NOT_IN_FILES = (
    "The database files do not tell about hosts.",
    "Ask the running cloud, with --ssh, or a bundle.",
)

REST = "the rest of the cloud"
"""The place of the gap in what was collected for a target only."""


class StoredSource:
    """A source over complete facts: a bundle, or database files."""

    name = ""

    def __init__(
        self,
        facts: Facts,
        taken: str = "",
        *,
        unseen: tuple[str, str] = NOT_RECORDED,
        journals: Sequence[Path] = (),
        trails: Sequence[Trail] = (),
        name: str = "",
        absent: type[ViftrailError] = Unreachable,
    ) -> None:
        """Over these facts.

        Args:
            facts: what was recorded.
            taken: when, ISO 8601.
            unseen: why a host is not there, and what to do.
            journals: the database files that they are from.
            trails: of what alone they are; empty: of the whole cloud.
            name: what it is known by.
            absent: what it comes to that a database is not there: who recorded did not reach it.
        """
        self.name = name
        self._facts = facts
        self.taken = taken
        self.trails = tuple(trails)
        self._unseen = unseen
        self._journals = tuple(journals)
        self._absent = absent

    @property
    def owner(self) -> Owner:
        """As it was recorded."""
        return self._facts.owner

    @property
    def openstack(self) -> OpenStack:
        """As it was recorded."""
        return self._facts.openstack

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The databases that are not, or not wholly, there, and services that did not answer."""
        hosts = ("host ", "logs of ", *(f"{name}: " for name in self._facts.hosts))
        return tuple(gap for gap in self._facts.gaps if not gap.place.startswith(hosts))

    def about(self, targets: Sequence[str]) -> None:
        """What was recorded says all it can already.

        Raises:
            UnknownTarget: one of them is not what it was recorded for.
        """
        known = {name.lower() for trail in self.trails for name in trail.names}
        strange = [
            each
            for each in targets
            if each.lower().replace("-", ":") not in known and each.lower() not in known
        ]
        if self.trails and strange:
            of = " and ".join(trail.asked for trail in self.trails)
            raise UnknownTarget(
                f"The bundle holds only the trail of {of}, and {strange[0]} is none of its names.",
                "Collect again with --target for it, or without --target for the whole cloud.",
            )

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...] | None]:
        """Answer from the tables.

        Raises:
            ViftrailError: the database, or one of these tables, was not recorded; `absent`.
        """
        name = NORTHBOUND if asks[0].row in northbound.TABLES else SOUTHBOUND
        database = self._facts.nb if name == NORTHBOUND else self._facts.sb
        read = set(database)
        if any(ask.row not in read | southbound.NEVER_WHOLE for ask in asks) or not read:
            gap = next((gap for gap in self._facts.gaps if gap.place == name), None)
            raise self._absent(
                gap.why if gap else f"{name} was not recorded.",
                gap.how if gap else f"Give it with --{'nb' if name == NORTHBOUND else 'sb'}.",
            )
        return [_answer(database[ask.row], ask) if ask.row in read else None for ask in asks]

    def logs(self, window: Window, ids: Collection[str]) -> Logs:
        """What was kept of them, and is of this time."""
        kept, wanted = self._facts.logs, set(ids)
        start, end = max(window.start, kept.window.start), min(window.end, kept.window.end)
        common = Window(start, end)
        return msgspec.structs.replace(
            kept,
            window=common,
            lines=tuple(
                each for each in kept.lines if each.time in common and wanted.intersection(each.ids)
            ),
            all_signals=tuple(each for each in kept.all_signals if each.time in common),
        )

    def changes(self, ids: Collection[str]) -> tuple[Change, ...]:
        """As the database files have them that it was read from; a bundle has none."""
        if not self._journals:
            return ()
        hosts = {host.chassis_name: name for name, host in self._facts.hosts.items()}
        found: dict[tuple[object, ...], Change] = {}
        for path in self._journals:
            try:
                every = read_changes(path, ids, hosts=hosts)
            except ViftrailError:
                continue  # that it cannot be read was said when its rows were
            for change in every:
                # Members of a cluster, and copies, tell the same.
                key = (change.time, change.host, change.uuid, change.what, *change.columns.items())
                found.setdefault(key, change)
        return tuple(sorted(found.values(), key=lambda change: change.time))

    def central_hosts(self) -> tuple[str, ...]:
        """Those that were recorded as such."""
        return tuple(name for name, host in self._facts.hosts.items() if host.central)

    def other_hosts(self) -> tuple[str, ...]:
        """All that were recorded."""
        return tuple(self._facts.hosts)

    def look(self, names: Iterable[str], window: float) -> Mapping[str, Host | Gap]:  # noqa: ARG002
        """The recorded probe of each host, or why there is none."""
        gaps = {gap.place: gap for gap in self._facts.gaps}
        return {
            name: self._facts.hosts.get(name)
            or gaps.get(f"host {name}")
            or Gap(f"host {name}", *self._unseen)
            for name in names
        }

    def everything(self, *, gentle: bool = False) -> Facts:  # noqa: ARG002
        """All of it."""
        if not self.trails:
            return self._facts
        gap = Gap(
            REST,
            f"The bundle was collected for {', '.join(trail.asked for trail in self.trails)} only.",
            "Collect again without --target.",
        )
        return replace(self._facts, gaps=(*self._facts.gaps, gap))


def _answer(table: Table[Row], ask: Ask[Row]) -> tuple[Row, ...] | None:
    rows = table.find(ask.column, ask.value) if ask.column else table.rows
    return rows if rows or table.knows(ask.column, ask.value) else None


def from_bundle(path: Path) -> StoredSource:
    """The facts of a bundle.

    Raises:
        FileUnreadable: there is no such file.
        NotPermitted: it may not be read.
        DamagedBundle: it is no whole bundle.
    """
    facts, manifest = bundle.read(path)
    return StoredSource(facts, manifest.time, trails=manifest.targets)


def from_files(nb: Path | None, sb: Path | None, owner: Owner | None = None) -> StoredSource:
    """Both databases from their files; hosts stay unknown.

    Raises:
        FileUnreadable: a file cannot be opened, or holds another database.
        DamagedDatabase: it is damaged beyond use.
    """
    gaps: list[Gap] = []
    # The large file first: its bytes are gone by the time the other one's rows are there.
    databases = {
        name: _database(path, name, tables, gaps)
        for path, name, tables in (
            (sb, SOUTHBOUND, southbound.TABLES),
            (nb, NORTHBOUND, northbound.TABLES),
        )
    }
    changed = max(path.stat().st_mtime for path in (nb, sb) if path is not None)
    taken = datetime.fromtimestamp(changed, timezone.utc).isoformat(timespec="seconds")
    facts = Facts(
        nb=databases[NORTHBOUND],
        sb=databases[SOUTHBOUND],
        owner=owner or Owner(kind="ovn"),
        gaps=tuple(sorted(gaps, key=lambda gap: gap.place)),
    )
    journals = [path for path in (nb, sb) if path is not None]
    return StoredSource(
        facts,
        taken,
        unseen=NOT_IN_FILES,
        journals=journals,
        name=str(nb or sb),
        absent=FileUnreadable,
    )


def _database(
    path: Path | None, name: str, tables: tuple[type[Row], ...], gaps: list[Gap]
) -> Database:
    if path is None:
        gaps.append(Gap(name, f"No file of {name} was given.", "Give it too."))
        return Database()
    stored = read_file(path, tables)
    if stored.name != name:
        raise FileUnreadable(
            f"{path} holds the database {stored.name}, not {name}.",
            "Exchange the files if --nb and --sb were swapped.",
        )
    if stored.torn:
        gaps.append(
            Gap(
                name,
                f"{path} is torn ({stored.torn}), so what is not in it may well be in the cloud.",
                "Copy it again, with ovsdb-client backup.",
            )
        )
    return Database({row: Table(stored.rows[row], complete=not stored.torn) for row in tables})
