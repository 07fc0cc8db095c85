"""vif-*: which of the ways to be unplugged it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, change_port, conf, healthy, on_host, stage, vm, wire_map
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


GONE = facts_of("vif-plug-missing")


def with_mac_of(facts: Facts, server: str, **owned: object) -> Facts:
    """vm1's port as its owner has it, with another VM's MAC."""
    ports = facts.owner.ports
    mac = next(port.mac for port in ports if port.server == server)
    mine = vm(facts)
    changed = tuple(
        msgspec.structs.replace(port, mac=mac, **owned) if port.id == mine else port
        for port in ports
    )
    return replace(facts, owner=msgspec.structs.replace(facts.owner, ports=changed))


def labelled_other(facts: Facts, server: str, **keys: str) -> Facts:
    """The Interface of another VM of compute1 with these external_ids."""
    named = {key.replace("_", "-"): value for key, value in keys.items()}
    name = "tap" + vm(facts, server)[:11]
    return conf(facts, "compute1", "Interface", {"name": name}, external_ids=wire_map(named))


def test_a_mac_is_unique_in_one_network_only() -> None:
    """What carries another port's id is that port's, whatever its MAC."""
    facts = with_mac_of(GONE, "vm2")
    other = vm(facts, "vm2")
    mac = next(port.mac for port in facts.owner.ports if port.id == other)
    twin = labelled_other(facts, "vm2", iface_id=other, attached_mac=mac)
    for found in (accused(ask(twin)), {cause.id for cause in audit(twin).causes}):
        assert "vif-iface-id-wrong" not in found
    stray = labelled_other(facts, "vm2", iface_id="stranger", attached_mac=mac)
    assert "vif-iface-id-wrong" in accused(ask(stray)), "that id is no port's"


@pytest.mark.parametrize("known", ["row", "device_owner", "owner"])
def test_a_subport_has_no_plug_of_its_own_and_its_parents_is_left_alone(known: str) -> None:
    facts = with_mac_of(GONE, "vm2", subport=known == "owner")
    parent = vm(facts, "vm2")
    mac = next(port.mac for port in facts.owner.ports if port.id == parent)
    if known == "row":
        facts = change_port(facts, parent_name=parent, tag=101)
    elif known == "device_owner":
        facts = change_port(facts, external_ids={"neutron:device_owner": "trunk:subport"})
    for keys in ({"iface_id": parent}, {"iface_id": "stranger"}, {}):
        plugged = labelled_other(facts, "vm2", attached_mac=mac, **keys)
        verdict = ask(plugged)
        causes = [*verdict.causes, *audit(plugged).causes]
        assert f"port {vm(facts)}" not in {cause.subject for cause in causes if cause.stage == "S8"}


def test_a_subport_suffers_from_how_its_parent_is_plugged_and_from_nothing_else_of_it() -> None:
    parent = vm(facts_of("vif-tap-down"))
    subport = change_port(facts_of("vif-tap-down"), "vm2", parent_name=parent, tag=101)
    found = ask(subport, "vm2")
    assert (found.verdict.cause, found.verdict.state.value) == ("vif-tap-down", "broken")
    silent = facts_of("dhcp-options-missing")
    subport = change_port(silent, "vm2", parent_name=vm(silent), tag=101)
    assert "dhcp-options-missing" not in accused(ask(subport, "vm2"))


@pytest.mark.parametrize("kind", ["external", "virtual"])
def test_what_no_chassis_claims_by_a_plug_needs_none(kind: str) -> None:
    facts = change_port(GONE, type=kind)
    assert stage(ask(facts), "S8") == "n/a"
    assert not {"vif-plug-missing", "pb-unclaimed"} & accused(ask(facts))


def test_what_was_in_another_bridge_is_put_back_there_by_the_undo() -> None:
    host = healthy().hosts["compute1"]
    device = tap(healthy())
    (port,) = (row["_uuid"] for row in host.vswitch["Port"] if row["name"] == device)

    def moved(row: dict[str, Any]) -> dict[str, Any]:
        known = row["ports"][1] if row["ports"][0] == "set" else [row["ports"]]
        left = [each for each in known if each != port]
        return {**row, "ports": ["set", [*left, port] if row["name"] == "br-ex" else left]}

    vswitch = {**host.vswitch, "Bridge": [moved(row) for row in host.vswitch["Bridge"]]}
    verdict = ask(on_host(healthy(), "compute1", vswitch=vswitch))
    assert accused(verdict) == {"vif-not-in-br-int"}
    (step,) = verdict.remedy.steps
    assert step.command.startswith(f"ovs-vsctl --if-exists del-port {device} -- ")
    remove, again = step.undo.split(" && ")
    assert remove == f"ovs-vsctl del-port br-int {device}"
    assert again.startswith(f"ovs-vsctl --may-exist add-port br-ex {device} -- set Interface ")
    assert f'iface-id="{vm(healthy())}"' in again
