"""The words of a verdict: stages, evidence, causes, remedies.

These types are what every report prints and what ``-f json`` writes; the
format is versioned by `Verdict.format` and described in docs/json.md.
"""

from __future__ import annotations

from enum import Enum

import msgspec

FORMAT = 1


class Stage(Enum):
    """One link of the chain, in the order that a port lives."""

    INFRASTRUCTURE = "S0"
    SCHEDULING = "S1"
    BUILD = "S2"
    PORT = "S3"
    NORTHBOUND = "S4"
    NORTHD = "S5"
    SOUTHBOUND = "S6"
    CONTROLLER = "S7"
    VIF = "S8"
    LOCAL = "S9"
    TUNNEL = "S10"
    ROUTER = "S11"
    PROVIDER = "S12"
    FLOATING_IP = "S13"

    @property
    def number(self) -> int:
        """Its place in the chain."""
        return int(self.value[1:])

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.name.lower().replace("_", " ")


class State(str, Enum):
    """What is known of a stage, or of the whole target."""

    OK = "ok"
    HEALTHY = "healthy"
    BROKEN = "broken"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    CONSEQUENCE = "consequence"
    NOT_APPLICABLE = "n/a"


class Certainty(str, Enum):
    """How far the evidence goes.

    ``proven``: seen where it happens, no other cause leaves the same trace.
    ``likely``: follows from what was seen, but the place itself was not looked at.
    ``possible``: fits what was seen, and so do others.
    """

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Risk(str, Enum):
    """What a remedy does to traffic that works."""

    SAFE = "safe"
    BLINKS = "blinks"
    DISRUPTIVE = "disruptive"
    DESTROYS = "destroys"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was seen, and the command that shows it to the operator."""

    where: str
    what: str
    seen: str
    expected: str = ""
    command: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a remedy. ``where`` is the host on which ``command`` is run.

    ``blinks`` says what working traffic it interrupts, ``tenant`` what a tenant sees of
    that; empty means what its risk says in general. ``lacks`` says what the command leaves out.
    """

    command: str
    where: str
    risk: Risk
    undo: str
    verify: str
    blinks: str = ""
    tenant: str = ""
    lacks: str = ""


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """The least destructive mend, in order."""

    steps: tuple[Step, ...] = ()
    note: str = ""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the catalogue that the evidence accuses."""

    id: str
    stage: str
    state: State
    title: str
    summary: str
    confidence: Certainty
    subject: str
    evidence: tuple[Evidence, ...]
    remedy: Remedy


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A stage, what is known of it, and why."""

    id: str
    name: str
    state: State
    summary: str
    evidence: tuple[Evidence, ...] = ()


class RuledOut(msgspec.Struct, frozen=True, kw_only=True):
    """A guess that the evidence clears."""

    guess: str
    because: str
    evidence: tuple[Evidence, ...] = ()


class Undecided(msgspec.Struct, frozen=True, kw_only=True):
    """A guess that what was seen neither clears nor confirms.

    ``observation`` is the one thing that would decide, ``command`` shows it on the host ``where``.
    """

    guess: str
    why: str
    observation: str
    where: str
    command: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be looked at, and how to make it possible."""

    place: str
    why: str
    how: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked about."""

    asked: str
    port: str = ""
    server: str = ""
    server_id: str = ""
    host: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    network: str = ""
    floating_ips: tuple[str, ...] = ()
    owner: str = ""
    """Who would overwrite what is written to Northbound by hand: ``neutron``; else ``ovn``, or
    ``lab``."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return self.server or self.port or self.asked


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the target."""

    time: str
    """ISO 8601 in UTC, with milliseconds; by the clock of who wrote it down."""
    kind: str
    """Who witnesses it: ``api`` (OpenStack), ``row`` (a database) or ``log``."""
    where: str
    what: str
    means: str = ""
    """What a decisive log line means; empty for what needs no words."""
    pattern: str = ""
    """The ids of the log patterns that it matches."""
    source: str = ""
    """FILE@OFFSET, where it was read from a file."""


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """The answer in one line. ``stage`` and ``cause`` are empty when healthy."""

    state: State
    stage: str = ""
    cause: str = ""
    confidence: str = ""
    summary: str = ""
    caveat: str = ""
    """How far a healthy verdict goes, where more could be asked."""


class OtherEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Of a pair ``A:B`` the end that is better off, and the answer to it alone."""

    target: Target
    verdict: Conclusion


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `why` found out about one target."""

    format: int = FORMAT
    tool: str = ""
    target: Target
    verdict: Conclusion
    other: OtherEnd | None = None
    causes: tuple[Cause, ...] = ()
    stages: tuple[Finding, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    remedy: Remedy = Remedy()
    remarks: tuple[str, ...] = ()
    """What an audit says of the target's own, in sentences: it works, and not as it was meant."""
    timeline: tuple[Moment, ...] = ()
    """What happened to the target, oldest first; empty unless it was asked for."""
    time: str = ""
    """When the facts were taken, ISO 8601 in UTC."""

    @property
    def heading(self) -> str:
        """What it is about: both ends of a pair."""
        who = self.target.server or self.target.asked
        return f"{who} and {self.other.target.name}" if self.other else who

    @property
    def asides(self) -> tuple[str, ...]:
        """What stands below the answer, in sentences: how far it goes, and of the better end."""
        caveat = self.verdict.caveat
        own = (caveat, *self.remarks) if caveat else self.remarks
        if self.other is None or self.other.verdict.state is State.HEALTHY:
            return own
        name, answer = self.other.target.name, self.other.verdict
        place = f" at {answer.stage}" if answer.stage else ""
        other = f"Of the other end, {name}: {answer.state.value}{place}: {answer.summary}."
        return (*own, other)
