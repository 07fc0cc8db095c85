"""Restarts and new networks: said whether they would help."""

from __future__ import annotations

from tests.cloud import ask, healthy, without
from tests.recordings import facts_of
from viftrail.verdict import Verdict

RESTART = "restarting nova-compute would mend it"
NETWORK = "making the network anew would mend it"
NO_HOST = "there was no valid host for it"


def because(verdict: Verdict) -> dict[str, str]:
    return {found.guess: found.because for found in verdict.ruled_out}


def test_a_restart_of_nova_compute_does_not_resume_northd() -> None:
    told = because(ask(facts_of("northd-paused")))
    assert "is in br-int" in told[RESTART]
    assert "northd-paused is about the whole cloud" in told[NETWORK]
    assert "compute1" in told[NO_HOST]


def test_where_the_plug_is_missing_a_restart_is_not_cleared() -> None:
    assert RESTART not in because(ask(facts_of("vif-not-in-br-int")))


def test_where_the_network_is_what_is_wrong_a_new_one_is_not_cleared() -> None:
    assert NETWORK not in because(ask(facts_of("router-interface-missing")))
    assert NETWORK in because(ask(facts_of("dhcp-options-missing")))


def test_without_a_look_at_the_host_the_plug_is_what_decides() -> None:
    verdict = ask(without(facts_of("northd-paused"), "compute1"))
    (found,) = (u for u in verdict.undecided if u.guess == RESTART)
    assert "iface-id" in found.command


def test_where_nothing_is_broken_nobody_asks() -> None:
    assert not {RESTART, NETWORK, NO_HOST} & because(ask(healthy())).keys()
