"""What was sent decides: it proves, it clears, and silence is no proof."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import TIME, accused, healthy, on_host, stage, vm
from tests.recordings import facts_of
from viftrail.diagnose import diagnose
from viftrail.facts.facts import Facts
from viftrail.facts.host import FirewallRule
from viftrail.facts.sounding import Arping, Call, Ending, Knock, Soundings, Traced
from viftrail.verdict import Certainty, State, Verdict

DROPS = FirewallRule(
    family="inet", table="filter", chain="output", handle=7, udp_port=6081, drops=True
)


def knock(sender: str, receiver: str, arrived: int = 8, **fields: object) -> Knock:
    known: dict[str, object] = {"size": 100, "big": False, "sent": 8, "command": "count"}
    given = {**known, **fields, "sender": sender, "receiver": receiver, "arrived": arrived}
    return msgspec.convert(given, Knock)


OUT, BACK = ("compute1", "network1"), ("network1", "compute1")


def judge(facts: Facts, **soundings: tuple[object, ...]) -> Verdict:
    found = Soundings(**soundings)  # type: ignore[arg-type]
    return diagnose(replace(facts, soundings=found), vm(facts), "vm1", time=TIME, suspicions=True)


def summary(verdict: Verdict, number: str) -> str:
    return next(f.summary for f in verdict.stages if f.id == number)


def test_packets_that_vanish_prove_it_where_nobody_sends() -> None:
    """Neither counters nor a rule say anything: a switch between the hosts drops it."""
    verdict = judge(healthy(), knocks=(knock(*OUT, 0), knock(*BACK)))
    (cause,) = verdict.causes
    assert (cause.id, cause.confidence) == ("tunnel-udp-blocked", Certainty.PROVEN)
    assert "compute1 and network1" in cause.summary
    assert any("sent 8" in e.seen and "received 0" in e.seen for e in cause.evidence)


def test_packets_that_arrive_clear_a_rule_that_only_looks_guilty() -> None:
    facts = on_host(healthy(), "compute1", firewall=(DROPS,))
    assert accused(judge(facts)) == {"tunnel-udp-blocked"}
    cleared = judge(facts, knocks=(knock(*OUT), knock(*BACK)))
    assert (accused(cleared), cleared.verdict.state) == (set(), State.HEALTHY)


def test_one_way_alone_clears_nothing() -> None:
    facts = on_host(healthy(), "compute1", firewall=(DROPS,))
    assert accused(judge(facts, knocks=(knock(*BACK),))) == {"tunnel-udp-blocked"}


def test_to_a_wrong_address_a_lost_packet_accuses_no_firewall() -> None:
    verdict = judge(facts_of("tunnel-wrong-encap-ip"), knocks=(knock(*OUT, 0),))
    assert accused(verdict) == {"tunnel-wrong-encap-ip"}


def test_only_big_ones_vanish() -> None:
    """The hosts' own devices are large enough: it is somewhere between them."""
    both = (knock(*OUT), knock(*BACK), knock(*BACK, size=1500, big=True))
    verdict = judge(healthy(), knocks=(*both, knock(*OUT, 0, size=1500, big=True)))
    assert (accused(verdict), stage(verdict, "S10")) == (set(), "broken")
    assert "1500 bytes from compute1" in verdict.verdict.summary


def test_a_few_that_are_missing_decide_nothing() -> None:
    verdict = judge(healthy(), knocks=(knock(*OUT, 2), knock(*BACK)))
    assert (accused(verdict), verdict.verdict.state) == (set(), State.HEALTHY)


def call(answered: int, delivered: int = 3) -> Call:
    return Call(
        host="compute1", device="tap", delivered=delivered, answered=answered, command="count"
    )


def test_a_silent_guest_is_no_health_and_no_fault() -> None:
    verdict = judge(healthy(), calls=(call(0),))
    assert (accused(verdict), verdict.verdict.state) == (set(), State.UNKNOWN)
    assert "the guest is silent" in verdict.verdict.summary


