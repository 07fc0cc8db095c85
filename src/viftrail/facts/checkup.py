"""What can be reached from here, before anybody is asked about a target: `viftrail doctor`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from viftrail.errors import ViftrailError
from viftrail.facts.facts import Gap
from viftrail.facts.host import Failure, Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.ovsdb.client import Client, Select
from viftrail.facts.ovsdb.remote import Remote
from viftrail.facts.parallel import side_by_side
from viftrail.facts.places import Places
from viftrail.facts.southbound import Chassis, SBGlobal

if TYPE_CHECKING:
    from viftrail.facts.access import Way
    from viftrail.facts.openstack import OpenStack

NAMES = {"nb": NORTHBOUND, "sb": SOUTHBOUND}
_VERSION = re.compile(r"\b(\d+\.\d+\.\d+)\b")
_OVN_VERSION = "northd_internal_version"
"""In options of SB_Global: ovn-northd's own, then those of the schemas (northd/ovn-northd.c)."""
MAY_NOT = "may not read"
"""How a gap says that the credentials are good, and their rights too few (openstack_api)."""
_STATES = {"": "gone", "T": "stopped", "t": "stopped", "Z": "gone", "D": "stuck", "?": "unknown"}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One address of a clustered database, and what answers there (ovsdb-server(5), _Server)."""

    address: str
    role: str = ""
    """``leader``, ``follower``, ``lost`` its cluster; empty: it did not answer."""
    cluster: str = ""
    index: int = -1
    """The end of its log, as it was when it was asked."""
    why: str = ""
    do: str = ""


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """One database: how it is to be reached, and what came of it."""

    name: str
    address: str = ""
    """All that are tried, with commas between; empty: nobody names one."""
    source: str = ""
    """Who names the one that answered, or where none did, all of them."""
    guessed: bool = False
    tls: str = ""
    """Who names the TLS files; empty where none are needed or known."""
    endpoint: str = ""
    """The member that answered; empty: none did."""
    model: str = ""
    leader: bool = False
    stale: bool = False
    schema: str = ""
    version: str = ""
    """Of ovn-northd, where the database knows it."""
    milliseconds: float = 0.0
    """For one question, once connected."""
    members: tuple[Member, ...] = ()
    """Of a cluster that is reached by several addresses."""
    why: str = ""
    do: str = ""

    @property
    def reached(self) -> bool:
        """It answered."""
        return bool(self.endpoint)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A host that was looked at, or why it was not."""

    name: str
    euid: int = 0
    versions: dict[str, str] = {}
    daemons: dict[str, str] = {}
    """``runs``, ``stopped``, ``gone`` …, by name."""
    places: Places = Places()
    refused: tuple[Failure, ...] = ()
    """What the user may not ask there."""
    silent: tuple[Failure, ...] = ()
    """What did not answer for another reason."""
    why: str = ""
    do: str = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory that was named, or why it could not be read."""

    name: str
    hosts: int = 0
    """That are in it, as far as --limit leaves them."""
    chassis: int = 0
    """How many of those that Southbound lists have a host of their name in it."""
    why: str = ""
    do: str = ""


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """OpenStack, as far as credentials are given."""

    name: str
    computes: int | None = None
    """Compute services that were told; None: that list may not be read."""
    unread: tuple[tuple[str, str, str], ...] = ()
    """What was not told: place, why, and what to do."""

    @property
    def answers(self) -> bool:
        """It does, if only to say that these credentials may not read something."""
        return self.computes is not None or any(MAY_NOT in why for _, why, _ in self.unread)


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found and reached."""

    tool: str
    time: str
    lab: str = ""
    here: Seen | None = None
    """This host; None where a lab is looked at from outside."""
    databases: tuple[Database, ...] = ()
    chassis: tuple[str, ...] = ()
    hosts: tuple[Seen, ...] = ()
    """Those that were named to be visited."""
    left_out: str = ""
    """Which of all hosts --limit leaves out."""
    inventory: Listed | None = None
    """None: none was named."""
    openstack: Cloud | None = None


def reach(which: str, way: Way, connect: Callable[[], Client]) -> tuple[Database, tuple[str, ...]]:
    """Connect to a database and ask one small question; also the hosts that Southbound lists."""
    found = Database(
        name=NAMES[which],
        address=way.address,
        source=way.source,
        guessed=way.guessed,
        tls=way.tls_source if way.secured else "",
    )
    if not way.address:
        return found, ()
    try:
        with connect() as client:
            source = way.source_of(client.endpoint)
            tls = found.tls if client.endpoint.startswith("ssl:") else ""
            return asked(msgspec.structs.replace(found, source=source, tls=tls), client)
    except ViftrailError as error:
        why = f"{error.what} {way.untried}".rstrip()
        return msgspec.structs.replace(found, why=why, do=error.do), ()


