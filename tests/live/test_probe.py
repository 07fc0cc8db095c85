"""`why --probe` on a real lab: packets decide what rows cannot, and harm nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from viftrail.lab.ping import ping

from .harness import Outcome, refused, viftrail
from .site import VICTIM, Site

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-probe")]

WITHIN = 16.0
"""Seconds: at most ten for the packets, the rest for looking on a loaded machine."""


def probed(site: Site, target: str = VICTIM) -> Outcome:
    return site.why(target, "--probe")


def evidence(outcome: Outcome, stage: str) -> str:
    found = next(f for f in outcome.verdict["stages"] if f["id"] == stage)
    return json.dumps(found["evidence"])


@contextmanager
def broken(site: Site, fault: str) -> Iterator[None]:
    site.lab.ask("break", fault=fault, vm=VICTIM)
    try:
        yield
    finally:
        site.lab.ask("mend")
        site.await_healthy()


def run(site: Site, node: str, *argv: str) -> None:
    done = site.lab.run(node, list(argv))
    assert done.returncode == 0, done.stderr


def test_a_healthy_lab_stays_healthy_and_is_told_what_is_sent(site: Site) -> None:
    before = site.nbctl("--columns=_uuid", "list", "Logical_Switch_Port")
    outcome = probed(site)
    assert (outcome.code, outcome.verdict["causes"]) == (0, []), outcome
    assert outcome.seconds < WITHIN
    for word in ("not sent: a DHCP request", "ARP requests", "geneve", "ARP probes"):
        assert word in outcome.err, outcome.err
    assert "answered" in evidence(outcome, "S9")
    assert "received 8" in evidence(outcome, "S10")
    assert "answered" in evidence(outcome, "S13")
    assert not [gap for gap in outcome.gaps if "--probe" in gap["place"]]
    assert site.nbctl("--columns=_uuid", "list", "Logical_Switch_Port") == before
    assert ping(site.lab).ok
    assert site.why().code == 0


def test_a_pair_is_probed_between_its_hosts(site: Site) -> None:
    other = next(vm for vm in site.status.vms if vm.host != site.vm.host)
    outcome = probed(site, f"{VICTIM}:{other.name}")
    assert outcome.code == 0, outcome
    assert f"from {site.vm.host} to {other.host}" in outcome.err


def test_without_it_nothing_is_sent(site: Site) -> None:
    outcome = site.why()
    assert outcome.err == ""
    assert "sent to prove it" not in outcome.out


def test_a_block_that_no_row_rule_or_counter_shows_is_proved(site: Site) -> None:
    """The rule looks at more than the port, so by itself it convicts nobody; no guest sends."""
    peer = "198.51.100.11"
    rules = (
        "add table netdev narrow; add chain netdev narrow out { type filter hook egress device "
        f'"eth1" priority 0; }}; add rule netdev narrow out ip daddr {peer} udp dport 6081 drop'
    )
    run(site, "compute1", "nft", rules)
    try:
        assert site.why().verdict["causes"] == []
        conclusion = probed(site).verdict["verdict"]
        assert (conclusion["cause"], conclusion["confidence"]) == ("tunnel-udp-blocked", "proven")
    finally:
        run(site, "compute1", "nft", "delete table netdev narrow")
    assert probed(site).code == 0


def test_only_big_packets_vanish(site: Site) -> None:
    with broken(site, "tunnel-mtu"):
        outcome = probed(site)
        assert outcome.verdict["verdict"]["cause"] == "tunnel-mtu"
        seen = evidence(outcome, "S10")
        assert "packets of 1500 bytes" in seen
        assert "compute1 received 0" in seen
        assert "received 8" in seen, "small ones pass"


def test_a_silent_guest_is_told_from_one_that_talks(site: Site) -> None:
    assert "enters br-int" in json.dumps(probed(site).verdict["stages"])
    run(site, VICTIM, "ip", "link", "set", "eth0", "arp", "off")
    try:
        assert site.why().code == 0, "no row shows it"
        outcome = probed(site)
        assert outcome.code == 2, outcome
        assert "the guest is silent" in outcome.verdict["verdict"]["summary"]
    finally:
        run(site, VICTIM, "ip", "link", "set", "eth0", "arp", "on")


def test_a_trace_names_the_logical_stage(site: Site) -> None:
    """By OVN's own name, whatever number this release gives its table."""
    with broken(site, "sg-egress-missing"):
        outcome = probed(site)
        assert outcome.verdict["verdict"]["cause"] == "sg-egress-missing"
        assert "ls_in_acl" in evidence(outcome, "S9"), evidence(outcome, "S9")


def test_packets_do_not_make_it_forget_what_logs_tell(site: Site) -> None:
    """No row and no packet shows a guest that insists on another network's address."""
    with broken(site, "dhcp-request-mismatch"):
        for outcome in (site.why(), probed(site)):
            assert outcome.verdict["verdict"]["cause"] == "dhcp-request-mismatch", outcome


def test_into_a_bundle_nothing_can_be_sent() -> None:
    outcome = viftrail("why", VICTIM, "--bundle", "tests/recorded/healthy.bundle", "--probe")
    refused(outcome, 64, "--probe", "no running cloud")
