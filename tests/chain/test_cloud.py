"""The relations between rows, hosts and ports."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import add, edit, healthy, neutron_only, vm
from viftrail.chain.cloud import Cloud, is_vm_port
from viftrail.facts.northbound import (
    HAChassis,
    HAChassisGroup,
    LogicalRouterPort,
    LogicalSwitchPort,
)
from viftrail.facts.southbound import Chassis


def owner_of(device_owner: str) -> LogicalSwitchPort:
    return LogicalSwitchPort(external_ids={"neutron:device_owner": device_owner})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (owner_of("compute:nova"), True),
        (owner_of("compute:az-2"), True),
        (LogicalSwitchPort(), True),  # an OVN without Neutron
        (owner_of("network:dhcp"), False),
        (owner_of("network:router_interface"), False),
        (owner_of("trunk:subport"), False),
        (owner_of("Octavia"), False),
        (owner_of("Octavia:health-mgr"), False),
        (owner_of("baremetal:none"), False),
        (LogicalSwitchPort(type="router"), False),
        (LogicalSwitchPort(type="localport"), False),
        (LogicalSwitchPort(type="localnet"), False),
        (LogicalSwitchPort(type="virtual"), False),
    ],
)
def test_which_ports_have_a_guest(row: LogicalSwitchPort, expected: bool) -> None:
    assert is_vm_port(row) is expected


def test_a_port_is_described_by_northbound_as_by_its_owner() -> None:
    owned = Cloud(healthy()).ports[vm(healthy())]
    alone = Cloud(neutron_only(healthy())).ports[vm(healthy())]
    assert (alone.mac, alone.addresses, alone.cidrs) == (owned.mac, owned.addresses, owned.cidrs)
    assert alone.ipv4 == "10.0.0.11"
    assert alone.label == alone.server
    assert owned.label == "vm1"
    assert alone.device_names()[0] == "tap" + alone.id[:11]


def test_dynamic_and_unknown_addresses_are_no_address() -> None:
    row = LogicalSwitchPort(name="p", addresses=("unknown", "fa:16:3e:00:00:01 10.0.0.5 fd00::5"))
    cloud = Cloud(add(neutron_only(healthy()), row))
    assert cloud.ports["p"].mac == "fa:16:3e:00:00:01"
    assert cloud.ports["p"].addresses == ("10.0.0.5", "fd00::5")


def test_during_a_live_migration_the_source_is_requested_first() -> None:
    row = LogicalSwitchPort(name="p", options={"requested-chassis": "compute1,compute2"})
    assert Cloud(add(neutron_only(healthy()), row)).ports["p"].requested_chassis == "compute1"


def test_a_host_is_found_by_plug_then_claim_then_wish() -> None:
    facts = neutron_only(healthy())
    cloud = Cloud(facts)
    port = cloud.ports[vm(healthy())]
    assert cloud.host_of(port) == "compute1"
    assert [plug.host for plug in cloud.plugs[port.id]] == ["compute1"]
    assert cloud.plugs[port.id][0].bridge == "br-int"


def test_a_chassis_goes_by_hostname_and_by_name() -> None:
    cloud = Cloud(healthy())
    chassis = cloud.sb[Chassis].one("hostname", "network1")
    assert chassis is not None
    assert cloud.chassis_named("network1") == cloud.chassis_named(chassis.name) == chassis
    assert cloud.tunnel_ip(chassis) == "198.51.100.11"


def test_the_gateway_is_where_its_redirect_port_is_claimed() -> None:
    (gateway,) = Cloud(healthy()).gateways
    assert gateway.host == "network1"
    assert gateway.named
    assert len(gateway.candidates) == 1


def grouped(group: tuple[HAChassisGroup, ...]) -> Cloud:
    """As Neutron 29 and newer schedules gateways."""

    def move(leg: LogicalRouterPort) -> LogicalRouterPort:
        if not leg.gateway_chassis:
            return leg
        return msgspec.structs.replace(leg, gateway_chassis=(), ha_chassis_group="g")

    return Cloud(add(edit(healthy(), LogicalRouterPort, move), *group))


def test_a_gateway_may_be_scheduled_by_a_group() -> None:
    members = (
        HAChassis(uuid="m1", chassis_name="low", priority=1),
        HAChassis(uuid="m2", chassis_name="high", priority=9),
    )
    group = HAChassisGroup(uuid="g", ha_chassis=("m1", "m2"))
    cloud = Cloud(add(grouped((group,)).facts, *members))
    (gateway,) = cloud.gateways
    assert gateway.candidates == ("high", "low")
    assert gateway.named


def test_a_group_without_members_names_nobody() -> None:
    (gateway,) = grouped((HAChassisGroup(uuid="g"),)).gateways
    assert not gateway.named


def test_a_router_that_uses_a_network_as_its_outside_does_not_serve_it() -> None:
    """A VM right on the provider network does not depend on every tenant's router there."""
    cloud = Cloud(healthy())
    (gateway,) = cloud.gateways
    side = cloud.provider_side(gateway)
    assert side is not None
    assert cloud.routers_of(side[0]) == ()
    inside = cloud.switch_of(cloud.ports[vm(healthy())])
    assert inside is not None
    assert [router.uuid for router in cloud.routers_of(inside)] == [gateway.router.uuid]
