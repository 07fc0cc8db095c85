"""`why` over real recordings: the right cause for the victim, and nobody else accused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from tests.cloud import accused
from tests.recordings import FAULTS, HARMFUL, HEALTHY, VICTIM, VMS, facts_of, port_of, source_of
from viftrail.errors import UnknownTarget, UsageError
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.stored import StoredSource
from viftrail.faults.fault import Fault
from viftrail.lab.provoke import all_provocations
from viftrail.verdict import Stage, State
from viftrail.why import LOOKS, UNSENT, qualified, why

each_fault = pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.id)


@each_fault
def test_the_fault_is_the_first_cause_of_its_victim(fault: Fault) -> None:
    verdict = why(source_of(fault.id), VICTIM)
    assert verdict.verdict.cause == fault.id
    assert verdict.verdict.stage == fault.stage.value
    assert verdict.verdict.state in (State.BROKEN, State.DEGRADED)
    assert verdict.causes[0].id == fault.id
    assert verdict.verdict.summary == verdict.causes[0].summary


@each_fault
def test_only_one_cause_is_named_for_one_fault(fault: Fault) -> None:
    assert accused(why(source_of(fault.id), VICTIM)) == {fault.id}


@each_fault
def test_every_piece_of_evidence_can_be_reproduced(fault: Fault) -> None:
    cause = why(source_of(fault.id), VICTIM).causes[0]
    assert cause.evidence
    for item in cause.evidence:
        assert item.where, item
        assert item.what, item
        assert item.seen, item
        assert item.expected, item
        assert item.command, item
    odd = [item for item in cause.evidence if item.seen != item.expected]
    assert odd, "no evidence shows anything unexpected"


@each_fault
def test_the_remedy_says_where_and_how_to_undo_and_verify(fault: Fault) -> None:
    remedy = why(source_of(fault.id), VICTIM).remedy
    assert remedy.steps
    for step in remedy.steps:
        assert step.where
        assert step.command
        assert step.undo
        assert step.verify


@each_fault
def test_what_follows_from_the_fault_is_no_second_fault(fault: Fault) -> None:
    stages = why(source_of(fault.id), VICTIM).stages
    numbers = [int(finding.id[1:]) for finding in stages]
    assert numbers == list(range(14))
    bad = [f for f in stages if f.state in (State.BROKEN, State.DEGRADED)]
    assert [finding.id for finding in bad] == [fault.stage.value]
    later = [f for f in stages if f.state is State.CONSEQUENCE]
    assert all(int(f.id[1:]) > fault.stage.number or Stage(f.id) in fault.shows_at for f in later)


@each_fault
@pytest.mark.parametrize("other", [vm for vm in VMS if vm != VICTIM])
def test_bystanders_are_healthy_or_suffer_from_the_same(fault: Fault, other: str) -> None:
    verdict = why(source_of(fault.id), other)
    assert verdict.verdict.state in (State.HEALTHY, State.DEGRADED, State.BROKEN)
    assert accused(verdict) == (set() if verdict.verdict.state is State.HEALTHY else {fault.id})


@pytest.mark.parametrize("server", VMS)
def test_what_harms_nobody_is_no_vms_fault(server: str) -> None:
    known = all_provocations()
    harmless = [f for f in FAULTS if f not in HARMFUL and not known[f.id].freezes]
    assert "vif-orphan" in {fault.id for fault in harmless}
    for fault in harmless:
        verdict = why(source_of(fault.id), server)
        assert (verdict.verdict.state, verdict.causes) == (State.HEALTHY, ())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("northd-paused", State.DEGRADED),
        ("controller-sb-unreachable", State.DEGRADED),
        ("controller-crashed", State.BROKEN),
        ("router-no-gateway-chassis", State.BROKEN),
        ("vif-tap-down", State.HEALTHY),
        ("dhcp-options-missing", State.HEALTHY),
    ],
)
def test_a_neighbour_that_still_works_is_not_called_broken(fault: str, expected: State) -> None:
    assert why(source_of(fault), "vm2").verdict.state is expected


def names_of(server: str) -> list[str]:
    facts = facts_of(HEALTHY)
    port = facts.owner.port(port_of(facts, server))
    assert port is not None
    fips = [fip.ip for fip in facts.owner.floating_ips if fip.port_id == port.id]
    return [
        *(port.server, port.server_id, port.id, port.mac, port.mac.upper()),
        *(port.mac.replace(":", "-"), "tap" + port.id[:11], *port.addresses, *fips),
    ]


@pytest.mark.parametrize("name", [name for vm in VMS for name in names_of(vm)])
def test_a_healthy_vm_is_healthy_by_whatever_name(name: str) -> None:
    verdict = why(source_of(HEALTHY), name)
    assert (verdict.verdict.state, verdict.causes, verdict.unknown) == (State.HEALTHY, (), ())
    assert verdict.target.asked == name
    assert verdict.target.port in {port.id for port in facts_of(HEALTHY).owner.ports}


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(VMS, 2)))
def test_a_healthy_pair_is_healthy(one: str, other: str) -> None:
    verdict = why(source_of(HEALTHY), f"{one}:{other}")
    assert verdict.verdict.state is State.HEALTHY
    assert verdict.target.asked == f"{one}:{other}"


@pytest.mark.parametrize("pair", ["vm1:vm2", "vm2:vm1"])
def test_of_a_pair_the_broken_end_is_the_answer(pair: str) -> None:
    verdict = why(source_of("vif-tap-down"), pair)
    assert (verdict.verdict.cause, verdict.target.server) == ("vif-tap-down", "vm1")


def test_a_pair_sees_the_tunnel_between_its_hosts() -> None:
    alone = why(source_of("tunnel-wrong-encap-ip"), "vm3")
    assert alone.verdict.state is State.HEALTHY
    pair = why(source_of("tunnel-wrong-encap-ip"), "vm3:vm2")
    assert pair.verdict.cause == "tunnel-wrong-encap-ip"


def test_an_unknown_name_is_no_verdict() -> None:
    with pytest.raises(UnknownTarget, match="nobody"):
        why(source_of(HEALTHY), "nobody")


def test_a_healthy_pair_names_both_ends() -> None:
    verdict = why(source_of(HEALTHY), "vm1:vm3")
    assert verdict.heading == "vm1 and vm3"
    assert "chain of vm1 holds" in verdict.verdict.summary
    assert "chain of vm3 holds" in verdict.verdict.summary
    assert verdict.asides == ()


def test_the_better_end_of_a_pair_is_named_with_what_it_lacks() -> None:
    verdict = why(source_of("northd-paused"), "vm2:vm1")
    assert verdict.other is not None
    assert {verdict.target.server, verdict.other.target.server} == {"vm1", "vm2"}
    (aside,) = verdict.asides
    assert f"Of the other end, {verdict.other.target.server}: " in aside


def test_who_lets_nobody_in_cannot_be_reached_by_a_peer() -> None:
    """Alone it may be meant: it sends and gets answers. Of a pair somebody wants it otherwise."""
    alone = why(source_of("sg-ingress-missing"), VICTIM).verdict
    assert (alone.cause, alone.state) == ("sg-ingress-missing", State.DEGRADED)
    for pair in ("vm1:vm3", "vm3:vm1"):
        found = why(source_of("sg-ingress-missing"), pair).verdict
        assert (found.cause, found.state, found.stage) == (alone.cause, State.BROKEN, "S9")


@pytest.mark.parametrize("pair", ["vm1:vm1", "vm1:10.0.0.11", "203.0.113.101:vm1"])
def test_a_port_is_no_pair_with_itself(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        why(source_of(HEALTHY), pair)
    assert pair in caught.value.what


def test_an_empty_end_of_a_pair_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        why(source_of(HEALTHY), "vm1:")


class Healing(StoredSource):
    """A live source that shows one recording for some looks, and another one after them."""

    def __init__(self, sick: Facts, well: Facts, looks: int) -> None:
        super().__init__(sick)
        self._well = well
        self._left = looks
        self.looks = 0

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...] | None]:
        if any(ask.row is NBGlobal for ask in asks):  # every look begins with it
            self.looks += 1
            if self.looks > self._left:
                self._facts = self._well
        return super().ask(asks)


def unexplained() -> Facts:
    """Broken for no known reason, as a port looks that is being bound right now."""
    facts = facts_of("controller-sb-unreachable")
    healthy = facts_of(HEALTHY)
    return Facts(nb=facts.nb, sb=facts.sb, hosts=healthy.hosts, owner=facts.owner)


def test_what_is_settling_is_looked_at_again_before_anybody_is_accused() -> None:
    source = Healing(unexplained(), facts_of(HEALTHY), looks=1)
    waited: list[float] = []
    verdict = why(source, VICTIM, wait=waited.append)
    assert verdict.verdict.state is State.HEALTHY
    assert source.looks == 2


def test_what_does_not_settle_is_reported_after_a_bounded_number_of_looks() -> None:
    source = Healing(unexplained(), facts_of(HEALTHY), looks=99)
    waited: list[float] = []
    verdict = why(source, VICTIM, wait=waited.append)
    assert verdict.verdict.state is State.BROKEN
    assert verdict.verdict.cause == ""
    assert source.looks == LOOKS
    assert sum(waited) > 0
    assert all(seconds >= 0 for seconds in waited)


def test_what_is_proven_is_not_waited_for() -> None:
    source = Healing(facts_of("vif-tap-down"), facts_of(HEALTHY), looks=1)
    waited: list[float] = []
    assert why(source, VICTIM, wait=waited.append).verdict.cause == "vif-tap-down"
    assert (source.looks, waited) == (1, [])


def test_what_was_recorded_cannot_settle_any_more() -> None:
    waited: list[float] = []
    verdict = why(StoredSource(unexplained(), "2026-01-01"), VICTIM, wait=waited.append)
    assert verdict.verdict.state is State.BROKEN
    assert waited == []


def test_the_time_of_a_recording_is_the_time_of_its_verdict() -> None:
    assert why(StoredSource(facts_of(HEALTHY), "2026-01-01"), VICTIM).time == "2026-01-01"


def test_both_databases_gone_is_an_error_and_one_gone_is_none() -> None:
    facts = facts_of(HEALTHY)
    partial = StoredSource(Facts(nb=facts.nb, hosts=facts.hosts, owner=facts.owner), "2026")
    verdict = why(partial, VICTIM)
    assert verdict.verdict.state is State.UNKNOWN
    assert [gap.place for gap in verdict.unknown] == [SOUTHBOUND]


def test_a_healthy_verdict_without_packets_says_how_far_it_goes() -> None:
    """A flow that somebody made by hand, or an ACL, eats packets and is in no row of the chain."""
    verdict = why(source_of(HEALTHY), VICTIM)
    assert verdict.verdict.caveat == "", "into what was recorded nothing can be sent"
    told = qualified(verdict, UNSENT)
    assert "--probe" in told.verdict.caveat
    assert told.verdict.summary == verdict.verdict.summary
    for name in ("vif-tap-down", "port-admin-down"):
        broken = why(source_of(name), VICTIM)
        assert qualified(broken, UNSENT) == broken
