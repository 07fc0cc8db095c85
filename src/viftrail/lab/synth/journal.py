"""A stand-alone OVSDB file (ovsdb(5)), written without ovsdb-server.

One record with the schema, one with all rows: what ``ovsdb-tool compact``
leaves behind. Rows are encoded as they come, so that a cloud of any size costs
the size of its file and not that of its objects.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from viftrail.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from viftrail.lab.ovsdb import Json, Row
    from viftrail.lab.synth.draft import Tables

_NOTHING: Final = (["set", []], ["map", []])


class Journal:
    """The rows of one database, until they are written."""

    def __init__(self, schema: Path) -> None:
        """Begins an empty database of that schema.

        Raises:
            LabError: the schema cannot be read.
        """
        try:
            document = msgspec.json.decode(schema.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise LabError(
                f"{schema} cannot be read: {error}.",
                "Install it; with Debian it comes with ovn-central.",
            ) from None
        self._schema = msgspec.json.encode(document)
        self._tables: dict[str, bytearray] = {}
        self._encode = msgspec.json.Encoder().encode

    def put(self, table: str, uuid: str, row: Row) -> None:
        """Adds a row."""
        target = self._tables.setdefault(table, bytearray())
        if target:
            target += b","
        target += b'"%b":' % uuid.encode()
        target += self._encode({k: _stored(v) for k, v in row.items() if v not in _NOTHING})

    def put_all(self, tables: Tables | Mapping[str, Mapping[str, Row]]) -> None:
        """Adds rows of many tables."""
        for table, rows in tables.items():
            for uuid, row in rows.items():
                self.put(table, uuid, row)

    def write(self, path: Path, moment: int) -> None:
        """Writes the file, and forgets the rows.

        ``moment`` (ms) is when the transaction is said to have been.
        """
        with path.open("wb") as file:
            for parts in ([self._schema], self._record(moment)):
                digest = hashlib.sha1(usedforsecurity=False)
                for part in parts:
                    digest.update(part)
                length = sum(map(len, parts)) + 1
                digest.update(b"\n")
                file.write(f"OVSDB JSON {length} {digest.hexdigest()}\n".encode())
                for part in parts:
                    file.write(part)
                file.write(b"\n")
        self._tables.clear()

    def _record(self, moment: int) -> list[bytes | bytearray]:
        parts: list[bytes | bytearray] = [b'{"_date":%d' % moment]
        for table, rows in self._tables.items():
            parts += [b',"%b":{' % table.encode(), rows, b"}"]
        return [*parts, b"}"]


def _stored(value: Json) -> Json:
    """As ovsdb-server stores it: a set of one is its member."""
    if isinstance(value, list) and value[0] == "set" and len(value[1]) == 1:
        return value[1][0]
    return value
