"""The json module on every record of both database files; nothing else is done with them.

peer_json.py NB SB
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """The records are kept, as a reader would keep its rows."""
    kept = []
    for path in map(Path, sys.argv[1:3]):
        with path.open("rb") as file:
            while header := file.readline():
                kept.append(json.loads(file.read(int(header.split()[2]))))
    print(len(kept))


if __name__ == "__main__":
    main()
