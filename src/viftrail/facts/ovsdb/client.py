"""A database on a live server, read by plain selects.

The only requests ever sent are ``get_schema``, ``list_dbs``, ``transact`` with
``select`` operations, and ``echo`` answers: there is no code here that could
write. Sources: RFC 7047 sections 4.1 and 5.2.2; ovsdb-server(5) for the
``_Server`` database.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn

import msgspec

from viftrail.errors import (
    NotPermitted,
    ProtocolError,
    TlsError,
    Unreachable,
    UsageError,
    ViftrailError,
)
from viftrail.facts.ovsdb import collector
from viftrail.facts.ovsdb.dial import Deadline
from viftrail.facts.ovsdb.schema import ColumnType, Schema, parse_schema
from viftrail.facts.ovsdb.values import BAD_JSON, Maker, RowT, columns_of, table_of
from viftrail.facts.ovsdb.wire import Message, Stream, decode, no_answer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from viftrail.facts.ovsdb.remote import Remote, Tls

Condition = tuple[str, str, object]
"""A column, a function and a wire value (RFC 7047 section 5.1)."""

_NEVER_STORED: dict[str, ColumnType] = {"_uuid": ColumnType("uuid")}
_CONTROLS = {"OVN_Northbound": "ovnnb_db.ctl", "OVN_Southbound": "ovnsb_db.ctl"}
"""Of the servers of OVN, as ovn-ctl(8) starts them."""
_EMPTY: tuple[object, ...] = (["set", []], ["map", []], "")


@dataclass(frozen=True)
class Select(Generic[RowT]):
    """Rows of which type and which of them: ``where=()`` means the whole table."""

    row: type[RowT]
    where: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = ()
    """Which columns are fetched; empty: all that the row type has."""


class _Result(msgspec.Struct, frozen=True):
    """What one select came to; its rows stay undecoded, as each is of its own type."""

    rows: list[msgspec.Raw] | None = None
    error: str | None = None
    details: str = ""


_results_decoder = msgspec.json.Decoder(list[_Result | None])
_any_decoder = msgspec.json.Decoder()
_Member = dict[str, object]
_member_decoder = msgspec.json.Decoder(dict[str, object])
_SERVER_COLUMNS = ("name", "model", "connected", "leader", "cid", "sid", "index")


@dataclass(frozen=True)
class _Session:
    """An open stream to a server that is known to have the database."""

    stream: Stream
    schema: Schema
    member: _Member

    @property
    def stale(self) -> bool:
        """The member has lost its cluster, or the relay its source: others may know more."""
        clustered = self.member.get("model") in ("clustered", "relay")
        return clustered and self.member.get("connected") is False

    @property
    def index(self) -> int:
        """How far its log goes, to tell the newest of several members."""
        index = self.member.get("index")
        return index if isinstance(index, int) else -1


@dataclass(frozen=True)
class _Opener:
    """One address, and what it takes to open a session with it."""

    remote: Remote
    database: str
    context: ssl.SSLContext | None

    def open(self, deadline: Deadline) -> _Session:
        """Connect and make sure that the database there can be relied on."""
        stream = Stream.open(self.remote, self.context, deadline)
        try:
            return self._greet(stream, deadline)
        except BaseException:
            stream.close()
            raise

    def _greet(self, stream: Stream, deadline: Deadline) -> _Session:
        # Both questions travel together: one round trip decides.
        stream.send(_request(1, "get_schema", [self.database]), deadline)
        own = _select_operation("Database", (("name", "==", self.database),), _SERVER_COLUMNS)
        stream.send(_request(2, "transact", ["_Server", own]), deadline)
        schema_reply = _reply(stream, 1, deadline)
        member = _member(_reply(stream, 2, deadline), stream.where)
        if schema_reply.error is not None:
            _no_database(stream, self.database, schema_reply.error, deadline)
        raw = decode(_any_decoder, schema_reply.result, stream.where)
        try:
            schema = parse_schema(raw)
        except ValueError as error:
            raise ProtocolError(
                f"{stream.where} sent a schema of {self.database} that cannot be read: {error}.",
                "Check that the address belongs to an ovsdb-server.",
            ) from None
        return _Session(stream, schema, member)


class Client:
    """One database on one server. Not for use by several threads at once.

    Attributes:
        endpoint: the address in use, such as ``ssl:10.0.0.1:6642``.
        model: ``standalone``, ``clustered``, ``relay``, or ``""`` when the
            server is too old to say.
        leader: whether this member leads its cluster.
        cluster_id: the cluster's UUID, or None.
        server_id: this member's UUID, or None.
        stale: this member has lost its cluster, so what it holds may be old.
        index: how far this member's log went when it was asked; -1: it does not say.
        timeout: seconds that a request may take.
    """

    def __init__(self, session: _Session, opener: _Opener, timeout: float) -> None:
        member = session.member
        self.endpoint = session.stream.where
        self.model = str(member.get("model", ""))
        self.leader = member.get("leader") is True
        self.stale = session.stale
        self.cluster_id = _optional_uuid(member.get("cid"))
        self.server_id = _optional_uuid(member.get("sid"))
        self.index = session.index
        self._stream = session.stream
        self._schema = session.schema
        self._makers: dict[tuple[type[msgspec.Struct], tuple[str, ...]], Maker[Any]] = {}
        self._opener = opener
        self.timeout = timeout
        # A new number for each request: the late answer to one that timed out
        # must not pass for the answer to the next.
        self._numbers = itertools.count(10)

    @classmethod
    def connect(
        cls,
        remotes: Sequence[Remote],
        *,
        database: str,
        tls: Tls | None = None,
        timeout: float = 5.0,
        settle: bool = False,
    ) -> Client:
        """Take the first usable server of the list, in its order.

        A follower is as good as a leader. A member that has lost its cluster
        is passed over, as what it holds may be old.

        Args:
            remotes: the list, from ``parse_remotes``.
            database: such as ``OVN_Northbound``.
            tls: the files for ``ssl:`` remotes.
            timeout: seconds for the whole list; an address that stays silent
                is given its share of what is left and no more. It is also
                each later request's time limit.
            settle: where every member has lost its cluster, take the one whose
                log goes furthest instead of none; `stale` says so.

        Raises:
            UsageError: the list is empty, or holds ``ssl:`` without TLS files.
            FileUnreadable: a TLS file cannot be opened.
            TlsError: the TLS files do not fit together, or no server's do.
            NotPermitted: no socket may be used by this user.
            ProtocolError: what answers is not OVSDB.
            Unreachable: any other reason, or several; it names each address.
        """
        if not remotes:
            raise UsageError("No database address was given.", "Name one, such as tcp:HOST:PORT.")
        context = _context(remotes, tls)
        whole = Deadline(timeout)
        failures: list[ViftrailError] = []
        spare: list[tuple[_Session, _Opener]] = []
        for position, remote in enumerate(remotes):
            share = Deadline(whole.left() / (len(remotes) - position))
            opener = _Opener(remote, database, context)
            try:
                session = opener.open(share)
            except (Unreachable, TlsError, ProtocolError, NotPermitted) as failure:
                failures.append(failure)
                continue
            if not session.stale:
                _close(spare)
                return cls(session, opener, timeout)
            failures.append(_lost(session, database))
            spare.append((session, opener))
        if settle and spare:
            best = max(spare, key=lambda each: each[0].index)
            _close([each for each in spare if each is not best])
            return cls(*best, timeout)
        _close(spare)
        raise _none_usable(failures, database)

    def schema(self) -> Schema:
        """The database's schema as this server has it; nothing is sent."""
        return self._schema

    def select(
        self, selects: Sequence[Select[RowT]], *, timeout: float | None = None
    ) -> list[list[RowT]]:
        """Ask several selects in one transaction, so that they fit together.

        A table or a column that the server's schema does not have is left out
        of the request: older OVN simply has less. A condition on such a column
        is judged as if every row held nothing in it. ``_uuid`` is always asked
        for, because ovsdb-server merges rows that look alike without it.

        Args:
            selects: what to read.
            timeout: seconds; the connection's own when None.

        Returns:
            For each select its rows, in the server's order.

        Raises:
            Unreachable: the server did not answer in time or went away.
            ProtocolError: the answer is not one that OVSDB allows, or a column
                is of another type than the row's field.
        """
        operations: list[object] = []
        asked: list[int] = []
        for place, wanted in enumerate(selects):
            operation = self._operation(wanted)
            if operation is not None:
                operations.append(operation)
                asked.append(place)
        answer: list[list[RowT]] = [[] for _ in selects]
        if not operations:
            return answer
        deadline = Deadline(self.timeout if timeout is None else timeout)
        self._revive(deadline)
        params = [self._schema.name, *operations]
        number = next(self._numbers)
        self._stream.send(_request(number, "transact", params), deadline)
        reply = _reply(self._stream, number, deadline)
        with collector.paused():
            try:
                for place, raws in zip(asked, self._results(reply, len(asked)), strict=True):
                    answer[place] = self._maker(selects[place]).rows(raws)
            except BAD_JSON as error:
                no_answer(self.endpoint, error)
        return answer

    def close(self) -> None:
        """Hang up; it may be called twice."""
        self._stream.close()

    def __enter__(self) -> Client:  # noqa: PYI034
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _operation(self, wanted: Select[Any]) -> object | None:
        table = table_of(wanted.row)
        known = self._schema.tables.get(table)
        if known is None:
            return None
        where: list[Condition] = []
        for condition in wanted.where:
            if condition[0] in known or condition[0] in _NEVER_STORED:
                where.append(condition)
            elif not _true_of_nothing(condition):
                return None
        columns = [name for name in wanted.columns or columns_of(wanted.row) if name in known]
        return _select_operation(table, tuple(where), columns)

    def _maker(self, wanted: Select[RowT]) -> Maker[RowT]:
        key = (wanted.row, wanted.columns)
        maker = self._makers.get(key)
        if maker is None:
            kinds = self._schema.types[table_of(wanted.row)] | _NEVER_STORED
            columns = {"_uuid", *(wanted.columns or kinds)}
            maker = Maker(wanted.row, {name: k for name, k in kinds.items() if name in columns})
            self._makers[key] = maker
        return maker

    def _revive(self, deadline: Deadline) -> None:
        """Connect again when the server has meanwhile dropped an idle connection."""
        if self._stream.settle():
            return
        self._stream.close()
        session = self._opener.open(deadline)
        if session.stale and not self.stale:
            session.stream.close()
            raise _lost(session, self._schema.name)
        self._stream, self._schema = session.stream, session.schema
        self._makers.clear()

    def _results(self, reply: Message, count: int) -> list[list[msgspec.Raw]]:
        if reply.error is not None:
            raise ProtocolError(
                f"{self.endpoint} refused to be read: {_error_text(reply.error)}.",
                "See the ovsdb-server's log there for the reason.",
            )
        results = decode(_results_decoder, reply.result, self.endpoint)
        for result in results:
            if result is not None and result.error is not None:
                raise ProtocolError(
                    f"{self.endpoint} refused a select in {self._schema.name}: "
                    f"{result.details or result.error}.",
                    "This is a defect of viftrail if the server is a plain ovsdb-server.",
                )
        if len(results) < count or any(not r or r.rows is None for r in results[:count]):
            raise ProtocolError(
                f"{self.endpoint} answered {count} selects with something else than their rows.",
                "Check that the address belongs to an ovsdb-server.",
            )
        return [result.rows for result in results[:count]]


