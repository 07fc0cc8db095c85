"""snat-disabled and snat-wrong-address."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NAT, LogicalRouter, LogicalRouterPort
from viftrail.facts.openstack import NeutronRouter, OpenStack
from viftrail.facts.slice import is_gateway
from viftrail.faults.masquerade import gateway_again
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


def snat(facts: Facts, *, rows: bool) -> Facts:
    """The router with its snat rows, or without."""
    return edit(facts, NAT, lambda row: row if rows or row.type != "snat" else None)


@pytest.mark.parametrize(("rows", "flag"), [(True, "--enable-snat"), (False, "--disable-snat")])
def test_an_update_of_the_gateway_leaves_snat_as_it_is(rows: bool, flag: str) -> None:
    """Neutron takes its default where the update says nothing of it."""
    cloud = Cloud(snat(healthy(), rows=rows))
    (gateway,) = cloud.gateways
    name = gateway.router.name.removeprefix("neutron-")
    command = f"openstack router set --external-gateway net {flag} {name}"
    assert gateway_again(cloud, gateway, "net") == command
    unlike = NeutronRouter(id=name, enable_snat=not rows)
    asked = Cloud(replace(cloud.facts, openstack=OpenStack(routers=(unlike,))))
    assert flag not in gateway_again(asked, gateway, "net"), "Neutron knows better than a row"
    silent = Cloud(replace(cloud.facts, openstack=OpenStack(routers=(NeutronRouter(id=name),))))
    assert gateway_again(silent, gateway, "net") == command


def test_where_nobody_tells_of_snat_the_gateway_is_the_operators_to_update() -> None:
    lone = edit(
        snat(facts_of("router-no-gateway-chassis"), rows=False),
        LogicalRouterPort,
        lambda row: (
            row if is_gateway(row) else msgspec.structs.replace(row, networks=("fd00::1/64",))
        ),
    )
    causes = {cause.id: cause for cause in audit(neutron_only(lone)).causes}
    remedy = causes["router-no-gateway-chassis"].remedy
    assert remedy.steps == ()
    assert "--disable-snat" in remedy.note
