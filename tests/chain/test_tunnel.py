"""Tunnel ports, addresses, and packets that arrive."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, healthy, on_host, settings, stage, vm, without
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.chain.tunnel import FAIR_WINDOW, LOST_AT_LEAST, endpoint, local_addresses, loss
from viftrail.diagnose import diagnose
from viftrail.facts.facts import Facts
from viftrail.facts.host import Counters
from viftrail.facts.inquiry import SOUTHBOUND


def test_each_end_knows_its_tunnel_port() -> None:
    cloud = Cloud(healthy())
    for here, there, remote in (
        ("compute1", "network1", "198.51.100.11"),
        ("network1", "compute1", "198.51.100.21"),
    ):
        end = endpoint(cloud, here, there)
        assert end is not None
        assert end.remote_ip == remote
    assert endpoint(cloud, "compute1", "nowhere") is None


def test_a_hosts_addresses() -> None:
    assert {"127.0.0.1", "198.51.100.11"} <= local_addresses(healthy().hosts["network1"])


def counting(sent: int, received: int, seconds: float) -> Facts:
    """compute1 sends to network1 within a window; counters ran before it."""
    facts = healthy()
    for here, there, inward, outward in (
        ("compute1", "network1", 0, sent),
        ("network1", "compute1", received, 0),
    ):
        end = endpoint(Cloud(healthy()), here, there)
        assert end is not None
        port = str(end.interface.ofport)
        window = Counters(seconds, {port: (100, 100)}, {port: (100 + inward, 100 + outward)})
        facts = on_host(facts, here, counters=window)
    return facts


@pytest.mark.parametrize(
    ("sent", "received", "seconds", "lost"),
    [
        (LOST_AT_LEAST, 0, FAIR_WINDOW, True),
        (LOST_AT_LEAST - 1, 0, FAIR_WINDOW, False),  # it may be on its way
        (1000, 1, FAIR_WINDOW, False),  # something passes
        (1000, 0, FAIR_WINDOW / 2, False),  # the windows need not overlap
        (0, 0, FAIR_WINDOW, False),  # nobody sends
    ],
)
def test_what_counts_as_lost(sent: int, received: int, seconds: float, lost: bool) -> None:
    cloud = Cloud(counting(sent, received, seconds))
    assert (loss(cloud, "compute1", "network1") is not None) is lost
    assert (loss(cloud, "network1", "compute1") is not None) is lost


def test_a_quiet_tunnel_is_healthy() -> None:
    assert stage(ask(counting(0, 0, FAIR_WINDOW)), "S10") == "ok"


def test_a_tunnel_that_swallows_everything_is_suspected_by_who_can_look_again() -> None:
    facts = counting(50, 0, FAIR_WINDOW)
    verdict = diagnose(facts, vm(facts), "vm1", suspicions=True)
    assert verdict.verdict.cause == "tunnel-udp-blocked"
    assert verdict.verdict.confidence == "possible"
    assert any(
        "compute1 sent 50, network1 received 0" in e.seen for e in verdict.causes[0].evidence
    )
    assert ask(facts).causes == (), "one look at two hosts' counters is no proof"
    assert audit(facts).causes == ()


def test_counters_that_were_reset_are_no_loss() -> None:
    facts = counting(0, 0, FAIR_WINDOW)
    fresh = msgspec.structs.replace(facts.hosts["network1"].counters, first={}, second={})
    facts = on_host(facts, "network1", counters=fresh)
    assert loss(Cloud(facts), "compute1", "network1") is None


def test_a_host_without_an_announced_address_falls_back_to_its_row() -> None:
    facts = settings(healthy(), "compute1", ovn_encap_ip=None)
    assert stage(ask(facts), "S10") == "ok"


def test_where_southbound_was_not_read_nobody_knows_of_the_tunnels() -> None:
    verdict = ask(without(healthy(), SOUTHBOUND))
    assert stage(verdict, "S10") == "unknown"
    assert all("tunnel" not in each.guess for each in verdict.ruled_out)
    assert verdict.verdict.summary.count(f"{SOUTHBOUND} was not read") == 1
