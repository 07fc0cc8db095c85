"""One question, one answer: from a source and a target to a verdict.

This is where the pure parts meet the outside: it follows the trail, and looks
a second time before it accuses anybody of something that may still be settling.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

import msgspec

from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import trail_of
from viftrail.diagnose import diagnose, diagnose_server
from viftrail.errors import UsageError
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.live import LiveSource
from viftrail.facts.log.moment import Window
from viftrail.facts.log.seek import SLACK
from viftrail.facts.names import names_of
from viftrail.facts.slice import RECENTLY, follow_found
from viftrail.facts.sounding import Soundings
from viftrail.facts.source import Source
from viftrail.facts.target import Found, resolve, split_pair
from viftrail.facts.ways.carrier import LONG_WINDOW, SHORT_WINDOW
from viftrail.history.timeline import missing, timeline
from viftrail.probing.plan import Sending, sending_for
from viftrail.probing.send import missed, send
from viftrail.verdict import Certainty, OtherEnd, Stage, State, Unknown, Verdict

LOOKS = 3


UNSENT = "As far as rows and daemons tell: no packet was sent. `--probe` sends a few."
_NONE_COULD = "As far as rows and daemons tell: no packet could be sent."

Announce = Callable[[Sending], None]
"""Told what will be sent, before it is."""


def probe(
    source: LiveSource,
    asked: str,
    announce: Announce,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Verdict:
    """The same, and then packets are sent to decide what rows cannot.

    Raises:
        ViftrailError: as `why`.
    """
    before, facts = _answer(source, asked, wait)
    cloud = Cloud(facts)
    port = cloud.ports.get(before.target.port)
    if port is None:
        return before
    # The hosts of a pair's ends are to reach each other; a single target has no such wish.
    other = before.other.target if before.other else None
    hosts = (before.target.host, other.host) if other else ()
    also = tuple(name for name in hosts if name)
    planned = sending_for(cloud, trail_of(cloud, port, asked, also))
    announce(planned)
    found = send(planned, way=source.way, name=source.stage_name, wait=wait)
    sounded = replace(facts, soundings=found, gaps=(*facts.gaps, *missed(planned, found)))
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    verdict = diagnose(sounded, port.id, asked, also=also, time=now, suspicions=True)
    # What was sent is of this end; of the other one rows tell.
    others = [diagnose(facts, other.port, asked, also=also)] if other and other.port else []
    verdict = _of_both([verdict, *others])
    return verdict if found != Soundings() else qualified(verdict, _NONE_COULD)


def why(
    source: Source,
    asked: str,
    *,
    wait: Callable[[float], None] = time.sleep,
    story: bool = False,
) -> Verdict:
    """The verdict on what the operator asked about.

    What is broken for no proven reason is looked at again, for longer: a port
    made just now is settling, and counters want a fair window. Evidence that
    was recorded cannot change any more and is looked at once.

    Args:
        source: where facts come from.
        asked: a target, or a pair ``A:B``.
        wait: how to pass time between two looks.
        story: also tell what happened to the target, as the verdict's time line.

    Raises:
        UnknownTarget: nothing is called that.
        UsageError: both ends of a pair are the same.
        AmbiguousTarget: several things are.
        ViftrailError: nothing could be read at all.
    """
    verdict, facts = _answer(source, asked, wait, story=story)
    if isinstance(source, LiveSource):
        verdict = qualified(verdict, UNSENT)
    return _with_story(source, facts, verdict) if story else verdict


def _answer(
    source: Source, asked: str, wait: Callable[[float], None], *, story: bool = False
) -> tuple[Verdict, Facts]:
    """The verdict of as many looks as it takes, and the facts that it is of."""
    verdict, facts = _look(source, asked, SHORT_WINDOW)
    began = time.monotonic()
    for _ in range(LOOKS - 1):
        if source.taken or _is_history(verdict) or not _may_settle(verdict):
            break
        # Where no host could be watched for that time, let it pass all the same.
        wait(max(0.0, began + SHORT_WINDOW - time.monotonic()))
        began = time.monotonic() + LONG_WINDOW - SHORT_WINDOW
        verdict, facts = _look(source, asked, LONG_WINDOW)
    if isinstance(source, LiveSource) and (story or _only_logs_tell(verdict)):
        verdict, facts = _with_logs(source, facts, verdict)
    return verdict, facts


def qualified(verdict: Verdict, caveat: str) -> Verdict:
    """A healthy verdict with how far it goes: rows do not show every flow that eats packets."""
    conclusion = verdict.verdict
    if conclusion.state is not State.HEALTHY or not verdict.target.port:
        return verdict
    conclusion = msgspec.structs.replace(conclusion, caveat=caveat)
    return msgspec.structs.replace(verdict, verdict=conclusion)


def _with_logs(source: LiveSource, facts: Facts, verdict: Verdict) -> tuple[Verdict, Facts]:
    """The verdict by what the logs of the hosts on its trail say as well, and those."""
    names = names_of(facts, [verdict.target.port], verdict.target.server_id)
    now = time.time()
    window = Window(now - RECENTLY, now + SLACK)
    logs, gaps = source.excerpts(facts.hosts, window, names.ids)
    facts = replace(facts, logs=logs, gaps=(*facts.gaps, *gaps))
    return _judged_again(facts, verdict), facts


def _only_logs_tell(verdict: Verdict) -> bool:
    """The rest of what there is to know of it: it is over, or nothing is wrong and yet it was asked."""
    # Of a pair both ends would have to be judged anew, and `why` of one end does that.
    alone = verdict.other is None
    return _is_history(verdict) or (alone and verdict.verdict.state is State.HEALTHY)


def _is_history(verdict: Verdict) -> bool:
    """What broke is an attempt of the past: that does not settle, and only logs tell of it."""
    stage = verdict.verdict.stage
    return bool(stage) and 0 < Stage(stage).number < Stage.NORTHBOUND.number


def _with_story(source: Source, facts: Facts, verdict: Verdict) -> Verdict:
    """The verdict with what happened to its target, and with what of that is not known."""
    target = verdict.target
    names = names_of(facts, [target.port], target.server_id)
    changes = source.changes(names.ids)
    return msgspec.structs.replace(
        verdict,
        timeline=timeline(facts, changes, names),
        unknown=(*verdict.unknown, *missing(facts, changes)),
    )


def _judged_again(facts: Facts, verdict: Verdict) -> Verdict:
    """The verdict by what logs say as well. Of a pair, which end is judged is settled by then."""
    target = verdict.target
    if len(split_pair(target.asked)) > 1:
        gaps = {gap.place: gap for gap in facts.gaps}
        unknown = (Unknown(place=gap.place, why=gap.why, how=gap.how) for gap in gaps.values())
        return msgspec.structs.replace(verdict, unknown=tuple(unknown))
    end = Found(target.port, server_id=target.server_id)
    return _judge(facts, end, target.asked, time=verdict.time, suspicions=True)


def _look(source: Source, asked: str, window: float) -> tuple[Verdict, Facts]:
    targets = split_pair(asked)
    source.about(targets)
    inquiry = Inquiry(source, window=window)
    ends = [resolve(inquiry, end) for end in targets]
    if len({(end.port_id, end.server_id) for end in ends}) < len(ends):
        raise UsageError(
            f"Both ends of {asked} are the same port.", "Name two, or one without a colon."
        )
    for end in ends:
        follow_found(inquiry, end)
    facts = inquiry.facts()
    now = source.taken or datetime.now(timezone.utc).isoformat(timespec="seconds")
    hosts = tuple(_judge(facts, end, asked).target.host for end in ends) if len(ends) > 1 else ()
    again = not source.taken  # a suspicion is for those who can look again
    verdicts = [_judge(facts, end, asked, also=hosts, time=now, suspicions=again) for end in ends]
    return _of_both(verdicts), facts


def _of_both(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a pair the end that is worse off, with what there is to say of the other one."""
    worst = min(verdicts, key=_gravity)
    better = next((each for each in verdicts if each is not worst), None)
    if better is None:
        return worst
    conclusion = worst.verdict
    if conclusion.state is better.verdict.state is State.HEALTHY:
        both = f"{conclusion.summary}; {better.verdict.summary}"
        conclusion = msgspec.structs.replace(conclusion, summary=both)
    other = OtherEnd(target=better.target, verdict=better.verdict)
    return msgspec.structs.replace(worst, verdict=conclusion, other=other)


def _judge(
    facts: Facts,
    end: Found,
    asked: str,
    *,
    also: tuple[str, ...] = (),
    time: str = "",
    suspicions: bool = False,
) -> Verdict:
    if end.port_id:
        return diagnose(facts, end.port_id, asked, also=also, time=time, suspicions=suspicions)
    return diagnose_server(facts, end.server_id, asked, time=time, suspicions=suspicions)


def _gravity(verdict: Verdict) -> tuple[int, int]:
    """Worst first: of a pair, the end that breaks earlier in the chain is the answer."""
    order = (State.BROKEN, State.DEGRADED, State.UNKNOWN, State.HEALTHY)
    stage = verdict.verdict.stage
    return order.index(verdict.verdict.state), Stage(stage).number if stage else 0


def _may_settle(verdict: Verdict) -> bool:
    """Not proven, or for no known reason: a port made just now looks like that."""
    conclusion = verdict.verdict
    return bool(conclusion.confidence) and conclusion.confidence != Certainty.PROVEN.value
