"""Whatever an operator has saved, as facts: folders, sosreports, must-gathers, single files.

Every file is told by what is in it, never by what it is called: OVSDB files name their
database, JSON answers are known by their keys, tables and logs by how they look. Several
conf.db are told apart by the system-id and hostname inside, sosreports by their own hostname.
What is none of these is listed and left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from viftrail.errors import FileUnreadable, ViftrailError
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.intent import owner_of
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window, parse
from viftrail.facts.log.read import read_logs
from viftrail.facts.northbound import LogicalRouterPort, LogicalSwitchPort, NBGlobal
from viftrail.facts.ovsdb.file import StoredDatabase, read_file
from viftrail.facts.ovsdb.tail import DATABASES, read_tail
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.saved import machine
from viftrail.facts.saved.answers import answers_of
from viftrail.facts.saved.contents import AS_OWNER, Contents, sort_out
from viftrail.facts.saved.kind import Kind
from viftrail.facts.saved.patchwork import Copy, Patchwork, patch
from viftrail.facts.saved.show import north, south
from viftrail.facts.saved.sosreport import COMMANDS, Output, Report, listings
from viftrail.facts.southbound import PortBinding, SBGlobal
from viftrail.facts.stored import StoredSource

SWITCH = "Open_vSwitch"
_APART = 600.0
"""Seconds between two reports after which it is told that they do not show one moment."""

_OF_A_HOST = frozenset({Kind.SWITCH, Kind.FLOWS, Kind.PORTS, Kind.LINKS, Kind.PROCESSES})


class FolderSource(StoredSource):
    """A folder's facts, and its logs, of which only what matters is read."""

    def __init__(
        self, facts: Facts, taken: str, *, contents: Contents, host_of: Mapping[str, str]
    ) -> None:
        journals = [path for paths in contents.databases.values() for path in paths]
        super().__init__(facts, taken, unseen=NO_CONF, journals=journals, absent=FileUnreadable)
        self.contents = contents
        self._host_of = host_of

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, and what was not recognised."""
        return tuple(gap for gap in self._facts.gaps if not gap.place.startswith("host "))

    def close(self) -> None:
        """Remove what was unpacked; logs and changes are not to be had after that."""
        self.contents.close()

    def logs(self, window: Window, ids: Collection[str]) -> Logs:
        """What its logs say of these ids, within this time."""
        hosts = [*self._facts.hosts, *(row.host for row in self.openstack.services or ())]
        return read_logs(self.contents.logs, window, ids, hosts=hosts, host_of=self._host_of)


NO_CONF = (
    "Its conf.db is not in the folder, nor a sosreport of it.",
    "Add either: /etc/openvswitch/conf.db (or /var/lib/openvswitch/conf.db) of that host.",
)


def open_folder(folder: Path, owner: Owner | None = None) -> FolderSource:
    """Everything in a folder, as one source."""
    return open_saved([folder], owner)


def open_saved(places: Sequence[Path], owner: Owner | None = None) -> FolderSource:
    """Everything in these folders, packed reports and files, as one source.

    Raises:
        FileUnreadable: one of them is not there, or nothing in them is known.
        NotPermitted: a packed file may not be read.
    """
    contents = sort_out(*places)
    try:
        return _opened(contents, owner)
    except BaseException:
        contents.close()
        raise


def _opened(contents: Contents, owner: Owner | None) -> FolderSource:
    gaps: list[Gap] = []
    answers = answers_of(contents)
    openstack = answers.openstack()
    openstack = msgspec.structs.replace(openstack, listed=len(openstack.servers or ()) > 1)
    if answers.refused:
        gaps.append(
            Gap(
                "answers of OpenStack",
                f"{len(answers.refused)} of them are errors: {answers.refused[0]}",
                "Ask again with admin credentials.",
            )
        )
    confs, copies = _databases(contents, gaps)
    parts: dict[str, Patchwork] = {}
    for name in (NORTHBOUND, SOUTHBOUND):
        found = copies.get(name, ())
        parts[name] = patch(name, DATABASES[name], found, unreadable=contents.unreadable)
        gaps += parts[name].gaps
    moments = [part.changed for part in parts.values()]
    moments += [(conf.last_change or 0) / 1000 for _, conf in confs]
    moments += [report.time for report in contents.reports]
    said = [*(row.updated for row in openstack.services or ())]
    said += [row.heartbeat for row in openstack.agents or ()]
    spoken = [moment for text in said if (moment := parse(text))]
    taken = max([*spoken, *moments]) or max(place.stat().st_mtime for place in contents.places)
    hosts, host_of = _hosts(contents, confs, parts[SOUTHBOUND].database, taken, gaps)
    gaps += _left_out(contents)
    facts = Facts(
        nb=parts[NORTHBOUND].database,
        sb=parts[SOUTHBOUND].database,
        hosts=hosts,
        owner=owner or (owner_of(openstack) if openstack.ports is not None else Owner(kind="ovn")),
        openstack=openstack,
        gaps=tuple(gaps),
    )
    when = datetime.fromtimestamp(taken, timezone.utc).isoformat(timespec="seconds")
    return FolderSource(facts, when, contents=contents, host_of=host_of)


def _databases(
    contents: Contents, gaps: list[Gap]
) -> tuple[list[tuple[Path, StoredDatabase]], dict[str, list[Copy]]]:
    """Every conf.db with where it lies, and all there is of the other databases."""
    confs: list[tuple[Path, StoredDatabase]] = []
    copies: dict[str, list[Copy]] = {NORTHBOUND: [], SOUTHBOUND: []}
    for name, paths in contents.databases.items():
        for path in paths:
            stored = _read(contents, path, name, gaps)
            if stored is None:
                continue
            if name == SWITCH:
                confs.append((path, stored))
                continue
            rows = {row: stored.rows[row] for row in DATABASES[name]}
            changed = (stored.last_change or 0) / 1000
            torn = f", which is torn ({stored.torn})" if stored.torn else ""
            source = contents.name(path) + torn
            copies[name].append(Copy(source, rows, changed=changed, journal=not torn))
    for path in contents.remains:
        name, copy = _tail(contents, path, gaps)
        if copy is not None:
            copies.setdefault(name, []).append(copy)
    lacking = [key for key, known in copies.items() if not any(each.journal for each in known)]
    for name, copy in _texts(contents, [row for key in lacking for row in DATABASES[key]]):
        copies[name].append(copy)
    _one_cloud(copies, gaps)
    return confs, copies


def _read(contents: Contents, path: Path, name: str, gaps: list[Gap]) -> StoredDatabase | None:
    try:
        stored = read_file(path, DATABASES[name])
    except ViftrailError as error:
        place = contents.name(path)
        gaps.append(Gap(place, error.what.replace(str(path), place), error.do))
        return None
    if stored.torn and name == SWITCH:
        gaps.append(
            Gap(
                contents.name(path),
                f"{contents.name(path)} is torn ({stored.torn}).",
                "Copy it again, with ovsdb-client backup.",
            )
        )
    return stored


def _tail(contents: Contents, path: Path, gaps: list[Gap]) -> tuple[str, Copy | None]:
    place = contents.name(path)
    try:
        tail = read_tail(path)
    except ViftrailError as error:
        gaps.append(Gap(place, error.what.replace(str(path), place), error.do))
        return "", None
    rows = {row: tail.rows[row] for row in DATABASES[tail.name]}
    known = sum(map(len, rows.values()))
    older = ", ".join(f"{table} {count}" for table, count in tail.passed.items())
    gaps.append(
        Gap(
            place,
            f"It is the end of a file of {tail.name}. Known are the {known} rows that were made "
            f"in it; older ones are not, even where they changed ({older or 'none did'}).",
            "Take the file itself: sos keeps it with --log-size 0.",
        )
    )
    if tail.name == SWITCH:
        return "", None  # a plug that is not in it may well be there
    return tail.name, Copy(f"{place}, an end", rows, changed=(tail.last_change or 0) / 1000)


def _texts(contents: Contents, wanted: Collection[type[Row]]) -> Iterator[tuple[str, Copy]]:
    """What lists and overviews in text have of these tables."""
    whole: dict[str, list[Copy]] = {NORTHBOUND: [], SOUTHBOUND: []}
    overviews: list[tuple[Output, float]] = []
    for outputs, when in [
        *((report.outputs(), report.time) for report in contents.reports),
        (contents.loose(), 0.0),
    ]:
        for output in outputs:
            if output.kind in (Kind.LISTING, Kind.EMPTY):
                for each in listings(output, wanted):
                    copy = Copy(
                        contents.name(output.path),
                        {each.row: each.rows},
                        frozenset({each.row} if each.whole else ()),
                        when or output.path.stat().st_mtime,
                    )
                    whole[NORTHBOUND if each.row in DATABASES[NORTHBOUND] else SOUTHBOUND].append(
                        copy
                    )
            elif (output.kind is Kind.NORTH and LogicalSwitchPort in wanted) or (
                output.kind is Kind.SOUTH and PortBinding in wanted
            ):
                overviews.append((output, when))
    ports = {
        row.name: row.uuid
        for copy in whole[NORTHBOUND]
        for rows in copy.rows.values()
        for row in rows
        if isinstance(row, LogicalSwitchPort | LogicalRouterPort)
    }
    for output, when in overviews:
        text = output.text()
        name = NORTHBOUND if output.kind is Kind.NORTH else SOUTHBOUND
        rows = north(text, ports) if name == NORTHBOUND else south(text)
        whole[name].append(Copy(contents.name(output.path), rows, changed=when))
    for name, several in whole.items():
        for copy in several:
            yield name, copy


def _one_cloud(copies: dict[str, list[Copy]], gaps: list[Gap]) -> None:
    """Leave files of one cloud, or of one zone, that belong together.

    A database has one NB_Global or SB_Global row from its first day on. With OVN interconnection,
    as OpenShift 4.14 and later have it, every node has databases of its own (ovn-architecture(7)).
    The Northbound that changed last counts, and the Southbound that has most of its ports.
    """
    names: set[str] = set()
    for name, row in ((NORTHBOUND, NBGlobal), (SOUTHBOUND, SBGlobal)):
        files = [copy for copy in copies[name] if copy.journal]
        apart = {_identity(copy, row) for copy in files}
        if len(apart) > 1:
            used = max(files, key=lambda copy: (len(names & _ports(copy)), copy.changed))
            same = [copy for copy in files if _identity(copy, row) == _identity(used, row)]
            copies[name] = [copy for copy in copies[name] if not copy.journal or copy in same]
            gaps.append(
                Gap(
                    name,
                    f"There are {len(apart)} different databases of this name; "
                    f"{used.source} was used.",
                    "Name the files of one cloud, or of one zone, alone.",
                )
            )
        latest = max(files, key=lambda copy: copy.changed, default=None)
        names = _ports(latest) if latest else set()


def _identity(copy: Copy, row: type[Row]) -> str:
    return next((each.uuid for each in copy.rows.get(row, ())), "")


def _ports(copy: Copy) -> set[str]:
    """Logical ports, by their names."""
    rows = (*copy.rows.get(LogicalSwitchPort, ()), *copy.rows.get(PortBinding, ()))
    return {
        row.name if isinstance(row, LogicalSwitchPort) else row.logical_port
        for row in rows
        if isinstance(row, LogicalSwitchPort | PortBinding)
    }


def _hosts(
    contents: Contents,
    confs: Sequence[tuple[Path, StoredDatabase]],
    sb: Database,
    taken: float,
    gaps: list[Gap],
) -> tuple[dict[str, Host], dict[str, str]]:
    """The hosts by name, and the host of each file of a report.

    Of two reports of one host the later counts, and a report more than a conf.db.
    """
    hosts: dict[str, Host] = {}
    host_of: dict[str, str] = {}
    used: dict[str, Report] = {}
    for path, conf in sorted(confs, key=lambda each: each[1].last_change or 0):
        found = None if contents.report_of(path) else machine.from_conf(conf, sb, taken)
        if found:
            hosts[found[0]] = found[1]
    for report in contents.reports:
        own = [conf for path, conf in confs if path in report.files]
        name, host, failed = machine.from_report(report, own, sb, taken)
        if name in used:
            gaps.append(_older(contents, name, used[name], report))
        hosts[name], used[name] = host, report
        gaps += [
            Gap(contents.name(path), f"It cannot be made sense of ({why}).", "Look what is in it.")
            for path, why in failed.items()
        ]
        host_of.update(dict.fromkeys(map(str, report.files), name))
    return dict(sorted(hosts.items())), host_of


def _older(contents: Contents, name: str, older: Report, newer: Report) -> Gap:
    """That one of two reports was not used: it may be of another host that is called the same."""
    places = [
        contents.name(report.root / COMMANDS).removesuffix(COMMANDS).rstrip(": /")
        for report in (older, newer)
    ]
    return Gap(
        f"older report of {name}",
        f"There are two reports of {name}: {places[1]} was used, as it is the later, and "
        f"{places[0]} was not.",
        "Name the reports of one moment; compare two with `viftrail diff`.",
    )


def _left_out(contents: Contents) -> Iterator[Gap]:
    place = "folder " + _few([path.name for path in contents.places], 2)
    if contents.others:
        yield Gap(
            place,
            f"Not recognised: {_few(contents.others)}.",
            "They were left out; nothing else depends on them.",
        )
    if contents.notes:
        yield Gap(place, f"Not all was unpacked: {_few(contents.notes)}.", "Copy it again.")
    if contents.unreadable:
        yield Gap(place, f"Not readable: {_few(contents.unreadable)}.", AS_OWNER)
    times = {report.time: report.name for report in contents.reports}
    if times and max(times) - min(times) > _APART:
        yield Gap(
            place,
            f"The report of {times[min(times)]} is {(max(times) - min(times)) / 60:.0f} minutes "
            f"older than that of {times[max(times)]}: what changed meanwhile may seem broken.",
            "Take them at the same time.",
        )
    loose = [output for output in contents.loose() if output.kind in _OF_A_HOST]
    if loose and SWITCH not in contents.databases:
        yield Gap(
            place,
            f"Nobody says which hosts these are of: {_few([each.path.name for each in loose])}.",
            "Add the conf.db of these hosts, or their sosreports.",
        )
    failed = contents.failed()
    if failed:
        yield Gap(
            place,
            f"Commands of the report that reached nobody: {_few(failed)}.",
            "That tells what was down, or is not meant to run there.",
        )


def _few(texts: Sequence[str], most: int = 5) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