def test_a_talking_guest_enters_br_int() -> None:
    verdict = judge(healthy(), calls=(call(2),))
    assert verdict.verdict.state is State.HEALTHY
    assert "enters br-int" in summary(verdict, "S9")


def test_what_never_went_out_says_nothing() -> None:
    assert judge(healthy(), calls=(call(0, delivered=0),)).verdict.state is State.HEALTHY


@pytest.mark.parametrize(("what", "number"), [("dhcp", "S9"), ("arp", "S11")])
def test_a_trace_names_the_stage_where_it_ends(what: str, number: str) -> None:
    ending = Ending(answered=False, table=9)
    traced = Traced(
        what=what, host="compute1", command="trace", ending=ending, stage="ls_in_apply_port_sec"
    )
    verdict = judge(healthy(), traces=(traced,))
    assert (verdict.verdict.state, verdict.verdict.stage) == (State.BROKEN, number)
    assert "ls_in_apply_port_sec (table 9)" in verdict.verdict.summary
    flooded = msgspec.structs.replace(traced, ending=Ending(answered=False, dropped=False))
    assert "br-int itself gives no answer" in judge(healthy(), traces=(flooded,)).verdict.summary


def test_a_drop_by_hand_is_shown_as_the_trace_has_it() -> None:
    flow = "priority 65535, cookie 0x0"
    ending = Ending(answered=False, table=0, flow=flow)
    traced = Traced(what="dhcp", host="compute1", command="trace", ending=ending)
    verdict = judge(healthy(), traces=(traced,))
    finding = next(f for f in verdict.stages if f.id == "S9")
    assert any(flow in item.seen for item in finding.evidence)


def test_a_trace_that_ends_where_acls_decide_leads_to_the_acls() -> None:
    """Rules that allow are no proof that none drops: an ACL of the switch may stand above them."""
    ending = Ending(answered=False, table=16)
    traced = Traced(
        what="dhcp", host="compute1", command="trace", ending=ending, stage="ls_in_acl_eval"
    )
    verdict = judge(healthy(), traces=(traced,))
    guess = "a security group drops what it sends"
    assert guess not in {found.guess for found in verdict.ruled_out}
    (found,) = (found for found in verdict.undecided if found.guess == guess)
    assert "ovn-nbctl acl-list neutron-" in found.command
    assert "--type=port-group acl-list pg_" in found.command
    finding = next(f for f in verdict.stages if f.id == "S9")
    assert found.command in {item.command for item in finding.evidence}


@pytest.mark.parametrize(("stage", "cleared"), [("", False), ("ls_in_l2_lkup", True)])
def test_an_end_in_a_table_without_a_name_clears_no_acl(stage: str, cleared: bool) -> None:
    ending = Ending(answered=False, table=16)
    traced = Traced(what="dhcp", host="compute1", command="trace", ending=ending, stage=stage)
    guesses = {found.guess for found in judge(healthy(), traces=(traced,)).ruled_out}
    assert ("a security group drops what it sends" in guesses) is cleared


@pytest.mark.parametrize(("what", "number"), [("next hop", "S12"), ("floating IP", "S13")])
def test_silence_on_the_provider_network(what: str, number: str) -> None:
    asked = Arping(
        what=what, host="network1", address="203.0.113.1", answered=False, command="arping"
    )
    verdict = judge(healthy(), arpings=(asked,))
    assert (verdict.verdict.stage, verdict.verdict.confidence) == (number, "possible")
    answered = msgspec.structs.replace(asked, answered=True)
    verdict = judge(healthy(), arpings=(answered,))
    assert verdict.verdict.state is State.HEALTHY
    told = f"ARP for the {what} 203.0.113.1 is answered"
    assert told in summary(verdict, number), "no more than that: the VM itself was not asked"
