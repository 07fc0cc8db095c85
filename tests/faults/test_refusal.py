"""Ports that Neutron refused to bind, told apart by what was refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openstack import (
    BINDING,
    PORT,
    agent,
    answer,
    cases,
    chassis,
    cloud_of,
    network,
    port,
    server,
    signal,
    tried,
)
from viftrail.chain.cloud import Cloud
from viftrail.diagnose import diagnose
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.row import Row
from viftrail.facts.southbound import Chassis
from viftrail.fix.shell import objection
from viftrail.verdict import Certainty, Risk

ON: dict[str, Any] = {"actions": (tried("cmp2"),)}
ALL = (
    "bind-host-mismatch",
    "bind-dead-agent",
    "bind-physnet-missing-on-host",
    "bind-mappings-not-seen",
)
FAILED = port(status="DOWN", vif_type="binding_failed", host_id="cmp2")
FLAT = network(network_type="flat", physical_network="physnet1")
MAPPED = "physnet1:br-ex"


def others(cloud: Cloud, fault_id: str) -> list[str]:
    return [each for each in ALL if each != fault_id and cases(each, cloud)]


@pytest.mark.parametrize("name", ["cmp2.example.org", "CMP2"])
def test_a_host_that_ovn_spells_otherwise(name: str) -> None:
    rows = [*chassis("cmp1"), *chassis(name, name="system-id")]
    cloud = cloud_of(server(BINDING), rows=rows, **ON)
    assert answer(cloud) == ("broken", "S3", "bind-host-mismatch")
    (case,) = cases("bind-host-mismatch", cloud)
    assert case.certainty is Certainty.PROVEN
    assert case.steps[0].command.endswith("external_ids:hostname=cmp2")
    assert case.steps[0].undo.endswith(f"external_ids:hostname={name}")
    assert not others(cloud, "bind-host-mismatch")


def test_a_host_of_another_name_is_only_likely_meant() -> None:
    cloud = cloud_of(server(BINDING), rows=chassis("cmp1"), **ON)
    (case,) = cases("bind-host-mismatch", cloud)
    assert case.certainty is Certainty.LIKELY
    assert case.steps == (), "whatever is tried fails again until cmp2 registers"
    assert "is ovn-controller configured and running there?" in case.note


def promised(hostname: str) -> LogicalSwitchPort:
    return LogicalSwitchPort(uuid="p", name="other", options={"requested-chassis": hostname})


def test_a_host_is_renamed_without_harm_where_no_port_is_promised_to_its_old_name() -> None:
    rows = chassis("cmp2.example.org", name="system-id")
    cloud = cloud_of(server(BINDING), rows=rows, northbound=(promised("cmp2"),), **ON)
    (case,) = cases("bind-host-mismatch", cloud)
    assert (case.steps[0].risk, case.steps[0].blinks) == (Risk.SAFE, "")


@pytest.mark.parametrize("read", [True, False])
def test_a_rename_that_takes_ports_their_claim_is_disruptive(read: bool) -> None:
    rows, old = chassis("cmp2.example.org", name="system-id"), promised("cmp2.example.org")
    cloud = cloud_of(server(BINDING), rows=rows, northbound=(old,) if read else (), **ON)
    if not read:
        cloud.nb._tables.clear()
    (case,) = cases("bind-host-mismatch", cloud)
    assert case.steps[0].risk is Risk.DISRUPTIVE
    said = "lose their claim: other" if read else "look with `ovn-nbctl --columns=name find"
    assert said in case.steps[0].blinks


def test_a_port_that_is_promised_to_the_chassis_by_name_keeps_its_claim() -> None:
    rows = chassis("CMP2", name="CMP2")
    cloud = cloud_of(server(BINDING), rows=rows, northbound=(promised("CMP2"),), **ON)
    (case,) = cases("bind-host-mismatch", cloud)
    assert case.steps[0].risk is Risk.SAFE


def test_names_that_agree() -> None:
    assert not cases("bind-host-mismatch", cloud_of(server(BINDING), **ON))


def test_chassis_that_were_not_read_are_not_missing() -> None:
    cloud = cloud_of(server(BINDING), **ON)
    cloud.sb._tables.clear()
    assert not cases("bind-host-mismatch", cloud)


def test_a_dead_agent() -> None:
    rows = [*chassis("cmp1"), *chassis("cmp2", behind=3)]
    agents = (agent("cmp1"), agent("cmp2", alive=False))
    cloud = cloud_of(server(BINDING), rows=rows, agents=agents, **ON)
    assert answer(cloud) == ("broken", "S3", "bind-dead-agent")
    assert not others(cloud, "bind-dead-agent")


def test_an_agent_that_lives_again_is_known_by_neutrons_log() -> None:
    log = (signal("refusing-to-bind-dead-agent", port=PORT, by="neutron-server"),)
    cloud = cloud_of(server(BINDING), logs=log, **ON)
    assert answer(cloud)[2] == "bind-dead-agent"
    assert not others(cloud, "bind-dead-agent")


def test_another_hosts_dead_agent_does_not_matter() -> None:
    agents = (agent("cmp1", alive=False), agent("cmp2"))
    assert not cases("bind-dead-agent", cloud_of(server(BINDING), agents=agents, **ON))


def test_a_listing_that_lags_is_no_proof_without_a_refusal() -> None:
    agents = tuple(agent(host, alive=False) for host in ("cmp1", "cmp2"))
    cloud = cloud_of(server(host="cmp2"), ports=(port(host_id="cmp2"),), agents=agents)
    assert not cases("bind-dead-agent", cloud)


def test_a_physical_network_that_the_host_does_not_map() -> None:
    rows = [*chassis("cmp1", ovn_bridge_mappings=MAPPED), *chassis("cmp2")]
    cloud = cloud_of(server(host="cmp2"), ports=(FAILED,), networks=(FLAT,), rows=rows)
    (case,) = cases("bind-physnet-missing-on-host", cloud)
    assert case.certainty is Certainty.PROVEN
    made, nic, mapped, *_ = case.steps
    assert "add-br br-ex" in made.command
    assert nic.command.endswith("add-port br-ex NIC")
    assert objection(nic.command) == "NIC is for you to fill in"
    assert "ovn-bridge-mappings=physnet1:br-ex" in mapped.command
    assert not others(cloud, "bind-physnet-missing-on-host")
    assert diagnose(cloud.facts, PORT, "vm").verdict.cause == "bind-physnet-missing-on-host"


def test_a_port_that_is_gone_leaves_what_the_host_alone_lacks() -> None:
    rows = [*chassis("cmp1", ovn_bridge_mappings=MAPPED), *chassis("cmp2")]
    cloud = cloud_of(server(BINDING), networks=(FLAT,), rows=rows, **ON)
    (case,) = cases("bind-physnet-missing-on-host", cloud)
    assert case.certainty is Certainty.LIKELY
    log = (signal("refusing-to-bind-no-mapping", port=PORT, physnet="physnet1"),)
    cloud = cloud_of(server(BINDING), networks=(FLAT,), rows=rows, logs=log, **ON)
    (case,) = cases("bind-physnet-missing-on-host", cloud)
    assert case.certainty is Certainty.PROVEN


def test_an_overlay_network_needs_no_mapping() -> None:
    rows = [*chassis("cmp1", ovn_bridge_mappings=MAPPED), *chassis("cmp2")]
    cloud = cloud_of(server(host="cmp2"), ports=(FAILED,), rows=rows)
    assert not cases("bind-physnet-missing-on-host", cloud)


def test_mappings_that_neutron_does_not_see() -> None:
    rows = [*chassis("cmp1"), *chassis("cmp2", ovn_bridge_mappings=MAPPED)]
    cloud = cloud_of(server(host="cmp2"), ports=(FAILED,), networks=(FLAT,), rows=rows)
    assert diagnose(cloud.facts, PORT, "vm").verdict.cause == "bind-mappings-not-seen"
    assert not others(cloud, "bind-mappings-not-seen")


def test_mappings_that_neutron_sees() -> None:
    rows = [*chassis("cmp1"), *chassis("cmp2", ovn_bridge_mappings=MAPPED)]
    agents = (agent("cmp1"), agent("cmp2", bridge_mappings=MAPPED))
    cloud = cloud_of(
        server(host="cmp2"), ports=(FAILED,), networks=(FLAT,), rows=rows, agents=agents
    )
    assert not cases("bind-mappings-not-seen", cloud)
    old: list[Row] = [
        Chassis(
            uuid="o", name="cmp2", hostname="cmp2", external_ids={"ovn-bridge-mappings": MAPPED}
        )
    ]
    cloud = cloud_of(server(host="cmp2"), ports=(FAILED,), networks=(FLAT,), rows=old)
    assert not cases("bind-mappings-not-seen", cloud)


def test_a_refusal_for_no_reason_that_is_left() -> None:
    cloud = cloud_of(server(BINDING), **ON)
    assert answer(cloud) == ("broken", "S3", "build-port-binding-failed")
    assert not any(cases(fault_id, cloud) for fault_id in ALL)


def test_the_reason_takes_its_place() -> None:
    rows = [*chassis("cmp1"), *chassis("cmp2.example.org")]
    cloud = cloud_of(server(BINDING), rows=rows, **ON)
    assert cases("build-port-binding-failed", cloud)
    assert answer(cloud)[2] == "bind-host-mismatch"


@pytest.mark.parametrize("fault_id", [*ALL, "build-port-binding-failed"])
def test_a_gateways_port_is_no_servers(fault_id: str) -> None:
    rows = chassis("cmp1")
    gateway = port(device_owner="network:router_gateway", vif_type="binding_failed", host_id="cmp2")
    assert not cases(fault_id, cloud_of(server(host="cmp1"), ports=(gateway,), rows=rows))


@pytest.mark.parametrize("fault_id", [*ALL, "build-port-binding-failed"])
def test_a_port_that_is_bound_was_not_refused(fault_id: str) -> None:
    cloud = cloud_of(server(host="cmp1"), ports=(port(),), rows=chassis("cmp1.example.org"))
    assert not cases(fault_id, cloud)
