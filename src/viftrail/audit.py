"""Every fault of the catalogue over everything that is known: no target, no trail.

The definitions are the same that `why` runs over one target's slice.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from viftrail import __version__
from viftrail.chain.cloud import Cloud
from viftrail.diagnose import accuse, cause_of
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.verdict import Cause, Stage, Unknown


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found, in the order of the chain."""

    format: int = 1
    tool: str = f"viftrail {__version__}"
    ports: int = 0
    """Ports of VMs that were looked at."""
    hosts: int = 0
    causes: tuple[Cause, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def blind(self) -> bool:
        """A whole database, or everything, could not be looked at."""
        lost = any(gap.place in (NORTHBOUND, SOUTHBOUND) for gap in self.unknown)
        return lost or not (self.ports or self.hosts)


def audit(facts: Facts) -> Findings:
    """Run the whole catalogue over complete facts."""
    cloud = Cloud(facts)
    return Findings(
        ports=len(cloud.ports),
        hosts=len(cloud.hosts),
        causes=tuple(sorted(_causes(cloud), key=lambda cause: Stage(cause.stage).number)),
        unknown=tuple(Unknown(place=g.place, why=g.why, how=g.how) for g in facts.gaps),
    )


def _causes(cloud: Cloud) -> Iterator[Cause]:
    for accusation in accuse(cloud):
        yield cause_of(accusation)
