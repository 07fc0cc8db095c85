"""What a guess is, and what it is held against.

A guess is the cause that the verdict names, or it is cleared in writing, or
the verdict says which one observation would decide it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Trail
from viftrail.facts.host import Host
from viftrail.verdict import Cause, Finding, RuledOut, Stage, State, Undecided

Weighed = RuledOut | Undecided


@dataclass(frozen=True)
class Scene:
    """What a guess is held against: the facts, and what the chain and the faults made of them."""

    cloud: Cloud
    trail: Trail
    stages: Mapping[Stage, Finding]
    causes: tuple[Cause, ...]

    @property
    def host(self) -> Host | None:
        """The VM's host, if it was looked at."""
        return self.cloud.hosts.get(self.trail.host)

    @property
    def place(self) -> str:
        """What to call the VM's host."""
        return self.trail.host or "the VM's host"

    @property
    def blind(self) -> str:
        """Why the host tells nothing."""
        return f"{self.place} was not looked at"

    @property
    def broken(self) -> bool:
        """Some stage is broken or degraded."""
        return self.first_broken < len(Stage)

    @property
    def first_broken(self) -> int:
        """The number of the first stage that is broken; 99 when none is."""
        bad = (State.BROKEN, State.DEGRADED)
        return min((s.number for s, f in self.stages.items() if f.state in bad), default=99)


@dataclass(frozen=True)
class Guess:
    """A hypothesis: when a named cause says the same, and else what decides it."""

    name: str
    confirmed_by: Callable[[Scene, Cause], bool]
    weigh: Callable[[Scene, str], Weighed]


def never(_scene: Scene, _cause: Cause) -> bool:
    """No fault of the catalogue says this."""
    return False


def at(*stages: Stage) -> Callable[[Scene, Cause], bool]:
    """Confirmed by any cause at these stages."""
    return lambda _scene, cause: cause.stage in {stage.value for stage in stages}


def called(*ids: str) -> Callable[[Scene, Cause], bool]:
    """Confirmed by these faults."""
    return lambda _scene, cause: cause.id in ids
