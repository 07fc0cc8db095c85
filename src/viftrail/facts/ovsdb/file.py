"""A database file, stand-alone or clustered, read without ovsdb-server.

Sources: ovsdb(5) for both formats. The file is only read, never locked, so the
file of a running server may be named as well: what it has written whole by
then is what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import msgspec

from viftrail.errors import DamagedDatabase
from viftrail.facts.ovsdb import collector
from viftrail.facts.ovsdb.journal import Journal, Record, TornError
from viftrail.facts.ovsdb.raft import ClusterInfo, Log, header_decoder, is_empty
from viftrail.facts.ovsdb.replay import InconsistentError, Replay
from viftrail.facts.ovsdb.schema import Schema, parse_schema
from viftrail.facts.ovsdb.values import BAD_JSON, decoder_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

RowT = TypeVar("RowT", bound=msgspec.Struct)
_RESTORE = (
    "Take the file from another member or from a backup, "
    "or copy it again if it was cut off on the way."
)


class Rows:
    """Rows by their type."""

    def __init__(self, rows: dict[type[msgspec.Struct], list[Any]]) -> None:
        self._rows = rows

    def __getitem__(self, row_type: type[RowT]) -> list[RowT]:
        return cast("list[RowT]", self._rows[row_type])


@dataclass(frozen=True)
class StoredDatabase:
    """What a database file holds.

    Attributes:
        name: the database's name, such as ``OVN_Southbound``.
        version: its schema's version.
        schema: the schema in force at the end of the file.
        rows: the wanted rows by their type. A column that the schema does not
            have, or that is never stored (ephemeral), leaves its field at the
            default. Values may be shared between rows: they are to be read,
            not changed.
        records: records used, the schema or header included.
        torn: "" when the file was used to its end, else which record was not
            and why; everything before it was used, as ovsdb-server does.
        last_change: when the last transaction was committed, in milliseconds
            since the epoch, None when no transaction says.
        cluster: what a clustered file says of its cluster, else None.
    """

    name: str
    version: str
    schema: Schema
    rows: Rows = field(repr=False)
    records: int
    torn: str = ""
    last_change: int | None = None
    cluster: ClusterInfo | None = None


def read_file(
    path: str | os.PathLike[str], row_types: Iterable[type[msgspec.Struct]]
) -> StoredDatabase:
    """Read the wanted columns of the wanted tables from a database file.

    Args:
        path: a stand-alone or clustered file, gzipped or not.
        row_types: what is wanted, each of another table (``values`` tells
            what a row type is). A table that the schema does not have gives
            no rows.

    Raises:
        FileUnreadable: the file is absent, no plain file or cannot be read.
        NotPermitted: it may not be read by this user.
        DamagedDatabase: nothing in it can be used; the sentence says why.
        ProtocolError: its schema declares a wanted column as another type
            than the field is.
    """
    replay = Replay(row_types)
    with collector.paused(), Journal(Path(path)) as journal:
        reader = _Reader(journal.path, replay)
        torn = ""
        try:
            for record in journal.records():
                reader.take(record)
        except TornError as tear:
            torn = str(tear)
        cluster, note = reader.finish()
        schema = replay.schema
        if schema is None:
            _no_schema(journal.path, torn or note)
        return StoredDatabase(
            name=schema.name,
            version=schema.version,
            schema=schema,
            rows=Rows(replay.finish()),
            records=reader.records,
            torn=torn or note,
            last_change=replay.last_change,
            cluster=cluster,
        )


class _Reader:
    """Hands each record to what understands it."""

    def __init__(self, path: Path, replay: Replay) -> None:
        self.records = 0
        self._path = path
        self._replay = replay
        self._log: Log | None = None
        transaction: Any = replay.transaction_type
        self._transactions = decoder_of(transaction)
        self._commits = decoder_of(tuple[msgspec.Raw, transaction | None])

    def take(self, record: Record) -> None:
        """Use one record.

        Raises:
            TornError: it does not fit what came before.
            DamagedDatabase: it is the first one, so nothing can be used.
        """
        try:
            if self.records == 0:
                self._first(record)
            elif self._log is not None:
                record.verify()
                self._log.add(record.body)
            else:
                transaction = self._transactions.decode(record.body)
                record.verify()
                self._replay.apply(transaction)
        except (*BAD_JSON, InconsistentError, ValueError) as error:
            record.verify()  # a damaged record is a better reason than what it led to
            if self.records == 0:
                self._useless(str(error))
            raise TornError(f"the record at byte {record.offset} {_fault(error)}") from None
        self.records += 1

    def finish(self) -> tuple[ClusterInfo | None, str]:
        """The cluster, and a note when the log's end could not be used."""
        if self._log is None:
            return None, ""
        try:
            return self._log.finish(), ""
        except (*BAD_JSON, InconsistentError, ValueError) as error:
            return self._log.info, f"an entry at the end of the log {_fault(error)}"

    def _first(self, record: Record) -> None:
        if record.magic == "JSON":
            document = msgspec.json.decode(record.body)
            record.verify()
            if not isinstance(document, dict) or "tables" not in document:
                self._useless("it holds no schema, so the beginning of the file is missing")
            self._replay.begin(parse_schema(document), keep=False)
        elif record.magic == "CLUSTER":
            self._first_of_cluster(record)
        else:
            self._useless(f"its kind {record.magic!r} is neither JSON nor CLUSTER")

    def _first_of_cluster(self, record: Record) -> None:
        header = header_decoder.decode(record.body)
        record.verify()
        if header.remote_addresses is not None:
            raise DamagedDatabase(
                f"{self._path} belongs to a member that has not joined its cluster yet, "
                "so it holds no data.",
                "Name the file of a member that has joined.",
            )
        self._log = Log(header, self._commit)
        if not is_empty(header.prev_data):
            self._commit(header.prev_data)

    def _commit(self, data: msgspec.Raw) -> None:
        raw_schema, transaction = self._commits.decode(data)
        if not is_empty(raw_schema):
            schema = parse_schema(msgspec.json.decode(raw_schema))
            self._replay.begin(schema, keep=transaction is None)
        if transaction is not None:
            if self._replay.schema is None:
                raise InconsistentError("changes rows before there is a schema")
            self._replay.apply(transaction)

    def _useless(self, why: str) -> NoReturn:
        raise DamagedDatabase(
            f"{self._path} is no whole OVSDB file: its first record cannot be used ({why}).",
            _RESTORE,
        ) from None


def _fault(error: Exception) -> str:
    if isinstance(error, InconsistentError):
        return str(error)
    return f"is no OVSDB transaction ({error})"


def _no_schema(path: Path, torn: str) -> NoReturn:
    why = f"; {torn}" if torn else ""
    raise DamagedDatabase(f"{path} holds no schema that was committed{why}.", _RESTORE)
