"""What could be held against a host that Neutron bound no port to."""

from __future__ import annotations

from tests.openstack import (
    BINDING,
    PLUG,
    PORT,
    agent,
    chassis,
    cloud_of,
    network,
    port,
    server,
    signal,
    tried,
)
from viftrail.chain.refused import (
    DEAD_AGENT,
    NO_CHASSIS,
    agent_of,
    behind,
    given,
    refused,
    unmapped,
    unregistered,
)

FAILED = port(vif_type="binding_failed", host_id="cmp2")


def test_a_port_that_stands_and_a_build_that_failed() -> None:
    (standing,) = refused(cloud_of(ports=(FAILED,)))
    assert (standing.port_id, standing.host, standing.about.name) == (PORT, "cmp2", PORT)
    assert standing.proof.seen == "binding_failed, cmp2"
    (failed,) = refused(cloud_of(server(BINDING), actions=(tried("cmp2"),)))
    assert (failed.port_id, failed.host, failed.row) == (PORT, "cmp2", None)


def test_who_was_not_refused() -> None:
    assert not list(refused(cloud_of(ports=(port(),))))
    unbound = port(vif_type="binding_failed", host_id="")
    assert not list(refused(cloud_of(ports=(unbound,)))), "no host refused it"
    router = port(vif_type="binding_failed", device_owner="network:router_interface")
    assert not list(refused(cloud_of(ports=(router,))))
    assert not list(refused(cloud_of(server(PLUG), actions=(tried("cmp2"),))))
    assert not list(refused(cloud_of(server(BINDING)))), "on which host nobody said"


def test_the_reason_is_what_neutron_logged_last() -> None:
    logs = (signal(DEAD_AGENT, time=1, port=PORT), signal(NO_CHASSIS, time=2, port=PORT))
    cloud = cloud_of(ports=(FAILED,), logs=logs)
    (refusal,) = refused(cloud)
    assert given(cloud, refusal, NO_CHASSIS) is True
    assert given(cloud, refusal, DEAD_AGENT) is False
    assert given(cloud_of(ports=(FAILED,)), refusal, NO_CHASSIS) is None
    other = signal(NO_CHASSIS, port="another")
    assert given(cloud_of(ports=(FAILED,), logs=(other,)), refusal, NO_CHASSIS) is None


def test_a_chassis_is_meant_letter_by_letter() -> None:
    cloud = cloud_of(rows=[*chassis("CMP2"), *chassis("cmp1", behind=3)])
    assert unregistered(cloud, "cmp2")
    assert not unregistered(cloud, "cmp1")
    assert (behind(cloud, "cmp1"), behind(cloud, "cmp9")) == (3, 0)


def test_an_agent_is_its_hosts_own() -> None:
    cloud = cloud_of(agents=(agent("cmp1", alive=False), agent("cmp2", binary="metadata")))
    found = agent_of(cloud, "cmp1")
    assert found is not None
    assert not found.alive
    assert agent_of(cloud, "cmp2") is None


def test_a_mapping_is_missed_where_others_have_it_and_a_network_wants_it() -> None:
    both = "physnet1:br-ex,physnet2:br-two"
    rows = [*chassis("cmp1", ovn_bridge_mappings=both), *chassis("cmp2")]
    flat = network(network_type="flat", physical_network="physnet1")
    assert unmapped(cloud_of(rows=rows, networks=(flat,)), "cmp2") == ("physnet1",)
    assert unmapped(cloud_of(rows=rows, networks=(flat,)), "cmp1") == ()
    assert unmapped(cloud_of(rows=rows), "cmp2") == ()
    assert unmapped(cloud_of(rows=rows, networks=(flat,)), "cmp9") == ()
