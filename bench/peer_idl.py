"""The stock Python client, ovs.db.idl, with the columns of an audit registered.

peer_idl.py SPEC NB SB        in an environment that has the package ovs
"""

from __future__ import annotations

import json
import sys
from typing import Any

import ovs.db.idl  # type: ignore[import-not-found,unused-ignore]
import ovs.poller  # type: ignore[import-not-found,unused-ignore]


def read(remote: str, schema: str, tables: dict[str, list[str]]) -> Any:
    """A replica of these columns, once it is complete."""
    helper = ovs.db.idl.SchemaHelper(schema)
    for table, columns in tables.items():
        helper.register_columns(table, columns)
    idl = ovs.db.idl.Idl(remote, helper)
    while not idl.has_ever_connected():
        idl.run()
        if not idl.has_ever_connected():
            poller = ovs.poller.Poller()
            idl.wait(poller)
            poller.block()
    return idl


def main() -> None:
    """One database after the other: it has one thread."""
    spec = json.loads(sys.argv[1])
    replicas = [
        read(remote, *spec[which])
        for which, remote in zip(("nb", "sb"), sys.argv[2:4], strict=True)
    ]
    print([len(replica.tables) for replica in replicas])


if __name__ == "__main__":
    main()
