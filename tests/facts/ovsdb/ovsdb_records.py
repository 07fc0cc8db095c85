"""Records of database files, written by hand."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.facts.ovsdb.ovsdb_zoo import SCHEMA

PERSISTENT = json.loads(json.dumps(SCHEMA))
del PERSISTENT["tables"]["Cage"]["columns"]["fleeting"]


def record(document: object, magic: str = "CLUSTER") -> bytes:
    body = json.dumps(document).encode() + b"\n"
    digest = hashlib.sha1(body).hexdigest()
    return f"OVSDB {magic} {len(body)} {digest}\n".encode() + body


SID, OTHER = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
ROWS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(10)]
HEADER: dict[str, Any] = {
    "server_id": SID,
    "cluster_id": OTHER,
    "name": "Zoo",
    "local_address": "tcp:10.0.0.1:6643",
    "prev_servers": {SID: "tcp:10.0.0.1:6643", OTHER: "tcp:10.0.0.2:6643"},
    "prev_term": 1,
    "prev_index": 1,
    "prev_eid": SID,
    "prev_data": [PERSISTENT, {"Cage": {ROWS[0]: {"i": 0}}}],
}


def entry(index: int, **more: Any) -> dict[str, Any]:
    data = [None, {"_is_diff": True, "Cage": {ROWS[index]: {"i": index}}}]
    return {"term": 1, "index": index, "data": data, "eid": OTHER} | more
