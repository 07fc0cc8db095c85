"""The plan of a lab, and the rows made of it."""

from __future__ import annotations

import dataclasses

import pytest

from viftrail.errors import UsageError
from viftrail.lab.design import Design
from viftrail.lab.folder import Folder
from viftrail.lab.ovsdb import plain
from viftrail.lab.rows import Rows
from viftrail.lab.shape import Shape


def test_identifiers_are_stable_within_a_lab_and_differ_between_labs() -> None:
    one, same, other = Design("a"), Design("a"), Design("b")
    assert one == same
    assert one.network.id != other.network.id
    assert one.vm("vm1", "compute1", "10.0.0.11") == same.vm("vm1", "compute1", "10.0.0.11")


def test_a_vm_made_again_is_another_to_neutron() -> None:
    design = Design("a")
    first = design.vm("vm1", "compute1", "10.0.0.11")
    second = design.vm("vm1", "compute1", "10.0.0.11", generation=1)
    assert first.port_id != second.port_id
    assert first.mac != second.mac
    assert first.mac.startswith("fa:16:3e:")


def test_addresses_of_twenty_computes_do_not_collide() -> None:
    nodes = Design("a", Shape(computes=20)).nodes
    management = [node.management_ip for node in nodes if node.management_ip]
    assert len(nodes) == 23
    assert len(set(management)) == len(management) == 22


def test_links_fit_the_kernel() -> None:
    vm = Design("a").vm("vm1", "compute1", "10.0.0.11", hybrid=True)
    for link in (vm.tap, vm.qbr, vm.qvb, vm.qvo):
        assert len(link) < 16
        assert link[3:] == vm.port_id[:11]
    assert vm.ovs_port == vm.qvo


def test_a_port_row_is_neutrons() -> None:
    design = Design("a")
    vm = design.vm("vm1", "compute1", "10.0.0.11")
    vm = dataclasses.replace(vm, floating_ip=design.floating_ip(vm))
    rows = Rows(design, "gateway")
    row = {key: plain(value) for key, value in rows.port(vm, ["named-uuid", "x"]).items()}
    assert row["name"] == vm.port_id
    assert row["addresses"] == row["port_security"] == [f"{vm.mac} 10.0.0.11"]
    assert row["options"] == {"requested-chassis": "compute1"}
    assert row["external_ids"]["neutron:cidrs"] == "10.0.0.11/24"
    assert row["external_ids"]["neutron:port_fip"] == "203.0.113.101"
    assert row["external_ids"]["neutron:device_owner"] == "compute:nova"


def test_dhcp_options_have_what_northd_requires() -> None:
    row = Rows(Design("a"), "gateway").dhcp_options()
    assert {"server_id", "server_mac", "lease_time", "router", "mtu"} <= set(plain(row["options"]))


@pytest.mark.parametrize("name", ["", "A", "a" * 25, "a/b", "..", "a b", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        Folder(name)


def test_sockets_of_the_longest_names_fit() -> None:
    node = Folder("a" * 24).node("compute20")
    assert len(str(node / "run" / "ovn-controller.4194304.ctl")) < 108
