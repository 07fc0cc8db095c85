"""Walk the chain, accuse, rank, and rule out: facts in, verdict out.

Pure functions: nothing here reads a clock, a file or a socket, so every
verdict can be made again from a bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import msgspec

from viftrail import __version__
from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.stages import examine
from viftrail.chain.subject import Subject
from viftrail.chain.trail import Role, Trail, trail_of, trail_of_server
from viftrail.errors import UnknownTarget
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.catalogue import fault as fault_called
from viftrail.faults.container import as_contained
from viftrail.faults.fault import Case, Fault
from viftrail.faults.guess import weigh
from viftrail.faults.hypothesis import Scene
from viftrail.faults.step import neutron_owns
from viftrail.verdict import (
    Cause,
    Certainty,
    Conclusion,
    Evidence,
    Finding,
    Remedy,
    RuledOut,
    Stage,
    State,
    Target,
    Undecided,
    Unknown,
    Verdict,
)

_CERTAINTY = tuple(Certainty)
_BAD = (State.BROKEN, State.DEGRADED)
PLUGGING = frozenset(stage for stage in Stage if 4 <= stage.number <= 8)
"""Where a port has to pass before Neutron reports it as plugged."""


def diagnose(
    facts: Facts,
    port_id: str,
    asked: str,
    *,
    also: tuple[str, ...] = (),
    time: str = "",
    suspicions: bool = False,
) -> Verdict:
    """The verdict on one port.

    Args:
        facts: everything, or the slice that `viftrail.facts.slice` fetched.
        port_id: the port's id, as Logical_Switch_Port.name has it.
        asked: what the operator typed.
        also: further hosts that the port shall reach, for a pair of targets.
        time: when the facts were taken, for the report.
        suspicions: also report, for want of anything better, what is merely possible. Only
            who can look again should ask for that.

    Raises:
        UnknownTarget: neither the owner nor Northbound knows the port.
    """
    cloud = Cloud(facts)
    port = cloud.ports.get(port_id) or _ghost(cloud, port_id)
    return _judge(cloud, trail_of(cloud, port, asked, also), time, suspicions=suspicions)


def diagnose_server(
    facts: Facts, server_id: str, asked: str, *, time: str = "", suspicions: bool = False
) -> Verdict:
    """The verdict on a server that has no port: it was not scheduled, or its build failed.

    Raises:
        UnknownTarget: Nova did not say anything of it.
    """
    cloud = Cloud(facts)
    server = next((row for row in facts.openstack.servers or () if row.id == server_id), None)
    if server is None:
        raise UnknownTarget(f"No server {server_id} is known.", "Give a server's name or id.")
    return _judge(cloud, trail_of_server(cloud, server, asked), time, suspicions=suspicions)


def _judge(cloud: Cloud, trail: Trail, time: str, *, suspicions: bool) -> Verdict:
    facts = cloud.facts
    causes = tuple(_causes(cloud, trail, suspicions=suspicions))
    stages = tuple(_stages(examine(cloud, trail), causes, trail))
    by_stage = {Stage(finding.id): finding for finding in stages}
    verdict = _conclusion(trail, causes, stages, facts.gaps)
    weighed = tuple(weigh(Scene(cloud, trail, by_stage, causes)))
    return Verdict(
        tool=f"viftrail {__version__}",
        target=_target(cloud, trail),
        verdict=verdict,
        causes=causes,
        stages=stages,
        ruled_out=tuple(found for found in weighed if isinstance(found, RuledOut)),
        undecided=tuple(
            found
            for found in weighed
            if isinstance(found, Undecided) and verdict.state is not State.HEALTHY
        ),
        unknown=tuple(Unknown(place=g.place, why=g.why, how=g.how) for g in facts.gaps),
        remedy=causes[0].remedy if causes else Remedy(),
        remarks=tuple(_remarks(cloud, trail)),
        time=time,
    )


def _remarks(cloud: Cloud, trail: Trail) -> Iterator[str]:
    """What is not as it was meant with its own floating IPs, and harms nobody as yet."""
    own = {subject.floating_ip(address) for address in trail.floating_ips}
    for fault in CATALOGUE if own else ():
        if fault.stage is Stage.FLOATING_IP and fault.spares_others and not fault.intended:
            for case in fault.find(cloud):
                if case.subject in own and not case.victims:
                    words = case.summary[:1].upper() + case.summary[1:]
                    yield f"{words}: `viftrail audit --only {fault.id}` has the mend."


def _ghost(cloud: Cloud, port_id: str) -> Port:
    """A port that only its owner, a host or Southbound knows."""
    owned = cloud.owner.port(port_id)
    if owned or port_id in cloud.plugs or cloud.binding(port_id):
        return Port(port_id, cloud.nb[LogicalSwitchPort].one("name", port_id), owned)
    raise UnknownTarget(
        f"No port {port_id} is known.", "Give a VM name, a port id, a MAC or an IP address."
    )


@dataclass(frozen=True)
class Accusation:
    """A case of a fault, and what it does."""

    fault: Fault
    case: Case
    state: State
    evidence: tuple[Evidence, ...]
    victim: bool
    """The target, or in an audit somebody, is among the case's own victims."""
    traced: bool = False
    """Such a victim's own rows show what it did to it."""