def _context(remotes: Sequence[Remote], tls: Tls | None) -> ssl.SSLContext | None:
    first = next((remote for remote in remotes if remote.kind == "ssl"), None)
    if first is None:
        return None
    if tls is None:
        raise UsageError(
            f"{first} needs TLS files and none were given.",
            "Name them with --private-key, --certificate and --ca-cert.",
        )
    return tls.context()


def _request(number: int, method: str, params: list[Any]) -> dict[str, object]:
    return {"method": method, "params": params, "id": number}


def _select_operation(
    table: str, where: tuple[Condition, ...], columns: Sequence[str]
) -> dict[str, object]:
    wanted = list(dict.fromkeys(["_uuid", *columns]))
    return {"op": "select", "table": table, "where": where, "columns": wanted}


def _true_of_nothing(condition: Condition) -> bool:
    """Whether a row that holds nothing in the column meets the condition."""
    _, function, value = condition
    if function in {"!=", "excludes"}:
        return value not in _EMPTY or function == "excludes"
    return function in {"==", "includes"} and value in _EMPTY


def _reply(stream: Stream, number: int, deadline: Deadline) -> Message:
    while True:
        message = stream.receive(deadline)
        if message.id == number:
            return message
        # Late answers to a request that timed out are of no use any more.


def _member(reply: Message, where: str) -> _Member:
    """The server's own row about the database; empty before OVS 2.9."""
    if reply.error is not None:
        return {}
    results = decode(_results_decoder, reply.result, where)
    rows = results[0].rows if results and results[0] is not None else None
    return decode(_member_decoder, rows[0], where) if rows else {}


