"""Ports that stayed unbound, or whose record is old."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.openstack import (
    PORT,
    agent,
    cases,
    chassis,
    cloud_of,
    network,
    port,
    server,
    up,
)
from viftrail.diagnose import diagnose
from viftrail.verdict import Risk

FAILED = port(status="DOWN", vif_type="binding_failed")


def test_a_host_that_is_well_again_has_to_be_asked_again() -> None:
    cloud = cloud_of(server(host="cmp1"), ports=(FAILED,))
    (case,) = cases("bind-failed-sticky", cloud)
    assert [step.risk for step in case.steps] == [Risk.SAFE, Risk.DISRUPTIVE]
    assert diagnose(cloud.facts, PORT, "vm").verdict.cause == "bind-failed-sticky"


@pytest.mark.parametrize(
    "changes",
    [
        {"agents": (agent("cmp1", alive=False),)},
        {"rows": chassis("cmp1", behind=4)},
        {"rows": chassis("cmp1.example.org")},
        {"networks": (network(network_type="flat", physical_network="physnet1"),)},
    ],
    ids=["dead", "behind", "misnamed", "unmapped"],
)
def test_a_host_that_is_not_well_is_the_cause_itself(changes: dict[str, Any]) -> None:
    cloud = cloud_of(server(host="cmp1"), ports=(FAILED,), **changes)
    assert not cases("bind-failed-sticky", cloud)


def test_a_port_of_nobody() -> None:
    loose = port(vif_type="unbound", host_id="", device_id="", device_owner="", status="DOWN")
    cloud = cloud_of(ports=(loose,), northbound=(up()[0],))
    (case,) = cases("bind-unbound-no-host", cloud)
    assert "server add port" in case.steps[0].command
    assert diagnose(cloud.facts, PORT, PORT).verdict.cause == "bind-unbound-no-host"


def test_a_server_without_its_ports_host() -> None:
    lost = port(vif_type="unbound", host_id="", status="DOWN")
    (case,) = cases("bind-unbound-no-host", cloud_of(server(host="cmp1"), ports=(lost,)))
    assert f"--host cmp1 {PORT}" in case.steps[0].command
    assert not cases("bind-unbound-no-host", cloud_of(server(status="BUILD"), ports=(lost,)))


def test_the_metadata_port_is_bound_to_no_host_by_design() -> None:
    row = port(vif_type="unbound", host_id="", device_owner="network:distributed")
    assert not cases("bind-unbound-no-host", cloud_of(ports=(row,)))


DPDK = {"datapath_type": "netdev", "iface_types": "system,dpdkvhostuser,geneve"}
USERSPACE = {"datapath_type": "netdev", "iface_types": "system,geneve"}
KERNEL = {"datapath_type": "system", "iface_types": "system,dpdkvhostuser,geneve"}


@pytest.mark.parametrize(
    ("kind", "vif", "wrong"),
    [
        (DPDK, "vhostuser", False),
        (DPDK, "ovs", True),
        (USERSPACE, "ovs", False),
        (USERSPACE, "vhostuser", True),
        (KERNEL, "ovs", False),
        (KERNEL, "vhostuser", True),
        ({}, "vhostuser", False),
    ],
)
def test_the_kind_of_switch(kind: dict[str, Any], vif: str, wrong: bool) -> None:
    rows = chassis("cmp1", **kind)
    cloud = cloud_of(server(host="cmp1"), ports=(port(vif_type=vif),), rows=rows)
    assert bool(cases("bind-vhostuser-mismatch", cloud)) is wrong


def test_neutron_was_not_told() -> None:
    row, binding = up()
    cloud = cloud_of(
        server(host="cmp1"), ports=(port(status="DOWN"),), northbound=(row,), bindings=(binding,)
    )
    (case,) = cases("neutron-status-stale", cloud)
    assert case.victims == frozenset()
    verdict = diagnose(cloud.facts, PORT, "vm")
    assert verdict.causes[0].id == "neutron-status-stale"
    assert verdict.causes[0].state.value == "degraded"


@pytest.mark.parametrize(
    "changes",
    [{}, {"status": "DOWN", "admin_state_up": False}, {"status": "DOWN", "vif_type": "unbound"}],
    ids=["active", "switched off", "unbound"],
)
def test_a_status_that_is_right(changes: dict[str, Any]) -> None:
    row, binding = up()
    cloud = cloud_of(
        server(host="cmp1"), ports=(port(**changes),), northbound=(row,), bindings=(binding,)
    )
    assert not cases("neutron-status-stale", cloud)


def test_a_port_that_is_down_in_ovn_too_is_not_stale() -> None:
    row, binding = up()
    cloud = cloud_of(
        server(host="cmp1"),
        ports=(port(status="DOWN"),),
        northbound=(replace(row, up=False),),
        bindings=(binding,),
    )
    assert not cases("neutron-status-stale", cloud)


def test_neutrons_own_numbers_tell_what_northbound_lacks() -> None:
    """The owner that OpenStack makes: a missing row, and one of another revision."""
    missing = cloud_of(server(host="cmp1"), ports=(port(revision_number=5),))
    assert [case.subject.name for case in cases("nb-lsp-missing", missing)] == [PORT]
    row, binding = up(external_ids={"neutron:revision_number": "4"})
    older = cloud_of(
        server(host="cmp1"),
        ports=(port(revision_number=5),),
        northbound=(row,),
        bindings=(binding,),
    )
    (case,) = cases("nb-revision-mismatch", older)
    assert "revision 4" in case.summary
    assert case.steps[0].command.startswith("openstack port set")
    same = cloud_of(server(host="cmp1"), ports=(port(revision_number=4),), northbound=(row,))
    assert not cases("nb-revision-mismatch", same)
    refused = port(revision_number=5, vif_type="binding_failed")
    assert not cases("nb-revision-mismatch", cloud_of(ports=(refused,), northbound=(row,)))


def test_a_hybrid_plug_that_neutron_asks_for_is_no_fault() -> None:
    row, binding = up()
    hybrid = port(vif_details={"ovs_hybrid_plug": True})
    cloud = cloud_of(server(host="cmp1"), ports=(hybrid,), northbound=(row,), bindings=(binding,))
    owned = cloud.ports[PORT].owned
    assert owned is not None
    assert owned.hybrid
    assert not any(cause.stage == "S3" for cause in diagnose(cloud.facts, PORT, "vm").causes)
