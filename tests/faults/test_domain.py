"""Another device than the VM's carries its port."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud import accused, ask, healthy, on_host, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import Card, Domain


def port_of(facts: Facts) -> tuple[str, str, str]:
    """The MAC, the server's id and the device of vm1."""
    assert facts.owner is not None
    port = next(port for port in facts.owner.ports if port.server == "vm1")
    return port.mac, port.server_id, "tap" + port.id[:11]


def with_card(**fields: Any) -> Facts:
    """vm1's host, where libvirt has this NIC in vm1's domain, or none."""
    facts = healthy()
    mac, server, _ = port_of(facts)
    cards = (Card(**{"mac": mac, "kind": "ethernet", **fields}),) if fields else ()
    domain = Domain(name="instance-00000001", uuid=server, state="running", cards=cards)
    return on_host(facts, "compute1", domains=(domain,))


def test_the_vms_own_device_carries_it() -> None:
    facts = with_card(device=port_of(healthy())[2])
    verdict = ask(facts)
    assert verdict.verdict.state.value == "healthy"
    assert "libvirt's NIC is that device" in stage_summary(facts)
    assert not audit(facts).groups


def stage_summary(facts: Facts) -> str:
    return next(each.summary for each in ask(facts).stages if each.id == "S8")


def test_another_device_carries_it() -> None:
    verdict = ask(with_card(device="tapother"))
    assert accused(verdict) == {"vif-domain-mismatch"}
    assert verdict.verdict.stage == "S8"
    assert verdict.causes[0].confidence.value == "proven"
    assert "tapother" in verdict.verdict.summary


def test_a_nic_that_libvirt_does_not_have_is_only_likely() -> None:
    (cause,) = ask(with_card()).causes
    assert (cause.id, cause.confidence.value) == ("vif-domain-mismatch", "likely")


@pytest.mark.parametrize("device", ["", "hostdev"])
def test_a_nic_without_a_name_on_the_host_accuses_nobody(device: str) -> None:
    facts = with_card(kind=device or "vhostuser", device="")
    assert not accused(ask(facts))


def test_the_bridge_of_a_hybrid_plug_leads_to_its_pair() -> None:
    qbr = "qbr" + vm(healthy())[:11]
    verdict = ask(with_card(kind="bridge", device="tapx", bridge=qbr))
    assert accused(verdict) == {"vif-domain-mismatch"}  # br-int has the tap, and no qvo


def test_without_libvirt_nothing_is_said() -> None:
    assert healthy().hosts["compute1"].domains is None
    assert not accused(ask(healthy()))
    assert "libvirt" not in stage_summary(healthy())
    elsewhere = Domain(name="instance-2", uuid="another", cards=())
    assert not accused(ask(on_host(healthy(), "compute1", domains=(elsewhere,))))


def test_the_id_is_taken_from_the_other_device_before_the_server_is_plugged_anew() -> None:
    first, last = ask(with_card(device="tapother")).remedy.steps
    carrier = port_of(healthy())[2]
    assert first.command == f"ovs-vsctl remove Interface {carrier} external_ids iface-id"
    assert first.undo.startswith(f"ovs-vsctl set Interface {carrier} external_ids:iface-id=")
    assert "reboot" in last.command


def test_the_vms_own_device_gets_the_id_where_it_is_plugged() -> None:
    (step,) = ask(with_card(device="br-int")).remedy.steps  # any that is in the bridge
    assert "-- set Interface br-int external_ids:iface-id=" in step.command
    assert step.risk.value == "safe"
