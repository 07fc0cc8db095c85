"""One mend: run a step, verify it, look again; stop when healthy, or when nothing helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

import msgspec

from viftrail import __version__
from viftrail.facts.ways.carrier import Carrier
from viftrail.fix import shell
from viftrail.fix.plan import Handling, Plan, Planned
from viftrail.fix.proof import Proof
from viftrail.fix.runner import GLANCE, Ran, run
from viftrail.verdict import State, Verdict

FORMAT = 1

PATIENCE = 30.0
"""Seconds that the cloud has to follow the last step: ovn-northd takes its lock within ten."""

PAUSE = 1.0

PROOFS, BETWEEN_PROOFS = 5, 3.0
"""How often packets are sent until they pass, and seconds between: rows are healthy before peers have
learnt where an address is now."""


class Ending(str, Enum):
    """How a mend ended."""

    PLANNED = "planned"
    """Only shown."""
    HEALTHY = "healthy"
    """There was nothing to do."""
    MENDED = "mended"
    UNPROVEN = "unproven"
    """The chain is healthy, and packets were sent and did not arrive."""
    UNCHANGED = "unchanged"
    """Every step was run, and it is broken still."""
    TOLD = "told"
    """The next step is the operator's."""
    REFUSED = "refused"
    """The next step's risk was not allowed."""
    FAILED = "failed"
    """A step failed."""
    INTERRUPTED = "interrupted"
    HELPLESS = "helpless"
    """No fault of the catalogue explains it, or it could not be told what is wrong."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was run, what its verify command said, and the state after it."""

    planned: Planned
    ran: Ran
    verified: Ran | None = None
    after: str = ""


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """What `fix` reports."""

    format: int = FORMAT
    tool: str = f"viftrail {__version__}"
    ending: Ending
    applied: bool
    recorded: bool = False
    """What was looked at is over, and cannot be mended."""
    before: Verdict
    plan: Plan
    done: tuple[Done, ...] = ()
    after: Verdict | None = None
    next: Planned | None = None
    """The step that was not run."""
    proof: Proof | None = None
    log: str = ""


class Log(Protocol):
    """Where the audit trail goes."""

    def write(self, event: str, **fields: object) -> None:
        """Add a line, or raise before anything is done."""
        ...


