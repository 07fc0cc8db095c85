"""Verdicts to print: recorded ones, and one whose every word is hostile."""

from __future__ import annotations

from viftrail.verdict import (
    Cause,
    Certainty,
    Conclusion,
    Evidence,
    Finding,
    Remedy,
    Risk,
    RuledOut,
    Stage,
    State,
    Step,
    Target,
    Undecided,
    Unknown,
    Verdict,
)

EVIL = "<script>alert('1')</script>|\"&` \n# x"


def hostile(evil: str = EVIL) -> Verdict:
    """As a tenant could name a server, or a host its devices."""
    evidence = (Evidence(where=evil, what=evil, seen=evil, expected=evil, command=evil),)
    step = Step(command=evil, where=evil, risk=Risk.SAFE, undo=evil, verify=evil, lacks=evil)
    remedy = Remedy(steps=(step,), note=evil)
    cause = Cause(
        id="vif-tap-down",
        stage="S8",
        state=State.BROKEN,
        title="title",
        summary=evil,
        confidence=Certainty.PROVEN,
        subject=evil,
        evidence=evidence,
        remedy=remedy,
    )
    return Verdict(
        tool="viftrail",
        target=Target(
            asked=evil,
            port=evil,
            server=evil,
            host=evil,
            mac=evil,
            addresses=(evil,),
            network=evil,
            floating_ips=(evil,),
        ),
        verdict=Conclusion(
            state=State.BROKEN, stage="S8", cause="vif-tap-down", confidence="proven", summary=evil
        ),
        causes=(cause,),
        stages=tuple(
            Finding(
                id=stage.value,
                name=stage.title,
                state=State.BROKEN if stage is Stage.VIF else State.OK,
                summary=evil,
                evidence=evidence,
            )
            for stage in Stage
        ),
        ruled_out=(RuledOut(guess=evil, because=evil, evidence=evidence),),
        undecided=(Undecided(guess=evil, why=evil, observation=evil, where=evil, command=evil),),
        unknown=(Unknown(place=evil, why=evil, how=evil),),
        remedy=remedy,
        time=evil,
    )
