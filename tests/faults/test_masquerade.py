"""snat-disabled and snat-wrong-address."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NAT, LogicalRouter
from viftrail.facts.openstack import NeutronRouter, OpenStack
from viftrail.verdict import Certainty

BARE, FOREIGN = "snat-disabled", "snat-wrong-address"


def without_snat() -> Facts:
    return edit(healthy(), NAT, lambda row: None if row.type == "snat" else row)


def translated(**columns: str) -> Facts:
    """The snat row with other columns."""
    return edit(
        healthy(),
        NAT,
        lambda row: msgspec.structs.replace(row, **columns) if row.type == "snat" else row,
    )


def test_every_vm_without_a_floating_ip_has_this_one_cause() -> None:
    for kind in (BARE, FOREIGN):
        for name in VMS:
            verdict = ask(facts_of(kind), name)
            assert (verdict.verdict.cause, verdict.verdict.stage) == (kind, "S13")
            assert accused(verdict) == {kind}


def test_a_vm_with_a_floating_ip_is_not_affected() -> None:
    for facts in (without_snat(), translated(external_ip="198.51.100.77")):
        assert accused(ask(facts, "vm1")) == set()
        assert accused(ask(facts, "vm2")) != set()


def test_it_may_be_meant_so() -> None:
    assert audit(without_snat()).groups == ()
    (group,) = audit(without_snat(), only=BARE).groups
    assert (group.id, group.victims) == (BARE, 2)
    cause = ask(without_snat(), "vm2").causes[0]
    assert "enable_snat=false" in cause.remedy.note
    assert cause.confidence is Certainty.LIKELY, "no row of the VM tells that it is not meant"


@pytest.mark.parametrize(
    ("enabled", "found"), [(False, set()), (True, {BARE}), (None, {BARE})], ids=str
)
def test_neutron_says_whether_it_is_meant_so(enabled: bool | None, found: set[str]) -> None:
    (row,) = healthy().nb[LogicalRouter]
    router = NeutronRouter(id=row.name.removeprefix("neutron-"), enable_snat=enabled)
    facts = replace(without_snat(), openstack=OpenStack(routers=(router,)))
    assert accused(ask(facts, "vm2")) == found


def test_the_subnet_is_translated_to_the_routers_own_address() -> None:
    (router,) = healthy().nb[LogicalRouter]
    (step,) = ask(without_snat(), "vm2").remedy.steps
    assert step.command == f"ovn-nbctl lr-nat-add {router.name} snat 203.0.113.10 10.0.0.0/24"
    (step,) = ask(neutron_only(without_snat()), vm(healthy(), "vm2")).remedy.steps
    assert "--enable-snat" in step.command
    (step,) = ask(translated(external_ip="198.51.100.77"), "vm2").remedy.steps
    assert step.command.endswith("external_ip=203.0.113.10")


def test_a_wider_range_and_another_address_of_the_subnet_will_do() -> None:
    assert accused(ask(translated(logical_ip="0.0.0.0/0"), "vm2")) == set()
    assert accused(ask(translated(external_ip="203.0.113.99"), "vm2")) == set()


def test_a_row_for_another_subnet_does_not_help() -> None:
    assert accused(ask(translated(logical_ip="10.9.0.0/24"), "vm2")) == {BARE}