def accuse(
    cloud: Cloud,
    subjects: dict[Subject, Role] | None = None,
    faults: Iterable[Fault] = CATALOGUE,
) -> Iterator[Accusation]:
    """Every case of these faults; with ``subjects`` only those that touch them."""
    for fault in faults:
        for case in (as_contained(cloud, found) for found in fault.find(cloud)):
            if subjects is None:
                state = State.BROKEN if case.victims is None or case.victims else State.DEGRADED
                traces = _evidence(case, case.traces)
                victims = case.victims or frozenset()
                traced = _traced(case, victims)
                yield Accusation(fault, case, state, traces, bool(victims), traced)
            elif case.subject in subjects:
                if subjects[case.subject] is Role.CARRIER and fault.stage not in PLUGGING:
                    continue
                victims = case.victims & subjects.keys() if case.victims else frozenset()
                if (fault.spares_others or case.spares_others) and not victims:
                    continue
                state, evidence = _effect(fault, case, subjects), _evidence(case, subjects)
                traced = _traced(case, victims)
                if subjects[case.subject] is Role.AWAITED and not victims:
                    # What is so now is proven; that it was so when the build died is not.
                    least = max(case.certainty, Certainty.LIKELY, key=_CERTAINTY.index)
                    case = replace(case, certainty=least)
                yield Accusation(fault, case, state, evidence, bool(victims), traced)


def _evidence(case: Case, subjects: Iterable[Subject]) -> tuple[Evidence, ...]:
    """The case's own, and what it did to the first of these."""
    victim = next((subject for subject in subjects if subject in case.traces), None)
    return (*case.evidence, *case.traces[victim]) if victim else case.evidence


def _traced(case: Case, victims: Iterable[Subject]) -> bool:
    """It left something to be seen at one of these."""
    return any(case.traces.get(victim) for victim in victims)


def _effect(fault: Fault, case: Case, subjects: dict[Subject, Role]) -> State:
    """Broken when the target is a victim; degraded when it merely cannot be changed any more."""
    if subjects[case.subject] is Role.AWAITED and fault.stage in PLUGGING:
        return State.BROKEN
    if case.victims is not None and not case.victims & subjects.keys():
        return State.DEGRADED
    if fault.on_path_freezes and subjects[case.subject] is Role.PATH:
        return State.DEGRADED
    return State.BROKEN


def cause_of(accusation: Accusation) -> Cause:
    """The accusation in the words of a verdict."""
    fault, case = accusation.fault, accusation.case
    return Cause(
        id=fault.id,
        stage=fault.stage.value,
        state=accusation.state,
        title=fault.title,
        summary=case.summary,
        # What a victim's own row shows is no inference any more; that it is a victim is one.
        confidence=Certainty.PROVEN if accusation.traced else case.certainty,
        subject=str(case.subject),
        evidence=accusation.evidence,
        remedy=Remedy(steps=case.steps, note=case.note),
    )


def _causes(cloud: Cloud, trail: Trail, *, suspicions: bool) -> list[Cause]:
    faults = (each for each in CATALOGUE if trail.tunnelled or each.stage is not Stage.TUNNEL)
    found = [cause_of(accusation) for accusation in accuse(cloud, trail.subjects, faults)]
    if trail.paired:
        found = [_for_a_peer(cause) for cause in found]
    found = [cause for cause in found if not _explained(cause, found)]
    certain = [cause for cause in found if cause.confidence is not Certainty.POSSIBLE]
    found = certain if certain or not suspicions else found
    return sorted(
        found, key=lambda cause: (Stage(cause.stage).number, _CERTAINTY.index(cause.confidence))
    )


