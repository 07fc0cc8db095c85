"""How much of a large log is read to find a minute of it: ``python bench/logs.py [GIB]``."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from viftrail.facts.log.moment import Window
from viftrail.facts.log.read import read_logs

PORT = "9b57063f-4914-4ae3-9239-b283650c1888"
START = 1795220000
BLOCK = 20_000


def write(path: Path, size: int) -> int:
    """A neutron-server log of about this size; the seconds that it spans."""
    second = 0
    with path.open("w") as log:
        while log.tell() < size:
            lines = []
            for _ in range(BLOCK):
                second += 1
                when = datetime.fromtimestamp(START + second / 100, timezone.utc)
                lines.append(
                    f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d} 27237 DEBUG "
                    "neutron.pecan_wsgi.hooks.policy_enforcement [None req-0 - - - - - -] Attributes "
                    "excluded by policy engine: ['standard_attr_id'] _exclude_attributes\n"
                )
            lines[BLOCK // 2] = (
                lines[BLOCK // 2][:24]
                + "27237 WARNING neutron.plugins.ml2 [-] Refusing to bind port "
                + f"{PORT} due to no OVN chassis for host: cmp2\n"
            )
            log.write("".join(lines))
    return second // 100


def main() -> None:
    """Write, read, and print what it took."""
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else "2") * (1 << 30))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neutron-server.log"
        seconds = write(path, size)
        for name, window in (
            ("the last minute", Window(START + seconds - 60, START + seconds)),
            ("a minute in the middle", Window(START + seconds // 2, START + seconds // 2 + 60)),
            ("the last hour", Window(START + seconds - 3600, START + seconds)),
        ):
            began = time.perf_counter()
            found = read_logs([path], window, [PORT])
            took = time.perf_counter() - began
            file = found.files[0]
            print(
                f"{name}: {took * 1000:.0f} ms, {file.read >> 10} KiB of {file.size >> 20} MiB read, "
                f"{len(found.lines)} lines kept"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory: {peak >> 10} MiB")


if __name__ == "__main__":
    main()
