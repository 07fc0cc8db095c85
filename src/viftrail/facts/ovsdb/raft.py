"""The log of a clustered database, as one member's file holds it.

Source: ovsdb(5), "Clustered Format". The first record is a header with a
snapshot; later ones are log entries, the commit index, and notes on terms and
votes that say nothing about the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from viftrail.facts.ovsdb.replay import InconsistentError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class ClusterInfo:
    """What a member's file says of its cluster.

    Attributes:
        server_id: the member's own UUID.
        cluster_id: the cluster's UUID.
        local_address: where it listens for the other members.
        servers: UUID to address of every member, as last configured.
        term: the latest Raft term that the file mentions.
        snapshot_index: the log index of the snapshot in the header.
        commit_index: the last index that is known to be committed.
        last_index: the last index in the log.
        left: the member has left its cluster.
    """

    server_id: str
    cluster_id: str
    local_address: str
    servers: dict[str, str]
    term: int
    snapshot_index: int
    commit_index: int
    last_index: int
    left: bool

    @property
    def uncommitted(self) -> int:
        """Entries at the end that were not applied, as they may yet be undone."""
        return self.last_index - self.commit_index


class Header(msgspec.Struct, frozen=True):
    """The first record; ``prev_data`` stays undecoded."""

    server_id: str
    name: str
    local_address: str
    cluster_id: str = ""
    remote_addresses: list[str] | None = None
    prev_servers: dict[str, str] = {}
    prev_index: int = 0
    prev_term: int = 0
    prev_data: msgspec.Raw = msgspec.Raw(b"")


class Entry(msgspec.Struct, frozen=True):
    """Any later record; which kind it is shows in what is set."""

    term: int = 0
    index: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    servers: dict[str, str] | None = None
    commit_index: int | None = None
    note: str | None = None


def is_empty(raw: msgspec.Raw) -> bool:
    """Whether the member was absent or ``null``."""
    # The length first: a snapshot is hundreds of megabytes.
    return not len(raw) or (len(raw) == len(b"null") and bytes(raw) == b"null")


_entry_decoder = msgspec.json.Decoder(Entry)
header_decoder = msgspec.json.Decoder(Header)


class Log:
    """The log after the snapshot: entries wait here until they are committed."""

    def __init__(self, header: Header, commit: Callable[[msgspec.Raw], None]) -> None:
        """Begin after the header, with entry ``first``; ``commit`` gets each committed one's data."""
        self._header = header
        self._commit = commit
        self._committed = self._last = header.prev_index
        self.first = header.prev_index + 1
        self._waiting: list[tuple[int, Any]] = []
        self._servers = header.prev_servers
        self._term = header.prev_term
        self._left = False

    def add(self, body: bytes) -> None:
        """Take one record after the header.

        Raises:
            InconsistentError: it does not fit the log before it.
            msgspec.MsgspecError: it is not such a record.
        """
        entry = _entry_decoder.decode(body)
        self._term = max(self._term, entry.term)
        if entry.note is not None:
            self._left = self._left or entry.note == "left"
        elif entry.commit_index is not None:
            self._advance(entry.commit_index)
        elif entry.index is not None:
            self._append(entry.index, entry)

    def _append(self, index: int, entry: Entry) -> None:
        if index <= self._committed:
            raise InconsistentError(f"replaces log entry {index}, which was committed already")
        if index > self._last + 1:
            raise InconsistentError(f"holds log entry {index} where {self._last + 1} was due")
        # A new leader may undo what was not committed (Raft section 5.3).
        del self._waiting[index - self._committed - 1 :]
        self._waiting.append((index, entry))
        self._last = index

    def _advance(self, index: int) -> None:
        if index < self._committed or index > self._last:
            raise InconsistentError(
                f"commits log entry {index}, but the log goes from "
                f"{self._committed} to {self._last}"
            )
        count = index - self._committed
        for position, (number, entry) in enumerate(self._waiting[:count]):
            if not is_empty(entry.data):
                try:
                    self._commit(entry.data)
                except Exception:
                    del self._waiting[:position]
                    raise
            self._committed = number
            if entry.servers:
                self._servers = entry.servers
        del self._waiting[:count]

    def finish(self) -> ClusterInfo:
        """Settle what is left over, and describe the cluster.

        The only member of a cluster has a majority by itself: on its next
        start it commits all that its log holds, so that is what counts.

        Raises:
            InconsistentError: what was left over does not fit the rows before it.
            msgspec.MsgspecError: it is not a transaction.
        """
        try:
            if len(self._servers) == 1 and all(not entry.servers for _, entry in self._waiting):
                self._advance(self._last)
        finally:
            self.info = ClusterInfo(
                server_id=self._header.server_id,
                cluster_id=self._header.cluster_id,
                local_address=self._header.local_address,
                servers=dict(self._servers),
                term=self._term,
                snapshot_index=self._header.prev_index,
                commit_index=self._committed,
                last_index=self._last,
                left=self._left,
            )
        return self.info
