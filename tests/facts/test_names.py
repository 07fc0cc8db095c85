"""What one target is called in logs and rows."""

from __future__ import annotations

from tests.openstack import BINDING, ID, PORT, port, server, tried
from viftrail.facts.facts import Facts
from viftrail.facts.intent import owner_of
from viftrail.facts.names import names_of
from viftrail.facts.openstack import FixedIp, NeutronFloatingIp, OpenStack

OPENSTACK = OpenStack(
    servers=(server(domain="instance-00000001"),),
    actions=(tried("cmp1"),),
    ports=(port(fixed_ips=(FixedIp(ip_address="10.0.0.5"),)),),
    floating_ips=(
        NeutronFloatingIp(id="f", floating_ip_address="198.51.100.7", port_id=PORT),
        NeutronFloatingIp(id="g", floating_ip_address="198.51.100.8", port_id="another"),
    ),
)
ALL = {
    f"tap{PORT[:11]}", "fa:16:3e:00:00:01", "10.0.0.5", "instance-00000001", "req-1",
    "198.51.100.7",
}  # fmt: skip


def test_names_are_those_of_server_and_ports() -> None:
    names = names_of(Facts(openstack=OPENSTACK), [], ID)
    assert names.ports == (PORT,)
    assert set(names.others) == ALL
    assert names.ids[:2] == (PORT, ID)


def test_a_port_leads_to_its_server() -> None:
    facts = Facts(openstack=OPENSTACK, owner=owner_of(OPENSTACK))
    names = names_of(facts, [PORT, "", PORT])
    assert (names.ports, names.server_id) == ((PORT,), ID)
    assert set(names.others) == ALL


def test_a_port_that_only_the_fault_names_counts() -> None:
    failed = OpenStack(servers=(server(BINDING),))
    assert names_of(Facts(openstack=failed), [], ID).ports == (PORT,)


def test_nobody_has_no_names() -> None:
    assert names_of(Facts(openstack=OPENSTACK), []).ids == ()
    assert "" not in names_of(Facts(), [PORT], "unknown").ids
