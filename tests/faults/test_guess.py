"""The first guesses of every incident are cleared by facts, or not mentioned."""

from __future__ import annotations

import pytest

from tests.cloud import ask, healthy, on_host, without
from tests.recordings import source_of
from viftrail.facts.facts import Facts
from viftrail.facts.host import Disk, Memory
from viftrail.why import why

FULL = "the disk is full"
MEMORY = "memory ran out"
TUNNEL = "a geneve tunnel is missing"


def guesses(facts: Facts) -> set[str]:
    return {guess.guess for guess in ask(facts).ruled_out}


def test_a_healthy_cloud_clears_them_all() -> None:
    cleared = ask(healthy()).ruled_out
    assert len(cleared) == 8
    for guess in cleared:
        assert guess.because
        assert all(item.command for item in guess.evidence)


@pytest.mark.parametrize(("free", "cleared"), [(50, True), (6, True), (5, False), (0, False)])
def test_a_full_disk_is_not_cleared(free: int, cleared: bool) -> None:
    facts = on_host(healthy(), "compute1", disks=(Disk("/", 100, 100), Disk("/var", 100, free)))
    assert (FULL in guesses(facts)) is cleared


@pytest.mark.parametrize(("available", "cleared"), [(50, True), (2, True), (1, False)])
def test_short_memory_is_not_cleared(available: int, cleared: bool) -> None:
    facts = on_host(healthy(), "compute1", memory=Memory(100, available))
    assert (MEMORY in guesses(facts)) is cleared


def test_what_was_not_looked_at_is_not_cleared() -> None:
    assert not {FULL, MEMORY, TUNNEL} & guesses(without(healthy(), "compute1"))
    assert not any("northd" in guess for guess in guesses(without(healthy(), "controller")))


def test_the_fault_itself_is_not_cleared() -> None:
    for fault, word in (
        ("tunnel-wrong-encap-ip", "tunnel"),
        ("sg-egress-missing", "security group"),
        ("northd-paused", "northd"),
    ):
        cleared = {guess.guess for guess in why(source_of(fault), "vm1").ruled_out}
        assert not any(word in guess for guess in cleared), fault


def test_no_tunnel_takes_part_in_dhcp() -> None:
    """The guess of both notes: no lease can never be explained by geneve."""
    cleared = {g.guess: g.because for g in why(source_of("dhcp-options-missing"), "vm1").ruled_out}
    assert TUNNEL in cleared


def test_a_bare_tap_is_the_healthy_plug_and_a_pair_may_be_one_too() -> None:
    hybrid = {guess.guess for guess in why(source_of("vif-hybrid-leg-broken"), "vm1").ruled_out}
    assert not any("qvb" in guess for guess in hybrid)
    assert any("qvb" in guess for guess in guesses(healthy()))


def test_a_compute_needs_no_provnet_port_for_a_centralized_floating_ip() -> None:
    assert any("provnet" in guess for guess in guesses(healthy()))
