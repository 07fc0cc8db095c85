"""What a fault definition consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from viftrail.chain.cloud import Cloud
from viftrail.chain.subject import Subject
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


@dataclass(frozen=True)
class Case:
    """One occurrence of a fault in one cloud.

    ``subject`` is where it sits. ``victims`` are the ports that it really
    cuts off; None means everything that depends on the subject. A target
    that depends on the subject and is no victim still works, but is frozen
    as it is: degraded. ``traces`` is what it did to each victim, and proves
    it there: a verdict shows its own target's, an audit the first.
    """

    subject: Subject
    summary: str
    evidence: tuple[Evidence, ...]
    steps: tuple[Step, ...]
    certainty: Certainty = Certainty.PROVEN
    victims: frozenset[Subject] | None = None
    note: str = ""
    spares_others: bool = False
    """As of its `Fault`: here it only threatens, where elsewhere it does harm."""
    traces: Mapping[Subject, tuple[Evidence, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A catalogue entry; the page in docs/ is printed from it.

    ``find`` looks at all that is known and yields every occurrence; for one
    target the same function runs over that target's slice.
    """

    id: str
    stage: Stage
    title: str
    what: str
    shows: str
    decisive: str
    remedy: str
    risk: Risk
    references: tuple[str, ...]
    find: Callable[[Cloud], Iterator[Case]]
    unlike: Mapping[str, str] = field(default_factory=dict)
    """What it is confused with, and what tells the two apart."""
    spares_others: bool = False
    """Who is no victim is not affected at all: not even frozen."""
    intended: bool = False
    """It may be somebody's own decision: told of a target that is asked about, never by an audit."""
    one_way: bool = False
    """What it keeps out it lets send: degraded alone, and broken for a peer that is to reach it."""
    on_path_freezes: bool = False
    """On a gateway or peer it stops changes, not traffic."""
    shows_at: frozenset[Stage] = frozenset()
    """Earlier stages that look broken because of it: this stage's actor writes what they lack."""
    yields_to: frozenset[Stage] = frozenset()
    """Stages whose own causes say why it came to this; it is told only where there is none."""
    unprovoked: str = ""
    """Why the lab cannot bring it about; empty where it can."""
