"""Files whose checksums fit but whose content does not: never a traceback."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tests.facts.ovsdb.ovsdb_records import HEADER, PERSISTENT, ROWS, entry, record
from tests.facts.ovsdb.ovsdb_zoo import TABLES
from viftrail.errors import DamagedDatabase
from viftrail.facts.ovsdb import read_file

if TYPE_CHECKING:
    from pathlib import Path

ODD: list[Any] = [
    *(None, 5, "x", True, 1.5, -1, [], {}, [[]], ["set"], ["map"]),
    *(["map", [[1]]], ["map", 5], ["set", [["uuid"]]], ["set", ["a", 1]], ["set", 5]),
]
FULL = {"i": 1, "s": "q", "ss": ["set", ["a", "b"]], "mss": ["map", [["a", "b"]]]}


def spoil(value: Any, dice: random.Random) -> Any:
    if dice.random() < 0.04:
        return dice.choice(ODD)
    if isinstance(value, dict):
        return {key: spoil(item, dice) for key, item in value.items()}
    if isinstance(value, list):
        return [spoil(item, dice) for item in value]
    return value


def stand_alone(dice: random.Random, schema: Any, work: list[Any]) -> bytes:
    records = [schema, *(spoil(transaction, dice) for transaction in work)]
    return b"".join(record(document, "JSON") for document in records)


def clustered(dice: random.Random, schema: Any, work: list[Any]) -> bytes:
    header = HEADER | {"prev_data": [schema, work[0]]}
    documents = [spoil(header, dice) if dice.random() < 0.2 else header]
    for index, transaction in enumerate(work[1:], 2):
        documents.append(spoil(entry(index, data=[None, transaction]), dice))
        documents.append(spoil({"commit_index": index}, dice))
    return b"".join(map(record, documents))


def outcome(path: Path) -> str:
    try:
        stored = read_file(path, TABLES)
    except DamagedDatabase as error:
        return "damaged" if str(path) in error.what and error.do else "unnamed"
    return "torn" if stored.torn else "whole"


def test_spoiled_files(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    outcomes: dict[str, int] = {"damaged": 0, "torn": 0, "whole": 0}
    for seed in range(600):
        dice = random.Random(seed)
        work: list[Any] = [
            {"_is_diff": True, "_date": 5, "Cage": {ROWS[number]: FULL}} for number in (1, 1, 1, 2)
        ]
        work.append({"Cage": {ROWS[1]: None}})
        schema = spoil(PERSISTENT, dice) if seed % 4 == 0 else PERSISTENT
        data = bytearray((stand_alone if seed % 2 else clustered)(dice, schema, work))
        if seed % 5 == 0:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        outcomes[outcome(path)] += 1
    assert min(outcomes.values()) > 20