def _for_a_peer(cause: Cause) -> Cause:
    """The cause as it is for who is to reach the target, and not only to be reached by it."""
    if not fault_called(cause.id).one_way:
        return cause
    return msgspec.structs.replace(cause, state=State.BROKEN)


def _explained(cause: Cause, causes: Iterable[Cause]) -> bool:
    """Another one says why it came to this."""
    stages = {stage.value for stage in fault_called(cause.id).yields_to}
    return any(
        other.stage in stages and other.id != cause.id and other.state is State.BROKEN
        for other in causes
    )


def _stages(
    findings: Iterable[Finding], causes: tuple[Cause, ...], trail: Trail
) -> Iterator[Finding]:
    """Findings with the causes put in; what follows from another stage says so."""
    first = ""
    explained = {
        stage.value: cause.stage for cause in causes for stage in fault_called(cause.id).shows_at
    }
    if Role.AWAITED in trail.subjects.values():
        plugging = {stage.value for stage in PLUGGING}
        for cause in causes:
            if cause.stage in plugging and cause.state is State.BROKEN:
                explained.setdefault(Stage.BUILD.value, cause.stage)
    for finding in findings:
        here = [cause for cause in causes if cause.stage == finding.id]
        if here:
            state = State.BROKEN if any(c.state is State.BROKEN for c in here) else State.DEGRADED
            evidence = dict.fromkeys(
                [*(e for cause in here for e in cause.evidence), *finding.evidence]
            )
            finding = msgspec.structs.replace(
                finding, state=state, summary=here[0].summary, evidence=tuple(evidence)
            )
        elif finding.state is State.BROKEN and (source := first or explained.get(finding.id)):
            finding = msgspec.structs.replace(
                finding,
                state=State.CONSEQUENCE,
                summary=f"follows from {source}: {finding.summary}",
            )
        if finding.state in _BAD and not first:
            first = finding.id
        yield finding


def _conclusion(
    trail: Trail, causes: tuple[Cause, ...], stages: tuple[Finding, ...], gaps: tuple[Gap, ...]
) -> Conclusion:
    bad = [finding for finding in stages if finding.state in _BAD]
    if bad:
        first = bad[0]
        cause = next((cause for cause in causes if cause.stage == first.id), None)
        broken = any(finding.state is State.BROKEN for finding in bad)
        return Conclusion(
            state=State.BROKEN if broken else State.DEGRADED,
            stage=first.id,
            cause=cause.id if cause else "",
            confidence=cause.confidence.value if cause else Certainty.POSSIBLE.value,
            summary=cause.summary
            if cause
            else f"{first.summary}; no fault of the catalogue explains it",
        )
    # Of OVN every stage is asked for; of OpenStack only where it is all that there is.
    start = 4 if trail.port.id else 1
    blind = [f for f in stages if f.state is State.UNKNOWN and Stage(f.id).number >= start]
    lost = [gap for gap in gaps if gap.place in (NORTHBOUND, SOUTHBOUND)]
    if blind or lost:
        unseen = [
            part
            for finding in blind
            for part in (finding.summary or f"{finding.name} was not examined").split("; ")
        ]
        unseen += [
            f"{gap.place} was not read in full"
            for gap in lost
            if f"{gap.place} was not read" not in unseen
        ]
        return Conclusion(
            state=State.UNKNOWN,
            stage=blind[0].id if blind else "",
            summary="nothing is wrong in what could be looked at, but "
            + "; ".join(dict.fromkeys(unseen)),
        )
    if not trail.port.id:
        return Conclusion(
            state=State.HEALTHY,
            summary=f"{trail.port.label} runs and has no port, so that it has no network to reach",
        )
    return Conclusion(
        state=State.HEALTHY,
        summary=f"every link of the chain of {trail.port.label} holds, from Northbound to "
        + _far_end(trail),
    )


def _far_end(trail: Trail) -> str:
    if trail.floating_ips:
        return "its floating IP"
    return "its provider network" if trail.direct and not trail.routers else "its router"


def _target(cloud: Cloud, trail: Trail) -> Target:
    port = trail.port
    return Target(
        asked=trail.asked,
        port=port.id,
        server=port.server,
        server_id=trail.server.id if trail.server else port.owned.server_id if port.owned else "",
        host=trail.host,
        mac=port.mac,
        addresses=port.addresses,
        network=(port.owned.network if port.owned else "")
        or (trail.switch.external_ids.get("neutron:network_name", "") if trail.switch else ""),
        floating_ips=trail.floating_ips,
        owner="neutron" if neutron_owns(cloud) else cloud.owner.kind,
    )
