"""Which chassis make tunnels to each other, and which hosts need one."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import add, edit, healthy, vm, without
from viftrail.chain.cloud import Cloud
from viftrail.chain.mesh import apart, encaps, is_overlay, is_remote, need_each_other, realms
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
)
from viftrail.facts.southbound import Chassis


def chassis(*names: str) -> Chassis:
    return Chassis(transport_zones=names)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((), (), False),
        (("edge",), (), True),  # the default zone is one of its own
        (("edge",), ("edge", "core"), False),
        (("edge",), ("core",), True),
    ],
)
def test_tunnels_are_made_within_a_zone(
    one: tuple[str, ...], other: tuple[str, ...], expected: bool
) -> None:
    assert apart(chassis(*one), chassis(*other)) is expected
    assert apart(chassis(*other), chassis(*one)) is expected


def test_endpoints_and_other_clouds() -> None:
    cloud = Cloud(healthy())
    row = cloud.chassis_named("compute1")
    assert row is not None
    assert [(encap.type, encap.ip) for encap in encaps(cloud, row)] == [("geneve", "198.51.100.21")]
    assert not is_remote(row)
    assert is_remote(msgspec.structs.replace(row, other_config={"is-remote": "true"}))


def test_a_provider_network_is_no_overlay_even_without_its_localnet_port() -> None:
    for facts in (
        healthy(),
        edit(healthy(), LogicalSwitchPort, lambda row: None if row.type == "localnet" else row),
    ):
        cloud = Cloud(facts)
        kinds = {
            row.external_ids["neutron:network_name"]: is_overlay(cloud, row)
            for row in cloud.nb[LogicalSwitch]
        }
        assert kinds == {"net1": True, "public": False}


def test_a_realm_has_the_hosts_of_its_vms_and_of_its_gateways() -> None:
    (realm,) = realms(Cloud(healthy()))
    ports = {host: {port.label for port, _ in members} for host, members in realm.ports.items()}
    assert ports == {"compute1": {"vm1", "vm2"}, "compute2": {"vm3"}}
    assert realm.gateways == {"network1"}
    assert realm.hosts == {"compute1", "compute2", "network1"}


def two_networks(*, routed: bool) -> Facts:
    """vm3 moves to a network of its own, which the same router serves, or none."""
    port = healthy().nb[LogicalSwitchPort].one("name", vm(healthy(), "vm3"))
    assert port is not None
    leg = LogicalRouterPort(uuid="leg", name="lrp-second")
    peer = LogicalSwitchPort(
        uuid="peer", name="second", type="router", options={"router-port": leg.name}
    )
    switch = LogicalSwitch(uuid="second", name="neutron-second", ports=(port.uuid, peer.uuid))
    facts = edit(
        healthy(),
        LogicalSwitch,
        lambda row: msgspec.structs.replace(row, ports=tuple({*row.ports} - {port.uuid})),
    )
    facts = add(facts, switch, peer, leg)
    return attach(facts, leg.uuid) if routed else facts


def attach(facts: Facts, leg: str) -> Facts:
    return edit(
        facts, LogicalRouter, lambda row: msgspec.structs.replace(row, ports=(*row.ports, leg))
    )


def test_a_router_joins_networks() -> None:
    (realm,) = realms(Cloud(two_networks(routed=True)))
    assert realm.ports.keys() == {"compute1", "compute2"}
    apart_from_it = realms(Cloud(two_networks(routed=False)))
    assert sorted(map(sorted, (each.hosts for each in apart_from_it))) == [
        ["compute1", "network1"],
        ["compute2"],
    ]


def test_who_shares_a_network_or_a_gateway_needs_the_other() -> None:
    cloud = Cloud(healthy())
    assert need_each_other(cloud, "compute1", "compute2")
    assert need_each_other(cloud, "compute1", "network1")
    assert not need_each_other(cloud, "compute1", "controller")
    assert not need_each_other(Cloud(two_networks(routed=False)), "compute1", "compute2")


def test_a_cloud_without_rows_has_no_realm() -> None:
    assert realms(Cloud(without(healthy(), "OVN_Northbound"))) == ()
