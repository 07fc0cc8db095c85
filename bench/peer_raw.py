"""The floor: a socket that sends the selects of an audit and throws away what it receives.

    peer_raw.py SPEC NB SB

SPEC is what columns.py prints, NB and SB are remotes (unix:PATH). Both
databases at once, as their servers are two processes.
"""

from __future__ import annotations

import json
import socket
import sys
import threading

NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
END = b'"error":null}'
"""How ovsdb-server ends the reply to a transaction."""


def receive(which: str, remote: str, tables: dict[str, list[str]]) -> None:
    """Ask, and only take the bytes."""
    operations = [
        {"op": "select", "table": table, "where": [], "columns": ["_uuid", *columns]}
        for table, columns in tables.items()
    ]
    request = {"method": "transact", "params": [NAMES[which], *operations], "id": 1}
    buffer = bytearray(1 << 20)
    tail, total = b"", 0
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(remote.removeprefix("unix:"))
        line.sendall(json.dumps(request).encode())
        while not tail.endswith(END):
            count = line.recv_into(buffer)
            if count == 0:
                sys.exit(f"{remote} hung up after {total} bytes")
            total += count
            tail = (tail + buffer[max(0, count - len(END)) : count])[-len(END) :]
    print(which, total)


def main() -> None:
    """Both at once."""
    spec = json.loads(sys.argv[1])
    threads = [
        threading.Thread(target=receive, args=(which, remote, spec[which][1]))
        for which, remote in zip(("nb", "sb"), sys.argv[2:4], strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
