"""router-no-default-route and router-mode-conflict."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalRouter, LogicalRouterPort, StaticRoute
from viftrail.facts.openstack import NeutronSubnet, OpenStack

TORN = "router-mode-conflict"
ROUTELESS = "router-no-default-route"


def without_routes() -> Facts:
    return edit(
        healthy(), LogicalRouter, lambda row: msgspec.structs.replace(row, static_routes=())
    )


def test_a_router_with_a_gateway_and_no_default_route() -> None:
    facts = without_routes()
    (router,) = facts.nb[LogicalRouter]
    for name in VMS:
        assert accused(ask(facts, name)) == {ROUTELESS}
    (step,) = ask(facts).remedy.steps
    assert step.command == f"ovn-nbctl lr-route-add {router.name} 0.0.0.0/0 203.0.113.1"
    assert step.undo == f"ovn-nbctl lr-route-del {router.name} 0.0.0.0/0"


def subnets_of_the_gateway(text: str) -> Facts:
    return edit(
        neutron_only(without_routes()),
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(
            row, external_ids={**row.external_ids, "neutron:subnet_ids": text}
        ),
    )


def test_neutrons_subnet_may_be_without_a_gateway_on_purpose() -> None:
    (cause,) = ask(subnets_of_the_gateway("four"), vm(healthy())).causes
    assert (cause.id, cause.remedy.steps) == (ROUTELESS, ())
    assert "may be meant so" in cause.remedy.note
    assert "`openstack subnet set --gateway 203.0.113.1 four`" in cause.remedy.note
    assert audit(without_routes()).causes == (), "nobody has complained"


def test_a_gateway_port_has_a_subnet_of_each_version() -> None:
    facts = subnets_of_the_gateway("six four")
    subnets = (NeutronSubnet(id="six", ip_version=6), NeutronSubnet(id="four"))
    (cause,) = ask(facts, vm(healthy())).causes
    assert "--gateway 203.0.113.1 SUBNET`, where SUBNET is" in cause.remedy.note
    assert "among six, four." in cause.remedy.note, "which is which is not known"
    told = replace(facts, openstack=OpenStack(subnets=subnets))
    (cause,) = ask(told, vm(healthy())).causes
    assert "--gateway 203.0.113.1 four`" in cause.remedy.note


def test_another_route_is_no_default_route() -> None:
    facts = edit(
        healthy(), StaticRoute, lambda row: msgspec.structs.replace(row, ip_prefix="10.7.0.0/16")
    )
    assert accused(ask(facts)) == {ROUTELESS}
    assert "10.7.0.0/16 via" in ask(facts).causes[0].evidence[0].seen


def test_a_router_without_gateway_or_with_ipv6_alone_needs_no_such_route() -> None:
    facts = edit(
        without_routes(),
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(
            row,
            networks=("2001:db8::a/64",) if row.gateway_chassis else row.networks,
        ),
    )
    assert ROUTELESS not in accused(ask(facts))
    facts = edit(
        without_routes(),
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(row, gateway_chassis=(), external_ids={}),
    )
    assert ROUTELESS not in {cause.id for cause in audit(facts).causes}


def test_two_kinds_of_gateway_exclude_each_other() -> None:
    facts = facts_of(TORN)
    for name in VMS:
        assert accused(ask(facts, name)) == {TORN}
    (step,) = ask(facts).remedy.steps
    assert step.command.endswith("options chassis")
    (router,) = facts.nb[LogicalRouter]
    assert step.undo.endswith(f"options:chassis={router.options['chassis']}")


@pytest.mark.parametrize("options", [{}, {"chassis": ""}])
def test_a_router_bound_to_no_chassis_is_right(options: dict[str, str]) -> None:
    facts = edit(
        healthy(), LogicalRouter, lambda row: msgspec.structs.replace(row, options=options)
    )
    assert audit(facts).causes == ()


def test_a_gateway_router_without_gateway_chassis_is_another_matter() -> None:
    facts = edit(
        facts_of(TORN),
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(row, gateway_chassis=()),
    )
    assert TORN not in accused(ask(facts))
