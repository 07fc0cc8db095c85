"""router-route-wrong."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS, facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalRouter, StaticRoute
from viftrail.verdict import State

WRONG = "router-route-wrong"


def routed(**columns: str) -> Facts:
    """The default route with other columns."""
    return edit(healthy(), StaticRoute, lambda row: msgspec.structs.replace(row, **columns))


def test_every_vm_behind_the_router_has_this_one_cause() -> None:
    facts = facts_of(WRONG)
    for name in VMS:
        verdict = ask(facts, name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (WRONG, "S11")
        assert accused(verdict) == {WRONG}


def test_the_first_address_of_the_subnet_is_named() -> None:
    (step,) = ask(routed(nexthop="198.51.100.254")).remedy.steps
    assert step.command.endswith("nexthop=203.0.113.1")
    assert step.undo.endswith("nexthop=198.51.100.254")


def test_neutron_is_asked_what_it_wants() -> None:
    facts = routed(nexthop="198.51.100.254")
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command == "openstack router show -c external_gateway_info router1"


@pytest.mark.parametrize(
    "hop", ["203.0.113.77", "10.0.0.11", "169.254.0.1", "fe80::1", "discard", ""]
)
def test_a_next_hop_on_a_wire_or_that_cannot_be_read_is_not_accused(hop: str) -> None:
    assert accused(ask(routed(nexthop=hop))) == set()


def test_one_on_a_wire_where_nobody_has_it_is_another_fault() -> None:
    assert accused(ask(routed(nexthop="10.0.0.5"))) == {"router-nexthop-dead"}


def test_a_wrong_route_to_one_network_cuts_nobody_off() -> None:
    extra = StaticRoute(uuid="x", ip_prefix="192.168.9.0/24", nexthop="172.16.0.1")
    facts = edit(
        add(healthy(), extra),
        LogicalRouter,
        lambda row: msgspec.structs.replace(row, static_routes=(*row.static_routes, "x")),
    )
    verdict = ask(facts)
    assert (verdict.verdict.cause, verdict.verdict.state) == (WRONG, State.DEGRADED)
    assert verdict.remedy.steps == ()
