"""What tells how a guest is to get its IPv6 address."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import neutron_only, vm
from tests.recordings import facts_of
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.ipv6 import dhcpv6_options, is_eui64, leg_of, mode_of, mode_wanted

DUAL = facts_of("shapes/dual-stack")


def port(cloud: Cloud) -> Port:
    return cloud.ports[vm(DUAL)]


@pytest.mark.parametrize(
    ("address", "mac", "made"),
    [
        ("2001:db8::f816:3eff:fe69:2e5d", "fa:16:3e:69:2e:5d", True),
        ("2001:db8::f816:3eff:fe69:2e5e", "fa:16:3e:69:2e:5d", False),
        ("2001:db8::10", "fa:16:3e:69:2e:5d", False),
        ("not an address", "fa:16:3e:69:2e:5d", False),
        ("2001:db8::10", "", False),
    ],
)
def test_an_address_is_made_of_a_mac(address: str, mac: str, made: bool) -> None:
    assert is_eui64(address, mac) is made


def test_its_router_port_is_the_one_in_its_ipv6_subnet() -> None:
    cloud = Cloud(DUAL)
    leg = leg_of(cloud, port(cloud))
    assert leg is not None
    assert "2001:db8:0:1::1/64" in leg.networks
    assert mode_of(leg) == "dhcpv6_stateless"
    options = dhcpv6_options(cloud, port(cloud))
    assert options is not None
    assert options.cidr == "2001:db8:0:1::/64"


def test_the_mode_is_its_owners_word_or_what_became_of_it() -> None:
    cloud = Cloud(DUAL)
    assert mode_wanted(cloud, port(cloud)) == "dhcpv6_stateless"
    alone = Cloud(neutron_only(DUAL))
    found = port(alone)
    assert mode_wanted(alone, found) == "dhcpv6_stateless"
    assert found.row is not None
    row = msgspec.structs.replace(found.row, dhcpv6_options=None)
    assert mode_wanted(alone, Port(found.id, row, None)) == "slaac"
    static = msgspec.structs.replace(row, addresses=("fa:16:3e:00:00:01 10.0.0.5 2001:db8::5",))
    assert mode_wanted(alone, Port(found.id, static, None)) == ""


def test_a_port_of_ipv4_only_has_none() -> None:
    cloud = Cloud(facts_of("healthy"))
    each = next(iter(cloud.ports.values()))
    assert leg_of(cloud, each) is None
    assert mode_wanted(cloud, each) == ""
