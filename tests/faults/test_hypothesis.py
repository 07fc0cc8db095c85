"""Every usual guess is the cause, or cleared, or its deciding observation is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cloud import ask, healthy, neutron_only, vm, without
from tests.recordings import HARMFUL, HOSTS, facts_of
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.faults.fault import Fault
from viftrail.faults.guess import GUESSES, HYPOTHESES
from viftrail.verdict import State, Verdict

NAMES = [guess.name for guess in HYPOTHESES]
CONFIRMED = {
    "a geneve tunnel is missing": {f.id for f in HARMFUL if f.stage.value == "S10"},
    "ovn-northd or the Southbound row is missing": {
        "northd-not-running",
        "northd-paused",
        "northd-no-active",
        "northd-wrong-endpoints",
        "northd-bad-config-skipped",
    },
    "the VM's host has no provnet patch port": {"fip-distributed-no-mapping"},
    "OVN needs a qvb/qvo pair instead of a bare tap": {"vif-hybrid-leg-broken"},
    "the host is not configured for OVN": {
        "br-int-recreated",
        "controller-not-configured",
        "controller-sb-unreachable",
        "controller-wrong-bridge",
        "encap-duplicate-ip",
        "tunnel-encap-type-mismatch",
        "tunnel-wrong-encap-ip",
    },
    "a security group drops what it sends": {"sg-egress-missing", "sg-egress-version-missing"},
}

BLINDING = (
    "sb-server-down",
    "sb-listener-gone",
    "sb-raft-no-quorum",
    "sb-stale-or-single-endpoint",
    "controller-hung",
    "controller-ssl",
)
"""They take away what would clear a guess: then the deciding look is named."""

each_guess = pytest.mark.parametrize("guess", NAMES)
each_fault = pytest.mark.parametrize("fault", HARMFUL, ids=lambda fault: fault.id)


def cleared(verdict: Verdict) -> set[str]:
    return {found.guess for found in verdict.ruled_out}


def undecided(verdict: Verdict) -> set[str]:
    return {found.guess for found in verdict.undecided}


@each_guess
@each_fault
def test_with_all_facts_it_is_cleared_or_the_cause(fault: Fault, guess: str) -> None:
    verdict = ask(facts_of(fault.id))
    if fault.id in CONFIRMED.get(guess, ()):
        assert guess not in cleared(verdict) | undecided(verdict)
    elif fault.id == "tunnel-transport-zone" and guess == "the host is not configured for OVN":
        assert guess not in cleared(verdict), "the zone is a setting"
    elif fault.id in BLINDING:
        assert guess in cleared(verdict) | undecided(verdict)
    else:
        assert guess in cleared(verdict), verdict.undecided


@pytest.mark.parametrize("blind", [*HOSTS, NORTHBOUND, SOUTHBOUND])
@each_fault
def test_with_fewer_facts_none_is_passed_over_in_silence(fault: Fault, blind: str) -> None:
    facts = without(facts_of(fault.id), blind)
    lost = {gap.place for gap in facts.gaps}
    if {NORTHBOUND, SOUTHBOUND} <= {blind, *lost}:
        return  # there is nothing left to judge by
    verdict = ask(facts)
    told = cleared(verdict) | undecided(verdict)
    names = {guess.name for guess in GUESSES} if verdict.causes else set(NAMES)
    for name in names - told:
        assert verdict.causes, (name, blind)
    assert not cleared(verdict) & undecided(verdict)
    for found in verdict.undecided:
        assert all((found.why, found.observation, found.where, found.command)), found


def test_nothing_is_left_open_where_all_is_well() -> None:
    verdict = ask(healthy())
    assert (verdict.undecided, cleared(verdict)) == ((), set(NAMES))
    assert ask(without(healthy(), "controller")).verdict.state is State.HEALTHY
    assert ask(without(healthy(), "controller")).undecided == ()


@pytest.mark.parametrize(
    ("guess", "blind", "command"),
    [
        ("the disk is full", "compute1", "df -h"),
        ("memory ran out", "compute1", "free -h"),
        ("ovn-northd or the Southbound row is missing", "controller", "ovn-northd status"),
        ("a geneve tunnel is missing", "compute1", "type=geneve"),
        ("the VM's host has no provnet patch port", NORTHBOUND, "external_mac"),
        ("the host is not configured for OVN", "compute1", "external_ids"),
        ("a security group drops what it sends", NORTHBOUND, "Logical_Switch_Port"),
    ],
)
def test_without_the_evidence_the_one_deciding_look_is_named(
    guess: str, blind: str, command: str
) -> None:
    (found,) = (u for u in ask(without(healthy(), "network1", blind)).undecided if u.guess == guess)
    assert command in found.command


def test_without_a_plug_a_device_or_an_owner_the_pair_is_not_decided() -> None:
    facts = neutron_only(facts_of("vif-netdev-missing"))
    port = vm(facts_of("vif-netdev-missing"))
    facts = replace(facts, hosts={k: h for k, h in facts.hosts.items() if k != "compute1"})
    (found,) = (u for u in ask(facts, port).undecided if "qvb" in u.guess)
    assert f"qvb{port[:11]}" in found.observation
