"""What Neutron wants of OVN."""

from __future__ import annotations

from tests.openstack import ID, NET, PORT, network, port, server
from viftrail.facts.intent import is_guests, owner_of
from viftrail.facts.openstack import FixedIp, NeutronFloatingIp, NeutronSubnet, OpenStack

SUBNETS = (
    NeutronSubnet(id="s4", network_id=NET, cidr="10.0.0.0/24", enable_dhcp=False),
    NeutronSubnet(id="s6", network_id=NET, cidr="2001:db8::/64", ip_version=6),
    NeutronSubnet(id="odd", network_id=NET, cidr="none"),
)
FIXED = (
    FixedIp(ip_address="10.0.0.5", subnet_id="s4"),
    FixedIp(ip_address="2001:db8::5", subnet_id="s6"),
)


def test_a_port_is_told_with_all_that_ovn_shall_have() -> None:
    row = port(fixed_ips=FIXED, security_groups=("a-b",), revision_number=4)
    (owned,) = owner_of(
        OpenStack(servers=(server(),), ports=(row,), subnets=SUBNETS, networks=(network(),))
    ).ports
    assert (owned.id, owned.server_id, owned.server, owned.host) == (PORT, ID, "vm", "cmp1")
    assert owned.cidrs == ("10.0.0.5/24", "2001:db8::5/64")
    assert (owned.switch, owned.network) == (f"neutron-{NET}", "net")
    assert (owned.port_groups, owned.revision) == (("pg_a_b",), 4)
    assert owned.dhcp is False, "the subnet for IPv6 does not speak for the other"


def test_without_port_security_no_group_is_wanted() -> None:
    row = port(security_groups=("a-b",), port_security_enabled=False)
    assert owner_of(OpenStack(ports=(row,))).ports[0].port_groups == ()


def test_what_was_not_read_is_left_open() -> None:
    (owned,) = owner_of(OpenStack(ports=(port(fixed_ips=FIXED),))).ports
    assert (owned.cidrs, owned.dhcp, owned.network) == ((), None, "")
    assert owned.addresses == ("10.0.0.5", "2001:db8::5")
    odd = port(fixed_ips=(FixedIp(ip_address="10.0.0.5", subnet_id="odd"),))
    assert owner_of(OpenStack(ports=(odd,), subnets=SUBNETS)).ports[0].cidrs == ()


def test_where_the_binding_failed_novas_host_stands() -> None:
    row = port(host_id="")
    servers = (server(host="cmp2"),)
    assert owner_of(OpenStack(ports=(row,), servers=servers)).ports[0].host == "cmp2"
    assert owner_of(OpenStack(ports=(row,))).ports[0].host == ""


def test_the_networks_own_ports_are_no_guests() -> None:
    dhcp = port(device_owner="network:distributed")
    assert not is_guests(dhcp)
    assert is_guests(port(device_owner=""))
    assert owner_of(OpenStack(ports=(dhcp,))).ports == ()


def test_a_floating_ip_that_is_bound_to_nothing_is_not_wanted_of_ovn() -> None:
    bound = NeutronFloatingIp(
        id="f", floating_ip_address="198.51.100.7", port_id=PORT, router_id="r"
    )
    spare = NeutronFloatingIp(id="g", floating_ip_address="198.51.100.8")
    (fip,) = owner_of(OpenStack(floating_ips=(bound, spare))).floating_ips
    assert (fip.ip, fip.router) == ("198.51.100.7", "neutron-r")


def test_a_trunks_subport_is_known_as_one() -> None:
    ports = (port(device_owner="trunk:subport"), port(id="other"))
    assert [owned.subport for owned in owner_of(OpenStack(ports=ports)).ports] == [True, False]
