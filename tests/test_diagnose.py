"""What may be concluded from how much: absence is only proved by an answer in full."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import msgspec
import pytest

from tests.cloud import TIME, accused, ask, healthy, neutron_only, on_host, stage, vm, without
from tests.recordings import (
    ALONGSIDE,
    HARMFUL,
    HEALTHY,
    HOSTS,
    NAMES,
    VICTIM,
    VMS,
    facts_of,
    port_of,
    recorded,
    source_of,
)
from viftrail.audit import audit
from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Role
from viftrail.diagnose import accuse, cause_of, diagnose
from viftrail.errors import Unreachable, ViftrailError
from viftrail.facts import northbound
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.host import Failure
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.row import Row
from viftrail.facts.source import Ask
from viftrail.facts.stored import StoredSource
from viftrail.faults.fault import Case, Fault
from viftrail.verdict import Certainty, Evidence, Risk, Stage, State
from viftrail.why import why

PARTS = (*HOSTS, NORTHBOUND, SOUTHBOUND)
REMOVALS = [
    parts
    for number in (1, 2)
    for parts in combinations(PARTS, number)
    if parts != (NORTHBOUND, SOUTHBOUND)
]
BAD = (State.BROKEN, State.DEGRADED)

each_recording = pytest.mark.parametrize("name", NAMES)


# One code path: the target's slice and everything there is lead to the same verdict.


@each_recording
def test_a_slice_gives_the_verdict_of_everything(name: str) -> None:
    facts, time = recorded(name)
    for server in VMS:
        whole = diagnose(facts, port_of(facts, server), server, time=time)
        sliced = why(source_of(name), server)
        assert msgspec.to_builtins(sliced) == msgspec.to_builtins(whole), server


@each_recording
def test_a_verdict_can_be_made_again(name: str) -> None:
    assert why(source_of(name), VICTIM) == why(source_of(name), VICTIM)


# Coverage: what was not looked at accuses nobody, and is no health either.


ROWS_ONLY = ("northd-binding-missing", "pb-unclaimed")
WITHOUT_A_HOME = {"router-gw-nic-down-no-failover": ("prov-nic-down",)}
"""Where the gateway lives stands in a table; without it the dead NIC is all that is seen."""

FROM_AFAR = ("sb-server-down", "sb-listener-gone")
"""Where the controller was not looked at, each chassis is just cut off."""

UNREGISTERED = ("chassis-missing-graceful-stop", "controller-not-configured")
"""Where the host was not looked at, that it is no chassis is all there is, and is told as that."""

WITHOUT = {
    name: {gap.place for gap in facts_of(name).gaps} & {NORTHBOUND, SOUTHBOUND} for name in NAMES
}
"""The database that a recording lacks, as its server was down."""


def known(name: str) -> set[str]:
    """Its own cause; or, where the host was not looked at, that the rows show no more."""
    return (
        set()
        if name == HEALTHY
        else {
            *(name, *ROWS_ONLY, *from_afar(name), *unregistered(name)),
            *WITHOUT_A_HOME.get(name, ()),
            *ALONGSIDE.get(name, ()),
        }
    )


def from_afar(name: str) -> tuple[str, ...]:
    """What the chassis show of a fault of the controller's."""
    return ("controller-sb-unreachable",) if name in FROM_AFAR else ()


def unregistered(name: str) -> tuple[str, ...]:
    """What is seen of a host that is no chassis when nobody looked there."""
    return ("tunnel-peer-chassis-missing",) if name in UNREGISTERED else ()


def readable(name: str, parts: tuple[str, ...]) -> bool:
    """One of the databases at least is left."""
    return {NORTHBOUND, SOUTHBOUND} > {*WITHOUT[name], *parts} & {NORTHBOUND, SOUTHBOUND}


@each_recording
def test_what_was_not_looked_at_accuses_nobody_else(name: str) -> None:
    before = {server: why(source_of(name), server) for server in VMS}
    for parts in (each for each in REMOVALS if readable(name, each)):
        facts = without(facts_of(name), *parts)
        assert {cause.id for cause in audit(facts).causes} <= known(name), parts
        for server in VMS:
            after = ask(facts, server)
            new = [c for c in after.causes if c.id not in accused(before[server])]
            if new:  # what the rows show, for want of the host that shows the cause
                assert accused(before[server]), parts
                assert set(parts) & set(HOSTS), parts
                rows_only = {*ROWS_ONLY, *unregistered(name)}
                assert {cause.id for cause in new} <= {*rows_only, *from_afar(name)}, parts
                inferred = [cause for cause in new if cause.id in rows_only]
                assert {cause.confidence for cause in inferred} <= {Certainty.LIKELY}, parts
            if before[server].verdict.state is State.HEALTHY:
                assert after.verdict.state not in BAD, (parts, after.verdict)


@pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.id)
def test_what_was_not_looked_at_is_no_health(fault: Fault) -> None:
    for parts in (each for each in REMOVALS if readable(fault.id, each)):
        verdict = ask(without(facts_of(fault.id), *parts))
        assert verdict.verdict.state is not State.HEALTHY, parts


def test_no_database_at_all_is_an_error() -> None:
    with pytest.raises(Unreachable):
        ask(without(healthy(), NORTHBOUND, SOUTHBOUND))


class Dying(StoredSource):
    """A database that answers some requests and then no more."""

    def __init__(self, facts: Facts, database: str, requests: int) -> None:
        super().__init__(facts, TIME)
        self._dying = database
        self._left = requests
        self.died = False

    def ask(self, asks: Sequence[Ask[Row]]) -> list[tuple[Row, ...] | None]:
        database = NORTHBOUND if asks[0].row in northbound.TABLES else SOUTHBOUND
        if database == self._dying:
            self._left -= 1
            if self._left < 0:
                self.died = True
                raise Unreachable(f"{database} does not answer any more.", "Try again.")
        return super().ask(asks)


@each_recording
@pytest.mark.parametrize("database", [NORTHBOUND, SOUTHBOUND])
@pytest.mark.parametrize("server", VMS)
def test_a_database_that_dies_in_between_accuses_nobody_else(
    name: str, database: str, server: str
) -> None:
    if not readable(name, (database,)):
        pytest.skip("the other one is down in this recording")
    facts = facts_of(name)
    before = ask(facts, server)
    for requests in range(50):
        source = Dying(facts, database, requests)
        after = why(source, server)
        if not source.died:
            assert after == before
            return
        assert accused(after) <= accused(before), requests
        assert after.verdict.state is not State.HEALTHY, requests
        if before.verdict.state is State.HEALTHY:
            assert after.verdict.state is State.UNKNOWN, (requests, after.verdict)
        assert database in {gap.place for gap in after.unknown}
    pytest.fail("a trail of 50 requests")


TABLES = (*northbound.TABLES, *(row for row in facts_of(HEALTHY).sb))


@each_recording
def test_a_table_that_was_not_read_accuses_nobody(name: str) -> None:
    """As in a bundle of an older viftrail, which did not know the table yet."""
    for table in TABLES:
        if WITHOUT[name]:
            continue  # a database is missing as a whole
        facts = drop(facts_of(name), table)
        assert {cause.id for cause in audit(facts).causes} <= known(name), table
        for server in VMS:
            assert accused(ask(facts, server)) <= accused(ask(facts_of(name), server)), table


def test_a_table_that_was_not_read_is_no_health() -> None:
    for table in (northbound.LogicalRouter, northbound.DHCPOptions, northbound.ACL):
        verdict = ask(drop(healthy(), table))
        assert verdict.verdict.state is State.UNKNOWN, table
        assert NORTHBOUND in {gap.place for gap in verdict.unknown}


def drop(facts: Facts, table: type[Row]) -> Facts:
    nb = Database({row: facts.nb[row] for row in facts.nb if row is not table})
    sb = Database({row: facts.sb[row] for row in facts.sb if row is not table})
    return Facts(nb=nb, sb=sb, hosts=facts.hosts, owner=facts.owner, gaps=facts.gaps)


def test_without_any_host_the_verdict_says_what_to_look_at() -> None:
    verdict = ask(without(healthy(), *HOSTS))
    assert verdict.verdict.state is State.UNKNOWN
    assert "compute1" in verdict.verdict.summary
    assert any("compute1" in gap.place for gap in verdict.unknown)
    assert all(gap.how for gap in verdict.unknown)


def test_a_gateway_that_was_not_looked_at_is_no_proof_of_health() -> None:
    verdict = ask(without(healthy(), "network1"))
    assert verdict.verdict.state is State.UNKNOWN
    assert "network1" in verdict.verdict.summary


