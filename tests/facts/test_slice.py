"""One target's trail: conditional questions only, few requests, few hosts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import msgspec
import pytest

from tests import openstack
from tests.cloud import edit, healthy, neutron_only, vm
from tests.facts.test_inquiry import Counting
from tests.recordings import NAMES, VMS, facts_of, port_of
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.northbound import (
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
)
from viftrail.facts.row import Row
from viftrail.facts.slice import MANY, follow, follow_server, is_gateway, network_of
from viftrail.facts.southbound import Chassis, Encap, SBGlobal
from viftrail.facts.target import resolve

SINGLE_ROW = (NBGlobal, SBGlobal)


def followed(facts: Facts, port_id: str) -> Counting:
    source = Counting(facts)
    follow(Inquiry(source), port_id)
    return source


ALL_CHASSIS: dict[str, set[type[Row]]] = {
    "tunnel-transport-zone": {Chassis},
    "tunnel-encap-type-mismatch": {Chassis, Encap},
}


@pytest.mark.parametrize("name", NAMES)
def test_no_table_is_ever_read_whole(name: str) -> None:
    facts = facts_of(name)
    for server, known in product(VMS, (facts, neutron_only(facts))):
        source = followed(known, port_of(facts, server))
        whole = {ask.row for asks in source.requests for ask in asks if not ask.column}
        # Whose zone, or kind of tunnel, is the odd one, all chassis together tell.
        assert whole <= {*SINGLE_ROW, *ALL_CHASSIS.get(name, ())}
        assert all(ask.value for asks in source.requests for ask in asks if ask.column)


def test_zones_that_overlap_need_no_look_at_other_chassis() -> None:
    zones = {"compute1": ("core", "edge")}
    facts = edit(
        healthy(),
        Chassis,
        lambda row: msgspec.structs.replace(
            row, transport_zones=zones.get(row.hostname, ("core",))
        ),
    )
    asked = [ask for asks in followed(facts, vm(facts)).requests for ask in asks]
    assert all(ask.column for ask in asked if ask.row is Chassis)


@pytest.mark.parametrize("name", NAMES)
def test_few_requests_and_few_hosts(name: str) -> None:
    facts = facts_of(name)
    source = followed(facts, port_of(facts, "vm3"))
    assert len(source.requests) <= 25
    if name == "healthy":
        assert set(source.looked) == {"controller", "network1", "compute2"}


@pytest.mark.parametrize("name", ["mac", "tap", "address"])
def test_finding_a_target_in_northbound_reads_ports_of_vms_at_most(name: str) -> None:
    facts = neutron_only(healthy())
    port_id = vm(healthy())
    text = {"mac": "fa:16:3e:be:86:ea", "tap": "tap" + port_id[:11], "address": "10.0.0.11"}[name]
    source = Counting(facts)
    assert resolve(Inquiry(source), text).port_id == port_id
    assert all(ask.column for asks in source.requests for ask in asks)


def test_the_members_of_a_large_network_are_not_read() -> None:
    facts = healthy()
    port_id = vm(facts)
    own = facts.nb[LogicalSwitchPort].one("name", port_id)
    assert own is not None
    crowd = tuple(f"00000000-0000-4000-8000-{n:012d}" for n in range(MANY + 1))

    def crowded(switch: LogicalSwitch) -> LogicalSwitch:
        if own.uuid not in switch.ports:
            return switch
        return msgspec.structs.replace(switch, ports=(*switch.ports, *crowd))

    facts = edit(facts, LogicalSwitch, crowded)
    source = followed(facts, port_id)
    assert sum(len(asks) for asks in source.requests) < MANY
    known = Inquiry(Counting(facts))
    follow(known, port_id)
    routers = known.facts().nb[LogicalSwitchPort].find("type", "router")
    assert routers, "its router must be found all the same"


def test_a_gateway_leg_is_one_that_has_or_should_have_a_chassis() -> None:
    assert is_gateway(LogicalRouterPort(gateway_chassis=("x",)))
    assert is_gateway(LogicalRouterPort(ha_chassis_group="x"))
    assert is_gateway(LogicalRouterPort(external_ids={"neutron:is_ext_gw": "True"}))
    assert not is_gateway(LogicalRouterPort(external_ids={"neutron:is_ext_gw": "False"}))


@pytest.mark.parametrize(
    ("cidr", "network"),
    [
        ("10.0.0.5/24", "10.0.0.0/24"),
        ("fd00::5/64", "fd00::/64"),
        ("10.0.0.5", "10.0.0.5/32"),
        ("", ""),
        ("x", ""),
    ],
)
def test_networks(cidr: str, network: str) -> None:
    assert network_of(cidr) == network


def test_of_a_server_without_a_host_some_of_the_computes_that_are_down_are_looked_at() -> None:
    """Why they are down, and whether they may be started, stands in their own logs."""
    rows = (openstack.service("compute1", state="down"), openstack.service("compute2"))
    late = openstack.server(openstack.FILTERED)
    said = openstack.cloud_of(late, services=rows).facts.openstack
    source = Counting(replace(healthy(), openstack=said))
    follow_server(Inquiry(source), openstack.ID)
    assert set(source.looked) == {"controller", "compute1"}
