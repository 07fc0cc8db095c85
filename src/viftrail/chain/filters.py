"""Which of the scheduler's filters left no host, from nova-scheduler's own log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import creation
from viftrail.chain.saying import said
from viftrail.facts.log.line import LogLine
from viftrail.facts.openstack import Server
from viftrail.verdict import Evidence

_RESULT = re.compile(r"(?P<name>\w+): \(start: (?P<start>\d+), end: (?P<end>\d+)\)")


@dataclass(frozen=True)
class Sieve:
    """One filter: how many hosts it was given, and how many it left."""

    name: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.name} {self.start} to {self.end}"


@dataclass(frozen=True)
class Filtering:
    """What the filters did with one request, in their order."""

    sieves: tuple[Sieve, ...]
    line: LogLine

    @property
    def deciding(self) -> str:
        """The filter that left none."""
        return next((sieve.name for sieve in self.sieves if sieve.end == 0), "")

    @property
    def proof(self) -> Evidence:
        """The line that says so."""
        return said(self.line)


def filtering_of(cloud: Cloud, server: Server) -> Filtering | None:
    """What the filters did with this server's request; None where no log tells."""
    logs = cloud.facts.logs
    whole = logs.last("filtering-removed-all", server=server.id)
    if whole:
        results = _RESULT.finditer(whole.groups.get("results", ""))
        sieves = tuple(
            Sieve(each["name"], int(each["start"]), int(each["end"])) for each in results
        )
        return Filtering(sieves, whole.line)
    action = creation(cloud.openstack, server)
    request = action.request_id if action else ""
    for signal in reversed(logs.signals("filter-returned-none")):
        if request in signal.line.ids or server.id in signal.line.ids:
            return Filtering((Sieve(signal.groups.get("filter", ""), 1, 0),), signal.line)
    return None
