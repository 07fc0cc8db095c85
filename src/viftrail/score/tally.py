"""What a round of the scoreboard brought, and what all of them come to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

FORMAT = 1

TOP_CAUSE_GOAL = 0.98
"""Share of rounds whose first cause must be the right one."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One or two faults in one fresh lab. ``seconds`` is one whole `viftrail why`.

    ``alarms`` are accusations of VMs that nothing is wrong with. ``mended`` is None where a
    step of the remedy is the operator's own.
    """

    faults: tuple[str, ...]
    stage: str
    provoked: bool = True
    found_stage: str = ""
    found_causes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    mended: bool | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def name(self) -> str:
        """The fault, or both."""
        return " + ".join(self.faults)

    @property
    def first_stage(self) -> bool:
        """Whether the first broken stage is the right one."""
        return self.found_stage == self.stage

    @property
    def rank(self) -> int:
        """The place of the first fault among the causes, from 1; 0 if it was not named."""
        first = self.faults[0]
        return self.found_causes.index(first) + 1 if first in self.found_causes else 0

    @property
    def all_named(self) -> bool:
        """Whether every fault that was provoked was named."""
        return set(self.faults) <= set(self.found_causes)


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Two faults that cannot be played at once, and why."""

    faults: tuple[str, ...]
    reason: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """All rounds, and where and with what they were played."""

    format: int = FORMAT
    tool: str
    versions: str
    date: str
    rounds: tuple[Round, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def played(self) -> tuple[Round, ...]:
        """The rounds in which the lab really was broken."""
        return tuple(each for each in self.rounds if each.provoked)

    def share(self, good: Sequence[bool]) -> float:
        """How many of these are true, from 0 to 1; 1 where there are none."""
        return sum(good) / len(good) if good else 1.0

    @property
    def first_stage(self) -> float:
        """The share of rounds with the right first broken stage."""
        return self.share([each.first_stage for each in self.played])

    @property
    def top_cause(self) -> float:
        """The share of rounds whose first cause is right."""
        return self.share([each.rank == 1 for each in self.played])

    @property
    def top_three(self) -> float:
        """The share of rounds with the right cause among the first three."""
        return self.share([1 <= each.rank <= 3 for each in self.played])

    @property
    def all_named(self) -> float:
        """The share of rounds in which every provoked fault was named."""
        return self.share([each.all_named for each in self.played])

    @property
    def alarms(self) -> int:
        """Accusations of VMs that nothing is wrong with."""
        return sum(len(each.alarms) for each in self.rounds)

    @property
    def mended(self) -> float:
        """The share of remedies without a step of the operator's that brought traffic back."""
        return self.share([each.mended for each in self.played if each.mended is not None])

    @property
    def median_seconds(self) -> float:
        """How long one `viftrail why` took."""
        return median([each.seconds for each in self.played] or [0.0])

    @property
    def reached(self) -> bool:
        """Whether the product's goals are met, and every fault was really provoked."""
        return (
            len(self.played) == len(self.rounds)
            and self.first_stage == 1.0
            and self.top_cause >= TOP_CAUSE_GOAL
            and self.alarms == 0
            and self.mended == 1.0
        )
