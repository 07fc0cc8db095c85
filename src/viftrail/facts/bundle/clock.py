"""How far the clocks of hosts are from ours: what compares their logs needs to know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from viftrail.facts.bundle.manifest import Offset
from viftrail.facts.facts import Gap
from viftrail.facts.ways import command

if TYPE_CHECKING:
    from viftrail.facts.ways.carrier import Carrier

TIMEOUT = 5.0
AT_ONCE = 16
_MOST = 1 << 16
_ASK = ("python3", "-c", "import time; print('clock %r' % time.time())")


def offset_of(carrier: Carrier) -> Offset | None:
    """One host's clock against ours; None where it does not say.

    It is read between asking and hearing: half of that time is how wrong it may be.
    """
    asked, begun = time.time(), time.monotonic()
    try:
        said = command.run(carrier.command(_ASK), b"", timeout=TIMEOUT, most=_MOST)
    except OSError:
        return None
    half = (time.monotonic() - begun) / 2
    told = [line.split() for line in said.output.splitlines() if line.startswith(b"clock ")]
    try:
        moment = float(told[-1][1])
    except (IndexError, ValueError):
        return None
    return Offset(ahead=round(moment - asked - half, 3), within=round(half, 3))


def offsets(hosts: Iterable[str], ways: Callable[[str], Carrier | Gap]) -> Mapping[str, Offset]:
    """The clocks of these hosts, all at once; one that does not say is left out."""

    def one(host: str) -> Offset | None:
        way = ways(host)
        return None if isinstance(way, Gap) else offset_of(way)

    names = list(hosts)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = dict(zip(names, pool.map(one, names), strict=True))
    return {name: offset for name, offset in found.items() if offset is not None}
