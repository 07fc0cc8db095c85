"""Sending by carriers that answer, fail, or hang."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from viftrail.facts.facts import Gap
from viftrail.facts.sounding import Ending, Soundings
from viftrail.facts.ways.carrier import Carrier
from viftrail.probing import send as sending
from viftrail.probing.plan import Asking, Calling, Knocking, Sending, Trace
from viftrail.probing.send import missed, send

PLAN = Sending(
    traces=(Trace("dhcp", "compute1", ("ovs-appctl", "ofproto/trace", "br-int", "in_port=4")),),
    calls=(Calling("compute1", "tap", "br-int", 4, "00"),),
    knocks=(Knocking("compute1", "network1", "192.0.2.1", "192.0.2.2", "br-int", 2, 0),),
    asks=(Asking("next hop", "network1", "br-ex", "203.0.113.1"),),
)
COUNT = "port 4: rx pkts=6, bytes=1\n tx pkts=7, bytes=1"
DROP = " 0. in_port=4\n 9. reg0=0x8000,metadata=0x1, priority 50\n    drop\nDatapath actions: drop"


@dataclass
class Saying:
    """A carrier whose host says this to each program."""

    answers: dict[str, str]

    def command(self, program: Sequence[str]) -> list[str]:
        return ["printf", "%s", self.answers.get(program[0], "")]


class Hanging:
    def command(self, program: Sequence[str]) -> list[str]:
        return ["sleep", "60", *program[:0]]


def run(carrier: Carrier | Gap) -> Soundings:
    return send(PLAN, way=lambda _: carrier, name=lambda e: f"stage{e.table}", wait=lambda _: None)


def test_what_is_answered_is_read() -> None:
    answers = {
        "ovs-appctl": DROP,
        "ovs-ofctl": COUNT,
        "python3": '{"sent": 8}',
        "arping": "Received 1 response(s)",
    }
    found = run(Saying(answers))
    assert found.traces[0].ending == Ending(
        answered=False, table=9, flow="reg0=0x8000,metadata=0x1, priority 50"
    )
    assert found.traces[0].stage == "stage9"
    assert (found.calls[0].delivered, found.calls[0].answered) == (0, 0)
    assert (found.knocks[0].sent, found.knocks[0].arrived) == (8, 0)
    assert found.arpings[0].answered
    assert missed(PLAN, found) == ()


@pytest.mark.parametrize("carrier", [Saying({}), Gap("host", "no way.", "find one")])
def test_what_fails_is_left_out_and_told(carrier: Carrier | Gap) -> None:
    found = run(carrier)
    assert found == Soundings()
    assert len(missed(PLAN, found)) == 4
    assert all(gap.why.endswith(".") and gap.how for gap in missed(PLAN, found))


def test_what_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALL", 0.5)
    began = time.monotonic()
    assert run(Hanging()) == Soundings()
    assert time.monotonic() - began < 4
