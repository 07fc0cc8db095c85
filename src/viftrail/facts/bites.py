"""Whole tables in small bites, so that a database server can serve others in between.

ovsdb-server has one thread: while it puts together an answer of 100,000 rows
nobody else is heard for seconds, not even the leader of its cluster
(ovsdb(7), "Clustered Database Service Model"). A bite is so small that it
takes a fraction of that, and after each one the server is left alone for a
multiple of the time that it took.

Rows come by their UUIDs, which ovsdb-server finds without a walk over the
table; or, where a table has a small number in each row, by ranges of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.ovsdb.client import Client, Condition, Select
from viftrail.facts.row import Row
from viftrail.facts.southbound import PortBinding

AIM = 0.1
"""Seconds that one bite shall take."""

REST = 3.0
"""Times as long the server is left alone afterwards."""

FIRST, SMALLEST, LARGEST = 100, 10, 2000
"""Rows in a bite."""

LAST_KEY = 1 << 15
"""Port_Binding.tunnel_key is below it (ovn-sb(5)); in every datapath it begins at 1."""


class Bites:
    """Reads tables of one database, one after the other."""

    def __init__(
        self, client: Client, *, timeout: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Read with this connection.

        Args:
            client: of the database.
            timeout: seconds for one bite.
            sleep: how to wait.
        """
        self._client = client
        self._timeout = timeout
        self._sleep = sleep
        self._ports: list[str] = []

    def read(self, row: type[Row]) -> tuple[Row, ...]:
        """Every row of a table.

        Raises:
            Unreachable: a bite was not answered in time.
            ProtocolError: an answer is none that OVSDB allows.
        """
        if row is PortBinding:
            return tuple(self._by_tunnel_key())
        found = tuple(self._by_uuid(row, self._uuids(row)))
        if row is LogicalSwitch:
            self._ports = [port for switch in found for port in getattr(switch, "ports", ())]
        return found

    def _uuids(self, row: type[Row]) -> list[str]:
        if row is LogicalSwitchPort:
            # All of them are in some switch (ovn-nb(5)), so nobody has to list them.
            return self._ports
        (listed,), _ = self._ask([Select(row, columns=("_uuid",))])
        return [each.uuid for each in listed]

    def _by_uuid(self, row: type[Row], uuids: Iterable[str]) -> Iterator[Row]:
        size = FIRST
        left = iter(uuids)
        while bite := list(islice(left, size)):
            selects = [Select(row, (("_uuid", "==", ["uuid", uuid]),)) for uuid in bite]
            answers, took = self._ask(selects)
            yield from (each for rows in answers for each in rows)
            size = max(SMALLEST, min(LARGEST, fitting(size, took)))

    def _by_tunnel_key(self) -> Iterator[Row]:
        low, width = 1, 1
        while low < LAST_KEY:
            high = low + width
            where: tuple[Condition, ...] = (("tunnel_key", ">=", low),)
            if high < LAST_KEY:
                where += (("tunnel_key", "<", high),)
            (rows,), took = self._ask([Select[Row](PortBinding, where)])
            yield from rows
            low, width = high, fitting(width, took)

    def _ask(self, selects: Sequence[Select[Row]]) -> tuple[list[list[Row]], float]:
        began = time.monotonic()
        answers = self._client.select(selects, timeout=self._timeout)
        took = time.monotonic() - began
        self._sleep(REST * took)
        return answers, took


def fitting(size: int, took: float) -> int:
    """The next bite's size: at most twice and at least half of the last one's."""
    return max(1, min(2 * size, max(size // 2, int(size * AIM / max(took, 1e-6)))))
