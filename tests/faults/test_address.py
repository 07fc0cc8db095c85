"""nb-addresses-drift, port-admin-down, nb-duplicate-address."""

from __future__ import annotations

import pytest

from tests.cloud import accused, ask, change_port, healthy, neutron_only, vm
from viftrail.audit import audit

OWN = "fa:16:3e:be:86:ea 10.0.0.11"
OF_VM2 = "fa:16:3e:fd:ee:e3 10.0.0.12"


@pytest.mark.parametrize("addresses", [(), ("fa:16:3e:be:86:ea 10.0.0.99",), ("",)])
def test_addresses_that_are_not_the_owners(addresses: tuple[str, ...]) -> None:
    (cause,) = audit(change_port(healthy(), addresses=addresses)).causes
    assert (cause.id, cause.subject) == ("nb-addresses-drift", f"port {vm(healthy())}")
    assert OWN in cause.remedy.steps[0].command


@pytest.mark.parametrize("address", [OWN, OWN.upper(), "dynamic", "unknown"])
def test_addresses_that_accuse_nobody(address: str) -> None:
    assert accused(ask(change_port(healthy(), addresses=(address,)))) == set()


def test_without_the_owner_only_an_empty_column_is_wrong() -> None:
    port = vm(healthy(), "vm2")
    other = change_port(healthy(), "vm2", addresses=("fa:16:3e:fd:ee:e3 10.0.0.99",))
    assert accused(ask(neutron_only(other), port)) == set()
    empty = change_port(healthy(), "vm2", addresses=())
    (cause,) = ask(neutron_only(empty), port).causes
    assert (cause.id, cause.remedy.steps) == ("nb-addresses-drift", ())


def test_a_port_that_is_down() -> None:
    (cause,) = audit(change_port(healthy(), enabled=False)).causes
    assert (cause.id, cause.subject) == ("port-admin-down", f"port {vm(healthy())}")
    (step,) = cause.remedy.steps
    assert step.command == f"ovn-nbctl lsp-set-enabled {vm(healthy())} enabled"


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