class Session:
    """A mend in progress; `report` says at any time how far it came."""

    def __init__(
        self,
        before: Verdict,
        *,
        look: Callable[[], Verdict],
        plan: Callable[[Verdict], Plan],
        ways: Callable[[str], Carrier],
        prove: Callable[[Verdict], Proof],
        log: Log,
        wait: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self.before = before
        self.plan = plan(before)
        self.done: list[Done] = []
        self._causes = {planned.cause for planned in self.plan.steps}
        self._tried: set[tuple[str, str]] = set()
        self._running: Planned | None = None
        self._after: Verdict | None = None
        self._proof: Proof | None = None
        self._next: Planned | None = None
        self._look, self._plan, self._ways, self._prove = look, plan, ways, prove
        self._log, self._wait, self._patience = log, wait, patience

    def apply(self) -> Ending:
        """Run what may be run.

        Raises:
            ViftrailError: it could not be looked again, or the audit trail not be kept.
        """
        self._note("start", causes=[cause.id for cause in self.before.causes])
        ending = self._apply()
        self._note("end", ending=ending.value)
        return ending

    def _apply(self) -> Ending:
        if self.before.verdict.state is State.HEALTHY:
            return Ending.HEALTHY
        verdict = self.before
        while step := self._upcoming(verdict):
            if step.handling is not Handling.RUN:
                self._next = step
                return Ending.TOLD if step.handling is Handling.TOLD else Ending.REFUSED
            if not self._run(step, verdict):
                return Ending.FAILED
            verdict = self._settled()
        if not self.done:
            return Ending.HELPLESS
        if verdict.verdict.state is not State.HEALTHY:
            return Ending.UNCHANGED
        self._proof = self._proved(verdict)
        self._note("proof", ok=self._proof.ok, summary=self._proof.summary)
        return Ending.UNPROVEN if self._proof.ok is False else Ending.MENDED

    def report(self, ending: Ending) -> Fix:
        """How far it came; a step that was cut short counts as done."""
        done = tuple(self.done)
        if self._running:
            step = self._running.step
            cut = Ran(
                command=step.command,
                where=step.where,
                exit=None,
                output="Interrupted: it may have taken effect.",
            )
            done += (Done(planned=self._running, ran=cut),)
        return Fix(
            ending=ending,
            applied=True,
            before=self.before,
            plan=self.plan,
            done=done,
            after=self._after,
            next=self._next,
            proof=self._proof,
        )

    def interrupted(self, why: str) -> None:
        """Note in the audit trail that it ended here."""
        running = self._running
        self._note("interrupted", why=why, step=running.step.command if running else "")

    def _upcoming(self, verdict: Verdict) -> Planned | None:
        """The first step that was not tried, of a cause that the operator was shown.

        A remedy of several steps may turn its cause into another one on the way: the rest of
        what was shown and begun is run to its end all the same.
        """
        if verdict.verdict.state is State.HEALTHY:
            return None
        begun = {done.planned.cause for done in self.done}
        rest = [planned for planned in self.plan.steps if planned.cause in begun]
        for planned in (*self._plan(verdict).steps, *rest):
            if planned.cause in self._causes and planned.key not in self._tried:
                return planned
        return None

    def _run(self, planned: Planned, verdict: Verdict) -> bool:
        step, before = planned.step, state_of(verdict)
        carrier = self._ways(step.where)
        about = {"step": step.command, "where": step.where, "risk": step.risk.value}
        self._note("step", **about, cause=planned.cause, before=before, undo=step.undo)
        self._running = planned
        self._tried.add(planned.key)
        ran = run(step.command, step.where, carrier)
        self._running = None
        self.done.append(Done(planned=planned, ran=ran))
        self._note("ran", **about, exit=ran.exit, output=ran.output, before=before)
        if not ran.ok:
            return False
        if not shell.objection(step.verify):
            verified = run(step.verify, step.where, carrier, GLANCE)
            self.done[-1] = msgspec.structs.replace(self.done[-1], verified=verified)
            self._note(
                "verify", step=step.verify, where=step.where, exit=verified.exit,
                output=verified.output,
            )  # fmt: skip
        return True

    def _proved(self, verdict: Verdict) -> Proof:
        """The packet proof; what fails is tried again, as a gateway that moves home takes a while."""
        proof = self._prove(verdict)
        for _ in range(PROOFS - 1):
            if proof.ok is not False:
                break
            self._wait(BETWEEN_PROOFS)
            proof = self._prove(verdict)
        return proof

    def _settled(self) -> Verdict:
        """Look until it is healthy or there is more to do; at most as long as patience lasts."""
        end = time.monotonic() + self._patience
        while True:
            verdict = self._after = self._look()
            after = state_of(verdict)
            self.done[-1] = msgspec.structs.replace(self.done[-1], after=after)
            step = self.done[-1].planned.step
            self._note("look", step=step.command, where=step.where, after=after)
            healthy = verdict.verdict.state is State.HEALTHY
            if healthy or self._upcoming(verdict) or time.monotonic() > end:
                return verdict
            self._wait(PAUSE)

    def _note(self, event: str, **fields: object) -> None:
        target: Mapping[str, object] = {
            "target": self.before.target.asked,
            "port": self.before.target.port,
        }
        self._log.write(event, **target, **fields)


def state_of(verdict: Verdict) -> str:
    """The verdict in a few words."""
    conclusion = verdict.verdict
    return " ".join(
        part for part in (conclusion.state.value, conclusion.stage, conclusion.cause) if part
    )