def test_a_port_that_only_its_owner_can_name_is_not_called_unknown() -> None:
    verdict = ask(without(healthy(), NORTHBOUND, "compute1"))
    assert verdict.verdict.state is State.UNKNOWN
    assert verdict.target.port == vm(healthy())


def test_nobody_knows_the_port() -> None:
    with pytest.raises(ViftrailError, match="no-such-port"):
        diagnose(healthy(), "no-such-port", "no-such-port")


# The chain is walked in order.


def test_the_first_cause_is_the_one_upstream() -> None:
    """Two things wrong at once: Northbound lacks a reference, and the tap is down."""
    facts = facts_of("dhcp-options-missing")
    links = tuple(
        msgspec.structs.replace(link, flags=("BROADCAST",))
        if link.ifname == "tap" + vm(facts)[:11]
        else link
        for link in facts.hosts["compute1"].links
    )
    verdict = ask(on_host(facts, "compute1", links=links))
    assert [cause.id for cause in verdict.causes] == ["vif-tap-down", "dhcp-options-missing"]
    assert verdict.verdict.cause == "vif-tap-down"
    assert verdict.remedy == verdict.causes[0].remedy


def test_later_stages_are_consequences() -> None:
    verdict = why(source_of("pb-requested-chassis-mismatch"), VICTIM)
    assert stage(verdict, "S6") == "broken"
    assert stage(verdict, "S8") == "consequence"
    after = next(f for f in verdict.stages if f.id == "S8")
    assert after.summary.startswith("follows from S6")


def test_openstack_is_said_not_to_be_examined() -> None:
    verdict = ask(healthy())
    assert [f.state for f in verdict.stages[:4]] == [State.UNKNOWN] * 4
    assert all("no OpenStack credentials" in f.summary for f in verdict.stages[:4])


# A Neutron cloud without credentials: Northbound alone says which ports there are.


@pytest.mark.parametrize(
    "fault", [f for f in HARMFUL if f.id != "nb-lsp-missing"], ids=lambda fault: fault.id
)
def test_without_the_owner_the_same_fault_is_found(fault: Fault) -> None:
    facts = facts_of(fault.id)
    verdict = ask(neutron_only(facts), vm(facts))
    assert verdict.verdict.cause == fault.id, verdict.verdict
    assert accused(verdict) == {fault.id}


def test_without_the_owner_a_healthy_port_is_healthy() -> None:
    facts = neutron_only(healthy())
    verdict = ask(facts, vm(healthy()))
    assert verdict.verdict.state is State.HEALTHY
    assert audit(facts).causes == ()


def test_where_neutron_owns_the_rows_the_mend_goes_through_neutron() -> None:
    facts = facts_of("dhcp-options-missing")
    steps = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert [step.command.split()[0] for step in steps] == ["openstack"]


def test_what_a_host_could_not_answer_is_listed() -> None:
    failure = Failure("ip -j -d addr", "timed out")
    verdict = ask(on_host(healthy(), "compute1", errors=(failure,), links=()))
    assert "compute1: ip -j -d addr" in {gap.place for gap in verdict.unknown}
    assert verdict.verdict.state is State.UNKNOWN


# What is proof: a row of the victim's, not that somebody counts it among the victims.


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("traced", [True, False])
def test_only_what_a_victim_shows_makes_an_inference_a_proof(traced: bool, asked: bool) -> None:
    victim, place = subject.port("p"), subject.router("r")
    seen = Evidence(where="OVN_Southbound", what="w", seen="s", expected="e", command="c")
    case = Case(
        subject=place,
        summary="inferred",
        evidence=(),
        steps=(),
        certainty=Certainty.LIKELY,
        victims=frozenset({victim}),
        traces={victim: (seen,)} if traced else {},
    )
    fault = Fault(
        id="made",
        stage=Stage.ROUTER,
        title="",
        what="",
        shows="",
        decisive="",
        remedy="",
        risk=Risk.SAFE,
        references=(),
        find=lambda _: iter((case,)),
    )
    subjects = {victim: Role.OWN, place: Role.OWN} if asked else None
    (accusation,) = accuse(Cloud(Facts()), subjects, (fault,))
    assert cause_of(accusation).confidence is (Certainty.PROVEN if traced else Certainty.LIKELY)
