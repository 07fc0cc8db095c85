"""From a verdict to a plan: which steps viftrail may run, and which are for the operator.

Pure: whether a host can be reached is told to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum

import msgspec

from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED
from viftrail.fix import shell
from viftrail.verdict import Risk, State, Step, Verdict


class Handling(str, Enum):
    """What becomes of a step with ``--apply``."""

    RUN = "run"
    TOLD = "told"
    """It is the operator's to run: it belongs where viftrail may not or cannot go."""
    REFUSED = "refused"
    """Its risk was not allowed."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A step, what becomes of it and why, and what it does to traffic that works."""

    cause: str
    step: Step
    handling: Handling
    reason: str = ""
    blinks: str = ""
    tenant: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same step after another look."""
        return self.step.where, self.step.command


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The steps in order, of the first cause and then of the next."""

    steps: tuple[Planned, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether its first step would be run."""
        return bool(self.steps) and self.steps[0].handling is Handling.RUN


EFFECTS: Mapping[Risk, tuple[str, str]] = {
    Risk.SAFE: ("nothing that works", "nothing, until what was broken works again"),
    Risk.BLINKS: (
        "traffic by way of what is changed, for about a second",
        "a few lost packets; connections survive",
    ),
    Risk.DISRUPTIVE: (
        "whatever depends on what is changed, for seconds to minutes",
        "an outage: connections break, and a guest that is restarted loses its memory",
    ),
    Risk.DESTROYS: (
        "whatever still uses what is deleted, for good",
        "a permanent loss if it was in use after all",
    ),
}
"""What blinks, and what a tenant sees, by risk."""

ASKS = (Risk.DISRUPTIVE, Risk.DESTROYS)
"""Risks that are refused unless they were allowed by name."""


def plan_of(
    verdict: Verdict,
    *,
    allow: Collection[Risk] = (),
    unreachable: Mapping[str, str],
    admin: bool = False,
) -> Plan:
    """The plan that mends this.

    Args:
        verdict: what `why` found.
        allow: risks beyond ``blinks`` that the operator consented to.
        unreachable: hosts that no command can be brought to, and why.
        admin: whether there is a shell with OpenStack admin credentials to run commands in; only
            the lab has one.
    """
    if verdict.verdict.state is State.HEALTHY:
        return Plan()
    # In the lab guests and Northbound are fair game.
    lab, neutron = (verdict.target.owner == owner for owner in ("lab", "neutron"))
    guest = "" if lab else verdict.target.server or verdict.target.port
    planned = []
    for cause in verdict.causes:
        for step in cause.remedy.steps:
            handling, reason = Handling.RUN, ""
            told = ""
            if step.where == ADMIN_SHELL and not admin:
                told = "it is OpenStack's to change: run it with admin credentials"
            told = told or _told(step, guest=guest, neutron=neutron, unreachable=unreachable)
            if told:
                handling, reason = Handling.TOLD, told
            elif step.risk in ASKS and step.risk not in allow:
                handling = Handling.REFUSED
                reason = f"it is {_RISKY[step.risk]}: add --allow {step.risk.value} to consent"
            blinks, tenant = EFFECTS[step.risk]
            planned.append(
                Planned(
                    cause=cause.id,
                    step=step,
                    handling=handling,
                    reason=reason,
                    blinks=step.blinks or blinks,
                    tenant=step.tenant or tenant,
                )
            )
    notes = dict.fromkeys(cause.remedy.note for cause in verdict.causes if cause.remedy.note)
    return Plan(steps=tuple(planned), notes=tuple(notes))


_RISKY = {Risk.DISRUPTIVE: "disruptive", Risk.DESTROYS: "a step that destroys"}


def _told(step: Step, *, guest: str, neutron: bool, unreachable: Mapping[str, str]) -> str:
    """Why the operator has to run it; empty when viftrail may."""
    if guest and step.where == guest:
        return "it belongs into the guest"
    if step.undo == NOTHING_CHANGED:
        return "it only looks: what it shows is for you to judge"
    if neutron and shell.writes_northbound(step.command):
        return (
            "Neutron owns Northbound's rows and would overwrite it: mend it in Neutron, or with "
            "neutron-ovn-db-sync-util"
        )
    objection = shell.objection(step.command)
    if objection:
        return f"{objection}: read it, and run it by hand"
    return unreachable.get(step.where, "")
