"""nb-addresses-drift, port-admin-down, nb-duplicate-address."""

from __future__ import annotations

import pytest

from tests.cloud import accused, ask, change_port, healthy, neutron_only, vm
from viftrail.audit import audit
from viftrail.facts.northbound import LogicalSwitchPort

OWN = "fa:16:3e:be:86:ea 10.0.0.11"
VRRP = "00:00:5e:00:01:07"
OF_VM2 = "fa:16:3e:fd:ee:e3 10.0.0.12"


WRONG = "fa:16:3e:be:86:ea 10.0.0.99"


@pytest.mark.parametrize(
    "addresses", [(), (WRONG,), ("",), ("dynamic",), ("unknown",), (WRONG, "unknown")]
)
def test_addresses_that_are_not_the_owners(addresses: tuple[str, ...]) -> None:
    (cause,) = audit(change_port(healthy(), addresses=addresses)).causes
    assert (cause.id, cause.subject) == ("nb-addresses-drift", f"port {vm(healthy())}")
    assert OWN in cause.remedy.steps[0].command


@pytest.mark.parametrize("addresses", [(OWN,), (OWN.upper(),), (OWN, "unknown")])
def test_addresses_that_accuse_nobody(addresses: tuple[str, ...]) -> None:
    assert accused(ask(change_port(healthy(), addresses=addresses))) == set()


@pytest.mark.parametrize("address", ["dynamic", "unknown"])
def test_where_nobody_says_the_address_ovn_may_choose_it_or_know_none(address: str) -> None:
    facts = change_port(healthy(), addresses=(address,))
    assert accused(ask(neutron_only(facts), vm(facts))) == set()


@pytest.mark.parametrize(
    ("before", "old"), [((WRONG, VRRP), f'["{WRONG}","{VRRP}"]'), ((), "[]"), (("",), '[""]')]
)
def test_the_undo_writes_what_was_there_before(before: tuple[str, ...], old: str) -> None:
    (step,) = ask(change_port(healthy(), addresses=before)).remedy.steps
    assert step.command.endswith(f"""'addresses=["{OWN}"]'""")
    assert step.undo.endswith(f"'addresses={old}'")


@pytest.mark.parametrize(("secured", "kept"), [((), True), ((OWN,), False)])
def test_only_a_port_without_port_security_stays_open_to_any_mac(
    secured: tuple[str, ...], kept: bool
) -> None:
    facts = change_port(healthy(), addresses=("unknown",), port_security=secured)
    (step,) = audit(facts).causes[0].remedy.steps
    assert ("unknown" in step.command) is kept


def test_without_the_owner_only_an_empty_column_is_wrong() -> None:
    port = vm(healthy(), "vm2")
    other = change_port(healthy(), "vm2", addresses=("fa:16:3e:fd:ee:e3 10.0.0.99",))
    assert accused(ask(neutron_only(other), port)) == set()
    empty = change_port(healthy(), "vm2", addresses=())
    (cause,) = ask(neutron_only(empty), port).causes
    assert (cause.id, cause.remedy.steps) == ("nb-addresses-drift", ())


def test_a_port_that_is_down() -> None:
    down = change_port(healthy(), enabled=False)
    assert audit(down).causes == (), "somebody ordered it"
    assert accused(ask(down)) == {"port-admin-down"}
    (cause,) = audit(down, only="port-admin-down").causes
    assert (cause.id, cause.subject) == ("port-admin-down", f"port {vm(healthy())}")
    (step,) = cause.remedy.steps
    assert step.command == f"ovn-nbctl lsp-set-enabled {vm(healthy())} enabled"


@pytest.mark.parametrize(
    ("owner", "found"), [("Octavia", set()), ("compute:nova", {"port-admin-down"})]
)
def test_octavia_keeps_the_port_of_a_vip_down(owner: str, found: set[str]) -> None:
    row = next(row for row in healthy().nb[LogicalSwitchPort] if row.name == vm(healthy()))
    ids = {**row.external_ids, "neutron:device_owner": owner, "neutron:device_id": "lb-1"}
    facts = change_port(healthy(), enabled=False, external_ids=ids)
    assert accused(ask(facts)) == found


def test_two_routers_of_vrrp_share_its_mac() -> None:
    """Neutron writes an allowed address pair's MAC as a further entry of both ports."""
    facts = change_port(healthy(), addresses=(OWN, VRRP))
    facts = change_port(facts, "vm2", addresses=(OF_VM2, VRRP))
    assert "nb-duplicate-address" not in {group.id for group in audit(facts).groups}


@pytest.mark.parametrize("first", [f"{VRRP} 10.0.0.11", "fa:16:3e:be:86:ea 10.0.0.12"])
def test_two_ports_share_their_own_mac_or_an_ip_address(first: str) -> None:
    facts = change_port(healthy(), addresses=(first,))
    if VRRP in first:
        facts = change_port(facts, "vm2", addresses=(f"{VRRP} 10.0.0.12",))
    assert "nb-duplicate-address" in {group.id for group in audit(facts).groups}


def test_two_ports_with_one_address_are_told_once() -> None:
    found = audit(change_port(healthy(), addresses=(OWN, OF_VM2)))
    (group,) = [group for group in found.groups if group.id == "nb-duplicate-address"]
    assert (len(group.subjects), group.victims) == (1, 2)
    assert group.subjects[0].startswith("network neutron-")
    assert group.example.remedy.steps == (), "its owner says which one goes"
    for port in (vm(healthy(), "vm1"), vm(healthy(), "vm2")):
        assert port in group.example.remedy.note


def test_a_third_port_of_the_network_is_well() -> None:
    facts = change_port(healthy(), addresses=(OWN, OF_VM2))
    assert "nb-duplicate-address" in accused(ask(facts, "vm2"))
    assert accused(ask(facts, "vm3")) == set()
