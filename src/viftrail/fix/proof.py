"""What shows that traffic really flows, beside a chain that looks right."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec

from viftrail.facts.ways.carrier import Carrier
from viftrail.fix.runner import GLANCE, run
from viftrail.verdict import Evidence, Target

WINDOW = 3.0
"""Seconds between two looks at the counters."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """``ok`` is None when nothing could be proved either way."""

    ok: bool | None
    summary: str
    evidence: tuple[Evidence, ...] = ()


def by_counters(
    target: Target, carrier: Carrier | None, wait: Callable[[float], None] = time.sleep
) -> Proof:
    """Count the port's packets twice: the guest's own traffic, as nothing is sent for it.

    ``rx_packets`` is what the guest sent, ``tx_packets`` what reached it
    (ovs-vswitchd.conf.db(5), Interface, statistics).
    """
    question = (
        f"ovs-vsctl --bare --columns=statistics find Interface external_ids:iface-id={target.port}"
    )
    if carrier is None or not re.fullmatch(r"[\w.-]+", target.port):
        return Proof(ok=None, summary=f"no packet was seen: {target.host} was not looked at")
    first = _count(question, target.host, carrier)
    wait(WINDOW)
    second = _count(question, target.host, carrier)
    if not first or not second:
        return Proof(ok=None, summary="no packet was seen: the port's counters cannot be read")
    sent, got = (second[key] - first[key] for key in ("rx_packets", "tx_packets"))
    evidence = Evidence(
        where=target.host,
        what=f"Interface.statistics over {WINDOW:g} s",
        seen=f"the guest sent {sent} packets and got {got}",
        expected="both more than 0",
        command=question,
    )
    if sent > 0 and got > 0:
        return Proof(
            ok=True,
            summary="packets pass br-int both ways; that they reach their destination is not proved",
            evidence=(evidence,),
        )
    return Proof(
        ok=None,
        summary="the guest was silent or unanswered meanwhile, which proves nothing: "
        "send from the guest and count again",
        evidence=(evidence,),
    )


def _count(question: str, host: str, carrier: Carrier) -> dict[str, int]:
    ran = run(question, host, carrier, GLANCE)
    pairs = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", ran.output)}
    return pairs if ran.ok and {"rx_packets", "tx_packets"} <= pairs.keys() else {}
