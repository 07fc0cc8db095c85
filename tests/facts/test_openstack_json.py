"""OpenStack's answers are told by their keys, whoever printed them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.samples import folder
from viftrail.facts.intent import owner_of
from viftrail.facts.openstack import OpenStack
from viftrail.facts.openstack_json import Answers, kind_of, router, server
from viftrail.facts.saved import cli_table

CASE = "s3-two-hosts"


def answer(name: str) -> Any:
    return json.loads((folder() / CASE / "api" / name).read_text())


def table(name: str) -> list[dict[str, str]]:
    return cli_table.records((folder() / CASE / "api" / name).read_text())


def read(*answers: object) -> OpenStack:
    found = Answers()
    for each in answers:
        assert found.absorb(each)
    return found.openstack()


def test_nothing_asked_is_nothing_known() -> None:
    assert not Answers().openstack().asked


def test_a_list_that_is_empty_was_read() -> None:
    assert read({"ports": []}).ports == ()
    assert read({"ports": []}).servers is None


def test_an_envelope_a_record_and_a_list_of_records_say_the_same() -> None:
    whole = answer("nova-servers.json")
    one = next(row for row in whole["servers"] if row["name"] == "vm2")
    for form in (whole, {"server": one}, one, [one]):
        (row,) = (row for row in read(form).servers or () if row.name == "vm2")
        assert (row.host, row.vm_state, row.flavor.ram) == ("cmp2", "active", 128)


def test_what_the_command_line_prints_is_understood() -> None:
    (row,) = (
        read(
            {
                "id": "p",
                "mac_address": "fa:16:3e:00:00:01",
                "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.5"}],
                "binding_host_id": "cmp1",
                "binding_vif_type": "ovs",
                "binding_vif_details": {"ovs_hybrid_plug": True},
                "security_group_ids": ["g"],
                "status": "ACTIVE",
            }
        ).ports
        or ()
    )
    assert (row.host_id, row.vif_type, row.hybrid) == ("cmp1", "ovs", True)
    assert row.security_groups == ("g",)


def test_tables_are_read_where_there_is_nothing_better() -> None:
    openstack = read(
        table("cli-server-list.txt"),
        table("cli-port-list.txt"),
        table("cli-network-agent-list.txt"),
        table("cli-compute-service-list.txt"),
    )
    assert {row.name: row.host for row in openstack.servers or ()} == {"vm1": "cmp1", "vm2": "cmp2"}
    assert all(row.alive for row in openstack.agents or ())
    assert {row.state for row in openstack.services or ()} == {"up"}
    (port,) = (p for p in openstack.ports or () if p.id.startswith("c73460ab"))
    assert port.fixed_ips[0].ip_address == "192.168.10.90"
    assert not port.vif_type, "a list does not tell how it is bound"


def test_json_is_not_overwritten_by_a_table() -> None:
    openstack = read(answer("nova-servers.json"), table("cli-server-list.txt"))
    assert {row.flavor.vcpus for row in openstack.servers or ()} == {1}


def test_a_show_with_fields_and_values() -> None:
    text = (
        "+----------------------+-------+\n"
        "| Field                | Value |\n"
        "+----------------------+-------+\n"
        "| id                   | i     |\n"
        "| name                 | web   |\n"
        "| OS-EXT-STS:vm_state  | error |\n"
        "| flavor               | m1 (0c9076c2-4893-4b8e-b67a-3dc1f8c0431a) |\n"
        "| fault                | {'message': 'No valid host was found. '} |\n"
        "+----------------------+-------+\n"
    )
    (row,) = read(cli_table.records(text)).servers or ()
    assert row.fault is not None
    assert row.fault.message == "No valid host was found. "
    assert row.flavor.name == "m1"


def test_the_newer_answer_counts() -> None:
    old = {
        "id": "p",
        "mac_address": "m",
        "fixed_ips": [],
        "updated_at": "2026-01-01",
        "status": "DOWN",
    }
    new = {**old, "updated_at": "2026-01-02", "status": "ACTIVE"}
    for pair in ((old, new), (new, old)):
        (row,) = read(*pair).ports or ()
        assert row.status == "ACTIVE"


def test_an_inventory_is_its_providers() -> None:
    found = Answers()
    found.absorb(answer("placement-resource_providers.json"))
    found.absorb(answer("placement-inv-cmp1.json"), "inventory of cmp1")
    found.absorb(answer("placement-usages-cmp1.json"), "usage of cmp1")
    rows = {row.name: row for row in found.openstack().providers or ()}
    assert rows["cmp1"].inventories is not None
    assert rows["cmp1"].inventories["MEMORY_MB"].capacity == 10714
    assert rows["cmp1"].usages == {"VCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}
    assert rows["cmp2"].inventories is None


def test_candidates_tell_what_was_asked_for() -> None:
    share = {"resources": {"VCPU": 1, "MEMORY_MB": 64}}
    answers = {
        "allocation_requests": [{"allocations": {"a": share}}, {"allocations": {"b": share}}],
        "provider_summaries": {},
    }
    (found,) = read(answers).candidates or ()
    assert (found.providers, found.resources) == (2, {"VCPU": 1, "MEMORY_MB": 64})


@pytest.mark.parametrize("record", [{}, {"a": 1}, {"id": "x", "name": "y"}])
def test_what_says_nothing_is_nothing(record: dict[str, Any]) -> None:
    assert kind_of(record) == ""
    assert not Answers().absorb(record)


def test_an_unfinished_event_has_no_end() -> None:
    (path,) = (folder() / "s12-hard-reboot-stop-start" / "api").glob("server-action-stop-*")
    (row,) = read(json.loads(path.read_text())).actions or ()
    assert row.events[0].start
    assert not row.events[0].finish


def test_what_neutron_wants_of_ovn() -> None:
    openstack = read(
        *(
            answer(f"{name}.json")
            for name in (
                "nova-servers",
                "neutron-ports",
                "neutron-networks",
                "neutron-subnets",
                "neutron-floatingips",
            )
        )
    )
    owner = owner_of(openstack)
    assert owner.kind == "neutron"
    port = next(port for port in owner.ports if port.server == "vm2")
    assert (port.host, port.network, port.dhcp, port.revision) == ("cmp2", "self1", True, 4)
    assert port.cidrs == ("192.168.10.90/24",)
    assert port.switch.startswith("neutron-")
    assert port.port_groups[0].startswith("pg_")
    (fip,) = owner.floating_ips
    assert fip.router.startswith("neutron-")
    assert {port.server for port in owner.ports} == {"vm1", "vm2"}, "routers' ports are no guests'"


def test_what_was_not_said_is_not_known() -> None:
    """A list of the command line leaves a port's description out; without one it is empty."""
    whole = {"id": "p", "mac_address": "m", "fixed_ips": [], "network_id": "n"}
    for said, known in (({}, None), ({"description": ""}, ""), ({"description": "mine"}, "mine")):
        (port,) = read({"ports": [{**whole, **said}]}).ports or ()
        assert port.description == known


@pytest.mark.parametrize(
    ("told", "enabled"),
    [({"enable_snat": False}, False), ({"enable_snat": True}, True), ({}, None)],
)
def test_whether_a_router_masquerades(told: dict[str, bool], enabled: bool | None) -> None:
    raw = {"id": "r", "external_gateway_info": {"network_id": "n", **told}}
    assert router(raw).enable_snat is enabled
    printed = {"id": "r", "external_gateway_info": str(raw["external_gateway_info"])}
    assert router(printed).enable_snat is enabled
    assert router({"id": "r", "external_gateway_info": None}).enable_snat is None


def test_a_servers_key_is_known() -> None:
    assert server({"id": "i", "name": "vm", "key_name": "mine"}).key_name == "mine"
    assert server({"id": "i", "name": "vm", "key_name": None}).key_name == ""