def asked(found: Database, client: Client) -> tuple[Database, tuple[str, ...]]:
    """What a database says of itself, and the hosts that it knows.

    Raises:
        ViftrailError: it does not answer.
    """
    hosts: list[str] = []
    began = time.monotonic()
    if found.name == SOUTHBOUND:
        (rows,) = client.select([Select(SBGlobal, columns=("options",))])
        elapsed = time.monotonic() - began
        (chassis,) = client.select([Select(Chassis, columns=("hostname",))])
        hosts = sorted({row.hostname for row in chassis if row.hostname})
        versions = [row.options.get(_OVN_VERSION, "") for row in rows]
    else:
        (north,) = client.select([Select(NBGlobal, columns=("options",))])
        elapsed = time.monotonic() - began
        versions = [row.options.get(_OVN_VERSION, "") for row in north]
    database = msgspec.structs.replace(
        found,
        endpoint=client.endpoint,
        model=client.model,
        leader=client.leader,
        stale=client.stale,
        schema=client.schema().version,
        version=next((version.partition("-")[0] for version in versions if version), ""),
        milliseconds=round(elapsed * 1000, 1),
    )
    return database, tuple(hosts)


def polled(
    found: Database, remotes: Sequence[Remote], connect: Callable[[Remote], Client]
) -> Database:
    """The same with what each address of a cluster says of itself, all asked at once."""
    if found.model != "clustered" or len(remotes) < 2:
        return found
    answers = side_by_side(lambda remote: _member(remote, connect), remotes)
    own: dict[str, Member] = {}
    for server, member in answers:
        own.setdefault(server or member.address, member)  # a socket and a port of one server
    return msgspec.structs.replace(found, members=tuple(own.values()))


def _member(remote: Remote, connect: Callable[[Remote], Client]) -> tuple[str, Member]:
    """The server's own id, and what it says."""
    try:
        with connect(remote) as client:
            role = "lost" if client.stale else "leader" if client.leader else "follower"
            member = Member(
                address=str(remote), role=role, cluster=client.cluster_id or "", index=client.index
            )
            return client.server_id or "", member
    except ViftrailError as error:
        return "", Member(address=str(remote), why=error.what, do=error.do)


def seen(name: str, host: Host | Gap) -> Seen:
    """A host's probe in brief."""
    if isinstance(host, Gap):
        return Seen(name=name, why=host.why, do=host.how)
    # Why a runtime says nothing is among the places.
    errors = [each for each in host.errors if not each.what.startswith("containers of")]
    refused = [failure for failure in errors if _denied(failure)]
    return Seen(
        name=name,
        euid=host.euid,
        versions=versions(host.unixctl),
        daemons={
            daemon: _STATES.get(process.state, "runs")
            for daemon, process in sorted(host.processes.items())
        },
        places=host.places,
        refused=tuple(refused),
        silent=tuple(failure for failure in errors if failure not in refused),
    )


def _denied(failure: Failure) -> bool:
    return "Permission denied" in failure.why or "not permitted" in failure.why.lower()


def versions(unixctl: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The versions of the daemons that say theirs."""
    found = {}
    for daemon, answers in unixctl.items():
        match = _VERSION.search(answers.get("version", ""))
        if match:
            found[daemon] = match.group(1)
    return found


def cloud(name: str, answer: tuple[OpenStack, Iterable[Gap]]) -> Cloud:
    """What OpenStack told these credentials."""
    openstack, gaps = answer
    return Cloud(
        name=name,
        computes=None if openstack.services is None else len(openstack.services),
        unread=tuple((gap.place, gap.why, gap.how) for gap in gaps),
    )


def failed(checkup: Checkup) -> bool:
    """A database is not known, does not answer or may be old; or what else was named does not."""
    return (
        any(not database.reached or database.stale for database in checkup.databases)
        or any(host.why for host in checkup.hosts)
        or bool(checkup.inventory and checkup.inventory.why)
        or bool(checkup.openstack and not checkup.openstack.answers)
    )


def nothing(databases: Sequence[Database]) -> bool:
    """Nobody names any database."""
    return not any(database.address for database in databases)
