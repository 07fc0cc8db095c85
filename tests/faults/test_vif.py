"""vif-*: which of the ways to be unplugged it is."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, conf, healthy, on_host, vm, wire_map
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts


def tap(facts: Facts) -> str:
    return "tap" + vm(facts)[:11]


def labelled(**keys: str) -> Facts:
    """vm1's Interface with these external_ids."""
    named = {key.replace("_", "-"): value for key, value in keys.items()}
    return conf(
        healthy(), "compute1", "Interface", {"name": tap(healthy())}, external_ids=wire_map(named)
    )


def test_without_and_with_another_id() -> None:
    assert accused(ask(labelled())) == {"vif-iface-id-missing"}
    assert accused(ask(labelled(iface_id="stranger"))) == {"vif-iface-id-wrong"}
    assert accused(ask(labelled(iface_id=vm(healthy())))) == set()


def test_the_label_of_another_port_is_said_to_be_so() -> None:
    other = vm(healthy(), "vm3")
    assert "another port's iface-id" in ask(labelled(iface_id=other)).verdict.summary


@pytest.mark.parametrize(
    "fault", ["vif-iface-id-missing", "vif-iface-id-wrong", "vif-not-in-br-int", "vif-tap-down"]
)
def test_the_guest_is_not_touched_where_the_host_can_be_mended(fault: str) -> None:
    (step,) = ask(facts_of(fault)).remedy.steps
    assert step.where == "compute1"
    assert step.risk.value == "safe"


def test_a_mend_and_its_undo_carry_the_old_and_the_new_id() -> None:
    (step,) = ask(labelled(iface_id="stranger")).remedy.steps
    assert step.command.endswith(f"external_ids:iface-id={vm(healthy())}")
    assert step.undo.endswith("external_ids:iface-id=stranger")


def test_a_device_that_vanished_has_a_stale_ofport() -> None:
    facts = facts_of("vif-netdev-missing")
    verdict = ask(facts)
    assert any("no such device" in item.seen for item in verdict.causes[0].evidence)
    assert "shut off" in verdict.causes[0].remedy.note


def test_a_stray_port_in_the_bridge_is_nobodys() -> None:
    """FAULTS.md D.4: an Interface in br-int that is nothing of OVN's is a decoy."""
    host = healthy().hosts["compute1"]
    stray = {
        "_uuid": ["uuid", "00000000-0000-4000-8000-00000000aaaa"],
        "name": "stray0",
        "type": "",
    }
    vswitch = {**host.vswitch, "Interface": [*host.vswitch["Interface"], stray]}
    assert audit(on_host(healthy(), "compute1", vswitch=vswitch)).causes == ()


def test_a_hybrid_plug_is_whole_when_both_legs_are_in() -> None:
    facts = facts_of("vif-hybrid-leg-broken")
    short = vm(facts)[:11]
    links = tuple(
        msgspec.structs.replace(
            link,
            master="qbr" + short if link.ifname in ("qvb" + short, "tap" + short) else link.master,
        )
        for link in facts.hosts["compute1"].links
    )
    assert audit(on_host(facts, "compute1", links=links)).causes == ()


def test_links_that_could_not_be_listed_are_not_missing() -> None:
    assert audit(on_host(healthy(), "compute1", links=())).causes == ()