def _lost(session: _Session, database: str) -> Unreachable:
    clustered = session.member.get("model") == "clustered"
    source = "its cluster" if clustered else "the server it relays"
    look = f"at {status_command(database)} there" if clustered else "whether that server runs"
    return Unreachable(
        f"{session.stream.where} has lost {source}, so what it holds of {database} may be old.",
        f"Look {look}, or name another member.",
    )


def status_command(database: str) -> str:
    """What asks a member how its cluster is (ovsdb-server(1)); OVN's have sockets of their own."""
    control = _CONTROLS.get(database)
    asked = f"ovn-appctl -t /run/ovn/{control}" if control else "ovs-appctl -t ovsdb-server"
    return f"`{asked} cluster/status {database}`"


def _close(sessions: Sequence[tuple[_Session, _Opener]]) -> None:
    for session, _ in sessions:
        session.stream.close()


def _no_database(stream: Stream, database: str, error: object, deadline: Deadline) -> NoReturn:
    stream.send(_request(3, "list_dbs", []), deadline)
    reply = _reply(stream, 3, deadline)
    listed = decode(_any_decoder, reply.result, stream.where)
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    names = [name for name in names if name != "_Server"]
    if database in names:
        raise Unreachable(
            f"{stream.where} does not serve {database} yet: {_error_text(error)}.",
            "Wait until it has joined its cluster, or name another member.",
        )
    raise Unreachable(
        f"{stream.where} has no database {database}; it serves {', '.join(names) or 'none'}.",
        "Name the address of the server that has it.",
    )


def _error_text(error: object) -> str:
    if isinstance(error, dict):
        return str(error.get("details") or error.get("error") or error)
    return str(error)


def _optional_uuid(value: object) -> str | None:
    if isinstance(value, list) and len(value) == 2 and value[0] == "uuid":
        return str(value[1])
    return None


def _none_usable(failures: list[ViftrailError], database: str) -> ViftrailError:
    if len(failures) == 1:
        return failures[0]
    reasons = " ".join(failure.what for failure in failures)
    kinds = {type(failure) for failure in failures}
    kind = kinds.pop() if len(kinds) == 1 else Unreachable
    advice = list(dict.fromkeys(failure.do for failure in failures))
    return kind(
        f"No server of {database} can be used: {reasons}",
        advice[0] if len(advice) == 1 else "Mend one of them, or name another member.",
    )
