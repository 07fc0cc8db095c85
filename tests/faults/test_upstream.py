"""prov-upstream-stale-arp."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, healthy
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NAT, LogicalRouterPort
from viftrail.facts.southbound import MACBinding
from viftrail.verdict import State

STALE, CONFLICT = "prov-upstream-stale-arp", "fip-external-ip-conflict"
FIP = "203.0.113.101"
OTHER = "lrp-of-another-router"


def former() -> str:
    """The MAC that the floating IP has while it is distributed."""
    (row,) = healthy().nb[NAT].find("external_ip", FIP)
    return row.external_ids["neutron:fip_external_mac"]


def heard(mac: str, port: str = OTHER) -> Facts:
    return add(healthy(), MACBinding(uuid="m", ip=FIP, mac=mac, logical_port=port))


def test_another_router_that_keeps_the_mac_of_before() -> None:
    verdict = ask(heard(former().upper()))
    assert accused(verdict) == {STALE}
    assert (verdict.verdict.state, verdict.verdict.stage) == (State.DEGRADED, "S12")
    assert verdict.causes[0].confidence.value == "likely"
    (step,) = verdict.remedy.steps
    assert step.command == "ovn-sbctl --if-exists destroy MAC_Binding m"
    assert accused(ask(heard(former()), "vm2")) == set()


def test_who_has_the_right_mac_or_that_of_a_stranger_is_another_matter() -> None:
    right = [leg.mac for leg in healthy().nb[LogicalRouterPort]]
    for mac in right:
        assert accused(ask(heard(mac))) == set()
    assert accused(ask(heard("02:00:00:00:00:01"))) == {CONFLICT}


def test_while_it_is_distributed_that_is_its_mac() -> None:
    facts = edit(
        heard(former()), NAT, lambda row: msgspec.structs.replace(row, external_mac=former())
    )
    assert {STALE, CONFLICT}.isdisjoint(accused(ask(facts)))


@pytest.mark.parametrize("missing", [LogicalRouterPort])
def test_where_the_routers_ports_were_not_read_nobody_is_accused(
    missing: type[LogicalRouterPort],
) -> None:
    assert STALE not in accused(ask(edit(heard(former()), missing, lambda _row: None)))


def test_the_routers_own_port_is_no_neighbour() -> None:
    own = next(leg.name for leg in healthy().nb[LogicalRouterPort] if leg.gateway_chassis)
    assert STALE not in accused(ask(heard(former(), own)))


def test_an_audit_of_a_healthy_cloud_is_silent() -> None:
    assert STALE not in {group.id for group in audit(healthy()).groups}
