"""A running cloud: both databases over the wire, hosts by carriers."""

from __future__ import annotations

import socket
import threading
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from viftrail.errors import ViftrailError
from viftrail.facts import northbound, southbound
from viftrail.facts.bites import Bites
from viftrail.facts.change import Change
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.intent import owner_of
from viftrail.facts.log.fetch import fetch_logs
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.openstack import OpenStack
from viftrail.facts.ovsdb.client import Client, Condition, Select, status_command
from viftrail.facts.ovsdb.values import columns_of
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.slice import neighbours
from viftrail.facts.sounding import Ending
from viftrail.facts.source import Ask
from viftrail.facts.southbound import Chassis, LogicalFlow
from viftrail.facts.ways.carrier import LONG_WINDOW, Carrier, Visitor, visit, visit_all
from viftrail.facts.ways.fleet import Fleet, InventoryHost

Connect = Callable[[str], Client]
"""Opens a database by its name; called at most once a database, at first use."""

_BULK_PATIENCE = 12.0
"""How many time limits of a request whole tables may take.

A server says nothing until it has put the whole answer together: at 100,000
ports that takes it 4 s on an idle core.
"""

RESOLVE = 0.5
"""Seconds for this host's own full name."""

if TYPE_CHECKING:
    from viftrail.facts.openstack_api import OpenStackApi


class LiveSource:
    """A source that asks the running cloud."""

    taken = ""
    name = ""
    openstack = OpenStack()
    _unread: tuple[Gap, ...] = ()

    def __init__(
        self,
        connect: Connect,
        carriers: Callable[[str], Carrier | Gap],
        *,
        owner: Owner | None = None,
        central: Sequence[str] = (),
        others: Sequence[str] = (),
        visitor: Visitor = visit,
        api: OpenStackApi | None = None,
        lab: str = "",
        name: str = "",
        fleet: Fleet | None = None,
    ) -> None:
        self.owner = owner or Owner(kind="ovn")
        self.lab = lab
        self.name = name
        self._api = api
        self._connect = connect
        self._carriers = carriers
        self._central = tuple(central)
        self._others = tuple(others)
        self._visitor = visitor
        self._fleet = fleet
        self._surveyed: Mapping[str, Host | Gap] = {}
        self._clients: dict[str, Client] = {}
        self._patience = 1.0
        self._bites: dict[str, Bites] | None = None
        self._lost: dict[str, ViftrailError] = {}
        self._stuck: dict[str, Host | Gap] = {}

    def client(self, database: str) -> Client:
        """The open connection to this database."""
        if database not in self._clients:
            self._clients[database] = self._connect(database)
        return self._clients[database]

    def about(self, targets: Sequence[str]) -> None:
        """Ask OpenStack what it knows of these targets, where there is one; of none: what failed.

        Raises:
            UsageError: its credentials are not complete.
        """
        if self._api is not None:
            self.openstack, self._unread = self._api.read(targets, failed=not targets)
            # The ports of what failed are not all that the owner wants.
            if targets and self.openstack.ports is not None:
                self.owner = owner_of(self.openstack)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What OpenStack did not tell, and databases read from a member that has lost its cluster."""
        stale = tuple(
            Gap(
                database,
                f"{client.endpoint} has lost its cluster, and no member has it: what was read there "
                "is as it was when the majority went, and may be older.",
                f"Start the other members; {status_command(database)} on each tells who is missing.",
            )
            for database, client in sorted(self._clients.items())
            if client.stale
        )
        return (*self._unread, *stale)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...]]:
        """One transaction of selects.

        A database that failed once is not waited for again.

        Raises:
            ViftrailError: the database cannot be read.
        """
        database = NORTHBOUND if asks[0].row in northbound.TABLES else SOUTHBOUND
        if database in self._lost:
            raise self._lost[database]
        selects = [Select(ask.row, condition(ask), _columns(ask)) for ask in asks]
        try:
            client = self.client(database)
            patience = client.timeout * self._patience
            if self._bites is not None:
                bites = self._bites.setdefault(database, Bites(client, timeout=patience))
                return [bites.read(ask.row) for ask in asks]
            answers = client.select(selects, timeout=patience)
        except ViftrailError as error:
            self._lost[database] = error
            raise
        return [_as_asked(ask, rows) for ask, rows in zip(asks, answers, strict=True)]

    def logs(self, window: Window, ids: Collection[str]) -> Logs:  # noqa: ARG002
        """None: a live cloud's logs are on its hosts."""
        return Logs()

    def excerpts(
        self, hosts: Iterable[str], window: Window, ids: Collection[str]
    ) -> tuple[Logs, tuple[Gap, ...]]:
        """What the logs of these hosts say; asked for on demand, as it takes another visit."""
        return fetch_logs(hosts, self._carriers, window, ids)

    def changes(self, ids: Collection[str]) -> tuple[Change, ...]:  # noqa: ARG002
        """None: a server tells what is, and only its file what was."""
        return ()

    def way(self, host: str) -> Carrier | Gap:
        """The way to a host, or why there is none."""
        return self._carriers(host)

    def central_hosts(self) -> tuple[str, ...]:
        """As configured."""
        return self._central

    def other_hosts(self) -> tuple[str, ...]:
        """As configured."""
        return self._others

    def stage_name(self, ending: Ending) -> str:
        """OVN's name of the logical stage where a trace ended; empty: not known.

        Tables are numbered differently in every release, so Southbound is asked: for one table's
        default flows, of which there is about one for all switches and one for all routers.
        """
        if ending.logical_table is None:
            return ""
        where: tuple[Condition, ...] = (
            ("pipeline", "==", "ingress"),
            ("table_id", "==", ending.logical_table),
            ("priority", "==", 0),
        )
        try:
            (rows,) = self.client(SOUTHBOUND).select([Select(LogicalFlow, where)])
        except ViftrailError:
            return ""
        prefix = "lr_" if ending.routed else "ls_"
        names = {row.external_ids.get("stage-name", "") for row in rows}
        return next((name for name in sorted(names) if name.startswith(prefix)), "")

    def look(self, names: Iterable[str], window: float) -> Mapping[str, Host | Gap]:
        """Probe hosts in parallel; one that hung or did not answer is not waited for again."""
        wanted = list(names)
        new = [name for name in wanted if name not in self._stuck]
        seen = self._visit(new, window)
        for name, host in seen.items():
            if isinstance(host, Gap) or host.hangs:
                self._stuck[name] = host
        return {name: self._stuck.get(name) or seen[name] for name in wanted}

    def _visit(self, names: Sequence[str], window: float) -> Mapping[str, Host | Gap]:
        """Those of an inventory in one run of Ansible, all others one by one."""
        if self._fleet is None:
            return visit_all(names, self._carriers, window=window, visitor=self._visitor)
        seen = {name: self._surveyed[name] for name in names if name in self._surveyed}
        ways = {name: self._carriers(name) for name in names if name not in seen}
        listed = {name: way for name, way in ways.items() if isinstance(way, InventoryHost)}
        others = [name for name in ways if name not in listed]
        return {
            **seen,
            **visit_all(others, ways.__getitem__, window=window, visitor=self._visitor),
            **self._fleet.look(listed, window),
        }

    def everything(self, *, gentle: bool = False) -> Facts:
        """Every wanted table whole, and every chassis' host."""
        inquiry = Inquiry(self, window=LONG_WINDOW)
        wanted = (*northbound.TABLES, *southbound.TABLES)
        tables = [row for row in wanted if row not in southbound.NEVER_WHOLE]
        self._patience, self._bites = _BULK_PATIENCE, {} if gentle else None
        try:
            # Gently, one database after the other: their servers may share a computer.
            for group in [[row] for row in tables] if gentle else [tables]:
                inquiry.fetch(Ask(row) for row in group)
        finally:
            self._patience, self._bites = 1.0, None
        if not gentle:
            neighbours(inquiry, inquiry.ask([Ask(northbound.NAT)]))
        names = sorted(row.hostname for row in inquiry.ask([Ask(Chassis)]))
        names = [*self._central, *names, *self._others]
        if self._fleet is not None:
            self._surveyed = self._fleet.survey(names, LONG_WINDOW)
            left = self.left_out(names)
            names = [name for name in names if name not in left]
            self._unread += self._fleet.left_out(left)
        try:
            inquiry.look([*names, *self._surveyed])
        finally:
            self._surveyed = {}
        return inquiry.facts()

    def left_out(self, names: Iterable[str]) -> list[str]:
        """Those of the hosts that --limit leaves out: the operator does not want them looked at."""
        fleet = self._fleet
        if fleet is None or not fleet.limit:
            return []
        return [
            name
            for name in dict.fromkeys(names)
            if fleet.way(name) is None
            and name not in self._surveyed
            and isinstance(self._carriers(name), Gap)
        ]


