"""A small OVSDB client (RFC 7047) for writing: one blocking transaction at a time.

The lab writes whole topologies as Neutron does, in one transaction; a line of
``ovn-nbctl`` that long would be mostly quoting. Reading production databases
is another trade: see :mod:`viftrail.facts`.
"""

from __future__ import annotations

import codecs
import itertools
import json
import socket
import time
from typing import TYPE_CHECKING, Any

from viftrail.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: One OVSDB operation, value or row: JSON as RFC 7047 section 5 has it.
Json = Any
Row = dict[str, Json]

NORTHBOUND = "OVN_Northbound"
SOUTHBOUND = "OVN_Southbound"
VSWITCH = "Open_vSwitch"
SERVER = "_Server"


def strings(values: Mapping[str, str]) -> Json:
    """A map column of strings."""
    return ["map", [[key, value] for key, value in sorted(values.items())]]


def members(values: Iterable[Json]) -> Json:
    """A set column."""
    return ["set", list(values)]


def made(symbol: str) -> Json:
    """A row inserted by this very transaction, by the symbol it was given."""
    return ["named-uuid", symbol]


def plain(value: Json) -> Json:
    """A value as Python has it: sets become lists, maps dicts, UUIDs strings."""
    if isinstance(value, list) and len(value) == 2:
        kind, content = value
        if kind == "set":
            return [plain(item) for item in content]
        if kind == "map":
            return {plain(key): plain(item) for key, item in content}
        if kind in ("uuid", "named-uuid"):
            return content
    return value


class Transaction:
    """Operations collected for one all-or-nothing commit."""

    def __init__(self) -> None:
        self.operations: list[Row] = []
        self._count = itertools.count(1)

    def insert(self, table: str, **columns: Json) -> Json:
        """Inserts a row; the answer refers to it inside this transaction."""
        symbol = f"row{next(self._count)}"
        self.operations.append(
            {"op": "insert", "table": table, "uuid-name": symbol, "row": columns}
        )
        return made(symbol)

    def update(self, table: str, where: list[Json], **columns: Json) -> None:
        """Overwrites columns of the rows that match."""
        self.operations.append({"op": "update", "table": table, "where": where, "row": columns})

    def mutate(self, table: str, where: list[Json], *mutations: Json) -> None:
        """Adds to or takes from set and map columns of the rows that match."""
        self.operations.append(
            {"op": "mutate", "table": table, "where": where, "mutations": list(mutations)}
        )

    def delete(self, table: str, where: list[Json]) -> None:
        """Deletes the rows that match."""
        self.operations.append({"op": "delete", "table": table, "where": where})


class Ovsdb:
    """A connection to one ovsdb-server over its unix socket."""

    def __init__(
        self, path: Path, database: str, *, patience: float = 1.0, timeout: float = 5.0
    ) -> None:
        """Connects, waiting up to ``patience`` seconds for the server to listen.

        Each answer may take ``timeout`` seconds.

        Raises:
            LabError: nobody listens there in time.
        """
        self.database = database
        self._ids = itertools.count(1)
        self._buffer = ""
        self._decoder = json.JSONDecoder()
        self._text = codecs.getincrementaldecoder("utf-8")()
        deadline = time.monotonic() + patience
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(timeout)
            try:
                self._socket.connect(str(path))
            except OSError as error:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise LabError(f"no ovsdb-server listens on {path}: {error}.") from error
                time.sleep(0.005)
            else:
                return

    def __enter__(self) -> Ovsdb:  # noqa: PYI034 - typing.Self is Python 3.11's
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    def commit(self, transaction: Transaction) -> list[Row]:
        """Runs the operations; gives back one result each.

        Raises:
            LabError: the server refused one of them, or did not answer in time.
        """
        results: list[Row] = self._call("transact", [self.database, *transaction.operations])
        for result, operation in itertools.zip_longest(results, transaction.operations):
            if result and "error" in result:
                subject = operation["table"] if operation else "commit"
                raise LabError(
                    f"{self.database} refused a write to {subject}: "
                    f"{result['error']} {result.get('details', '')}."
                )
        return results

    def select(self, table: str, where: list[Json] | None = None, *columns: str) -> list[Row]:
        """The matching rows, their values made :func:`plain`."""
        operation: Row = {"op": "select", "table": table, "where": where or []}
        if columns:
            operation["columns"] = list(columns)
        (result,) = self._call("transact", [self.database, operation])
        if "error" in result:
            raise LabError(f"{self.database}: cannot read {table}: {result['error']}.")
        return [{name: plain(value) for name, value in row.items()} for row in result["rows"]]

    def _call(self, method: str, params: list[Json]) -> Json:
        call_id = next(self._ids)
        request = json.dumps({"method": method, "params": params, "id": call_id})
        try:
            self._socket.sendall(request.encode())
            while True:
                message = self._receive()
                if message.get("method") == "echo":
                    reply = {"result": message["params"], "error": None, "id": message["id"]}
                    self._socket.sendall(json.dumps(reply).encode())
                elif message.get("id") == call_id:
                    break
        except OSError as error:
            raise LabError(
                f"{self.database}: the ovsdb-server does not answer: {error}."
            ) from error
        if message["error"] is not None:
            raise LabError(f"{self.database} refused a request: {message['error']}.")
        return message["result"]

    def _receive(self) -> Row:
        while True:
            if self._buffer:
                try:
                    message, end = self._decoder.raw_decode(self._buffer)
                except json.JSONDecodeError:
                    pass  # not all of it has arrived
                else:
                    self._buffer = self._buffer[end:].lstrip()
                    received: Row = message
                    return received
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                raise ConnectionResetError("the server hung up")
            self._buffer += self._text.decode(chunk)
