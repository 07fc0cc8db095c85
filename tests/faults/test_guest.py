"""vif-guest-link-or-mac and vif-plug-missing: which end is down, and what is gone."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import accused, ask, healthy, on_host, vm
from tests.recordings import facts_of
from viftrail.facts.facts import Facts

GONE = facts_of("vif-plug-missing")


def flags(facts: Facts, *names: str) -> Facts:
    """vm1's tap with these flags."""
    tap = "tap" + vm(facts)[:11]
    links = tuple(
        msgspec.structs.replace(link, flags=names) if link.ifname == tap else link
        for link in facts.hosts["compute1"].links
    )
    return on_host(facts, "compute1", links=links, guests=())


def test_up_without_carrier_is_the_guests_end() -> None:
    verdict = ask(flags(healthy(), "BROADCAST", "UP"))
    assert accused(verdict) == {"vif-guest-link-or-mac"}
    assert verdict.causes[0].confidence.value == "proven"


def test_down_is_the_hosts_end() -> None:
    assert accused(ask(flags(healthy(), "BROADCAST"))) == {"vif-tap-down"}


def test_who_does_not_know_whether_the_vm_is_on_does_not_claim_proof() -> None:
    facts = flags(healthy(), "BROADCAST", "UP")
    unowned = replace(facts, owner=replace_owner(facts))
    (cause,) = ask(unowned, vm(facts)).causes
    assert cause.confidence.value == "likely"
    assert "virsh domif-setlink" in cause.remedy.steps[0].command


def replace_owner(facts: Facts):  # type: ignore[no-untyped-def]
    return type(facts.owner)(kind="neutron")


def test_a_tap_that_is_left_is_another_fault() -> None:
    assert accused(ask(facts_of("vif-not-in-br-int"))) == {"vif-not-in-br-int"}
    assert accused(ask(facts_of("vif-netdev-missing"))) == {"vif-netdev-missing"}


def test_a_port_that_is_promised_elsewhere_may_run_there() -> None:
    assert "vif-plug-missing" not in accused(ask(facts_of("pb-requested-chassis-mismatch")))


def test_the_reboot_is_said_to_be_one() -> None:
    (step,) = ask(GONE).remedy.steps
    assert step.risk.value == "disruptive"
    assert "shut off" in ask(GONE).causes[0].remedy.note