def _columns(ask: Ask[Row]) -> tuple[str, ...]:
    return ask.columns or tuple(name for name in columns_of(ask.row) if name != ask.without)


def _as_asked(ask: Ask[Row], rows: list[Row]) -> tuple[Row, ...]:
    if ask.without and ask.without == ask.column:
        return tuple(msgspec.structs.replace(row, **{ask.column: (ask.value,)}) for row in rows)
    return tuple(rows)


@cache
def _annotations(row: type[Row]) -> Mapping[str, object]:
    return typing.get_type_hints(row)


def condition(ask: Ask[Row]) -> tuple[Condition, ...]:
    """The question as a condition of RFC 7047 section 5.1."""
    if not ask.column:
        return ()
    column = "_uuid" if ask.column == "uuid" else ask.column
    value: object = ["uuid", ask.value] if ask.column in ask.row.references else ask.value
    origin = typing.get_origin(_annotations(ask.row)[ask.column])
    if origin is dict:
        key, _, item = ask.value.partition("=")
        return ((column, "includes", ["map", [[key, item]]]),)
    if origin is tuple:
        return ((column, "includes", ["set", [value]]),)
    return ((column, "==", value),)


def this_host() -> tuple[str, ...]:
    """The names by which this host may be known as a chassis."""
    name = socket.gethostname()
    names = [name, name.partition(".")[0]]
    # The resolver may wait for a name server that is silent, so it is asked on the side.
    resolver = threading.Thread(target=lambda: names.append(socket.getfqdn(name)), daemon=True)
    resolver.start()
    resolver.join(RESOLVE)
    return tuple(dict.fromkeys(names))
