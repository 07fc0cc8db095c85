"""router-disabled, router-port-disabled, router-interface-missing and router-peer-mismatch."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm, without
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalRouter, LogicalRouterPort, LogicalSwitchPort
from viftrail.verdict import State

KINDS = ("router-disabled", "router-interface-missing", "router-peer-mismatch")


def side(facts: Facts, owner: str = "network:router_interface") -> LogicalSwitchPort:
    """The network's port towards the router."""
    (row,) = [
        row
        for row in facts.nb[LogicalSwitchPort]
        if row.external_ids.get("neutron:device_owner") == owner
    ]
    return row


def without_ids(facts: Facts) -> Facts:
    """As OVN without Neutron: nothing but the names hangs together."""
    return edit(
        facts,
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, external_ids={}) if row.type == "router" else row,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_vm_of_the_network_has_this_one_cause(kind: str) -> None:
    facts = facts_of(kind)
    for name in VMS:
        verdict = ask(facts, name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (kind, "S11")
        assert accused(verdict) == {kind}
    (group,) = audit(facts).groups
    assert (group.id, group.state) == (kind, State.BROKEN)


@pytest.mark.parametrize("kind", KINDS)
def test_who_did_not_read_northbound_accuses_nobody(kind: str) -> None:
    assert kind not in accused(ask(without(facts_of(kind), NORTHBOUND)))


def test_a_disabled_router_is_enabled_and_could_be_disabled_again() -> None:
    facts = facts_of("router-disabled")
    (step,) = ask(facts).remedy.steps
    assert step.command.endswith("enabled=true")
    assert step.undo.endswith("enabled=false")
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command.startswith("openstack router set --enable ")
    assert "neutron-" not in step.command


def shut(owner: str) -> Facts:
    uuid = side(healthy(), owner).uuid
    return edit(
        healthy(),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, enabled=False) if row.uuid == uuid else row,
    )


@pytest.mark.parametrize("owner", ["network:router_interface", "network:router_gateway"])
def test_a_disabled_port_of_a_router_cuts_off_what_is_behind_it(owner: str) -> None:
    facts, port = shut(owner), side(healthy(), owner).name
    for name in VMS:
        verdict = ask(facts, name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == ("router-port-disabled", "S11")
        assert accused(verdict) == {"router-port-disabled"}
    (step,) = ask(facts).remedy.steps
    assert step.command == f"ovn-nbctl lsp-set-enabled {port} enabled"
    assert step.undo == f"ovn-nbctl lsp-set-enabled {port} disabled"
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command == f"openstack port set --enable {port}"


@pytest.mark.parametrize("enabled", [None, True])
def test_a_router_that_says_nothing_is_enabled(enabled: bool | None) -> None:
    facts = edit(
        healthy(), LogicalRouter, lambda row: msgspec.structs.replace(row, enabled=enabled)
    )
    assert audit(facts).causes == ()


def test_a_disabled_router_without_any_port_harms_nobody() -> None:
    idle = LogicalRouter(uuid="idle", name="idle", enabled=False)
    facts = edit(healthy(), LogicalRouter, lambda row: (row, idle))
    assert audit(facts).causes == ()


def test_a_lost_leg_is_made_anew_with_the_address_that_neutron_gave_it() -> None:
    facts = facts_of("router-interface-missing")
    (router,) = facts.nb[LogicalRouter]
    row = side(facts)
    made, joined = ask(facts).remedy.steps
    command = made.command.partition(" -- ")[2].split()
    assert command[:3] == ["lrp-add", router.name, f"lrp-{row.name}"]
    assert command[3].startswith("fa:16:3e:")
    assert command[4] == row.external_ids["neutron:cidrs"]
    assert made.undo == f"ovn-nbctl lrp-del lrp-{row.name}"
    assert joined.command.endswith(f"options:router-port=lrp-{row.name}")


def test_where_no_row_tells_whose_leg_it_was_nothing_is_guessed() -> None:
    verdict = ask(without_ids(facts_of("router-interface-missing")))
    assert verdict.verdict.cause == "router-interface-missing"
    assert verdict.remedy.steps == ()
    assert "No row tells" in verdict.remedy.note


def test_neutron_repairs_a_lost_leg_itself() -> None:
    facts = facts_of("router-interface-missing")
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command.startswith("neutron-ovn-db-sync-util ")


def test_the_right_peer_is_named_and_other_options_stay() -> None:
    facts = edit(
        facts_of("router-peer-mismatch"),
        LogicalSwitchPort,
        lambda row: (
            msgspec.structs.replace(row, options={**row.options, "arp_proxy": "10.9.0.0/24"})
            if row.type == "router"
            else row
        ),
    )
    name = side(facts).name
    (step,) = ask(facts).remedy.steps
    prefix = f"ovn-nbctl lsp-set-options {name} router-port="
    assert step.command == f"{prefix}lrp-{name} arp_proxy=10.9.0.0/24"
    assert step.undo == f"{prefix}lrp-of-yesterday arp_proxy=10.9.0.0/24"


@pytest.mark.parametrize("owner", ["network:router_interface", "network:router_gateway"])
def test_a_gateway_whose_side_is_lost_cuts_its_router_off(owner: str) -> None:
    name = side(healthy(), owner).name
    facts = edit(
        healthy(),
        LogicalSwitchPort,
        lambda row: (
            msgspec.structs.replace(row, options={**row.options, "router-port": "nowhere"})
            if row.name == name
            else row
        ),
    )
    assert "router-peer-mismatch" in accused(ask(facts))


def test_names_that_are_not_neutrons_are_no_mismatch() -> None:
    """The names are free; only a peer that does not exist is wrong."""
    old = side(healthy()).options["router-port"]
    facts = edit(
        healthy(),
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(row, name="inside") if row.name == old else row,
    )
    facts = edit(
        facts,
        LogicalSwitchPort,
        lambda row: (
            msgspec.structs.replace(row, options={"router-port": "inside"})
            if row.options.get("router-port") == old
            else row
        ),
    )
    assert audit(facts).causes == ()


def test_a_network_without_any_router_is_no_fault() -> None:
    facts = edit(healthy(), LogicalSwitchPort, lambda row: None if row.type == "router" else row)
    assert not accused(ask(facts)) & set(KINDS)
