"""One question, one answer: from a source and a target to a verdict.

This is where the pure parts meet the outside: it follows the trail, and looks
a second time before it accuses anybody of something that may still be settling.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import msgspec

from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import trail_of
from viftrail.diagnose import diagnose, diagnose_server
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.live import LiveSource
from viftrail.facts.log.moment import Window
from viftrail.facts.log.seek import SLACK
from viftrail.facts.names import names_of
from viftrail.facts.slice import follow_found
from viftrail.facts.source import Source
from viftrail.facts.target import Found, resolve, split_pair
from viftrail.facts.ways.carrier import LONG_WINDOW, SHORT_WINDOW
from viftrail.history.timeline import missing, timeline
from viftrail.probing.plan import Sending, sending_for
from viftrail.probing.send import missed, send
from viftrail.verdict import Certainty, Stage, State, Unknown, Verdict

LOOKS = 3

LIVE_HINDSIGHT = 24 * 3600.0
"""Seconds that the logs of live hosts are asked about."""


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
    before = why(source, asked, wait=wait)
    facts, ends = _facts(source, asked, SHORT_WINDOW)
    cloud = Cloud(facts)
    # The hosts of a pair's ends are to reach each other; a single target has no such wish.
    hosts = [diagnose(facts, end, asked).target.host for end in ends] if len(ends) > 1 else []
    port = cloud.ports.get(before.target.port)
    if port is None:
        return before
    also = tuple(name for name in hosts if name)
    planned = sending_for(cloud, trail_of(cloud, port, asked, also))
    announce(planned)
    found = send(planned, way=source.way, name=source.stage_name, wait=wait)
    sounded = replace(facts, soundings=found, gaps=(*facts.gaps, *missed(planned, found)))
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return diagnose(sounded, port.id, asked, also=also, time=now, suspicions=True)


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
        AmbiguousTarget: several things are.
        ViftrailError: nothing could be read at all.
    """
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
    return _with_story(source, facts, verdict) if story else verdict


def _with_logs(source: LiveSource, facts: Facts, verdict: Verdict) -> tuple[Verdict, Facts]:
    """The verdict by what the logs of the hosts on its trail say as well, and those."""
    names = names_of(facts, [verdict.target.port], verdict.target.server_id)
    now = time.time()
    window = Window(now - LIVE_HINDSIGHT, now + SLACK)
    logs, gaps = source.excerpts(facts.hosts, window, names.ids)
    facts = replace(facts, logs=logs, gaps=(*facts.gaps, *gaps))
    return _judged_again(facts, verdict), facts


def _only_logs_tell(verdict: Verdict) -> bool:
    """The rest of what there is to know of it: it is over, or nothing is wrong and yet it was asked."""
    return _is_history(verdict) or verdict.verdict.state is State.HEALTHY


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
    for end in ends:
        follow_found(inquiry, end)
    facts = inquiry.facts()
    now = source.taken or datetime.now(timezone.utc).isoformat(timespec="seconds")
    hosts = tuple(_judge(facts, end, asked).target.host for end in ends) if len(ends) > 1 else ()
    again = not source.taken  # a suspicion is for those who can look again
    verdicts = [_judge(facts, end, asked, also=hosts, time=now, suspicions=again) for end in ends]
    return min(verdicts, key=_gravity), facts


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


def _facts(source: Source, asked: str, window: float) -> tuple[Facts, list[str]]:
    """What the trail of every end of the question runs over, and the ends' port ids."""
    inquiry = Inquiry(source, window=window)
    found = [resolve(inquiry, end) for end in split_pair(asked)]
    for end in found:
        follow_found(inquiry, end)
    return inquiry.facts(), [end.port_id for end in found if end.port_id]


def _gravity(verdict: Verdict) -> tuple[int, int]:
    """Worst first: of a pair, the end that breaks earlier in the chain is the answer."""
    order = (State.BROKEN, State.DEGRADED, State.UNKNOWN, State.HEALTHY)
    stage = verdict.verdict.stage
    return order.index(verdict.verdict.state), Stage(stage).number if stage else 0


def _may_settle(verdict: Verdict) -> bool:
    """Not proven, or for no known reason: a port made just now looks like that."""
    conclusion = verdict.verdict
    return bool(conclusion.confidence) and conclusion.confidence != Certainty.PROVEN.value
