"""What lies on a port's way, and what does not."""

from __future__ import annotations

from tests.cloud import healthy, vm
from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import Role, Trail, trail_of


def trail(server: str, *also: str) -> Trail:
    cloud = Cloud(healthy())
    return trail_of(cloud, cloud.ports[vm(healthy(), server)], server, also)


def test_the_way_out_leads_over_the_gateway() -> None:
    found = trail("vm1")
    assert (found.host, found.peers, found.floating_ips) == (
        "compute1",
        ("network1",),
        ("203.0.113.101",),
    )
    assert found.subjects[subject.host("compute1")] is Role.OWN
    assert found.subjects[subject.host("network1")] is Role.PATH
    assert found.subjects[subject.tunnel("network1", "compute1")] is Role.PATH


def test_other_ports_and_hosts_are_not_on_it() -> None:
    subjects = trail("vm1").subjects
    assert subject.host("compute2") not in subjects
    assert subject.port(vm(healthy(), "vm2")) not in subjects


def test_a_pair_adds_the_other_end() -> None:
    found = trail("vm1", "compute1", "compute2")
    assert found.peers == ("network1", "compute2")
    assert subject.tunnel("compute1", "compute2") in found.subjects


def test_a_port_without_a_floating_ip_has_none() -> None:
    assert trail("vm2").floating_ips == ()
