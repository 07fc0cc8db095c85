"""Collecting what was seen at one stage into a finding."""

from __future__ import annotations

from viftrail.verdict import Evidence, Finding, Stage, State

NO_CREDENTIALS = "not examined: no OpenStack credentials"
NO_SERVER = "the server was not among those that were read"


class Checks:
    """The checks of one stage, in the order they were made.

    A stage is broken as soon as one check failed, unknown when a part of it
    could not be looked at, and ok when everything was and nothing failed.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._seen: list[Evidence] = []
        self._failed: list[Evidence] = []
        self._unknown: list[str] = []
        self._asides: list[str] = []
        self._complaints: list[str] = []
        self._praise: list[str] = []

    def check(self, passed: bool, evidence: Evidence, *, good: str = "", bad: str) -> bool:
        """Record one observation; ``good`` and ``bad`` say what it means."""
        if passed:
            self._seen.append(evidence)
            if good:
                self._praise.append(good)
        else:
            self._failed.append(evidence)
            self._complaints.append(bad)
        return passed

    def unknown(self, why: str) -> None:
        """Record that something could not be looked at, so that nobody can tell."""
        self._unknown.append(why)

    def unseen(self, host: str) -> None:
        """Record that a host was not looked at; an empty one, that nobody says which it is."""
        self.unknown(
            f"host {host} was not looked at" if host else "nobody says on which host the VM runs"
        )

    def aside(self, why: str) -> None:
        """Record that something was not looked at which other evidence makes up for."""
        if why:
            self._asides.append(why)

    def finding(self) -> Finding:
        """The stage's state with its evidence, failures first."""
        if self._failed:
            state, summary = State.BROKEN, "; ".join(dict.fromkeys(self._complaints))
        elif self._seen and not self._unknown:
            state, summary = State.OK, "; ".join(dict.fromkeys([*self._praise, *self._asides]))
        else:
            state = State.UNKNOWN
            summary = "; ".join(dict.fromkeys([*self._unknown, *self._asides]))
        return Finding(
            id=self.stage.value,
            name=self.stage.title,
            state=state,
            summary=summary,
            evidence=(*self._failed, *self._seen),
        )


def not_applicable(stage: Stage, why: str) -> Finding:
    """A stage that this target does not pass."""
    return Finding(id=stage.value, name=stage.title, state=State.NOT_APPLICABLE, summary=why)


def not_examined(stage: Stage, why: str) -> Finding:
    """A stage of which nothing was read."""
    return Finding(id=stage.value, name=stage.title, state=State.UNKNOWN, summary=why)
