"""Labs with a provider VLAN and with IPv6: every path carries packets."""

from __future__ import annotations

import json
import os

import pytest

from viftrail.lab.design import Design
from viftrail.lab.shape import Shape

from .harness import Cli, assert_nothing_left


def test_the_address_that_a_guest_gives_itself_is_known_beforehand() -> None:
    design = Design("a", Shape(ipv6=True))
    subnet = design.network.subnet6
    assert subnet is not None
    # RFC 4291, appendix A: the universal bit is inverted, ff:fe goes into the middle.
    assert subnet.address_of("fa:16:3e:69:2e:5d") == "2001:db8:0:1:f816:3eff:fe69:2e5d"


def test_a_plain_lab_has_neither() -> None:
    design = Design("a")
    assert design.vlan is None
    assert design.network.subnet6 is None
    assert not any(node.mapped for node in design.nodes if node.role == "compute")
    assert not any("icmp6" in rule.match for rule in design.rules)


def test_the_vlan_network_is_on_every_compute_and_has_no_router() -> None:
    design = Design("a", Shape(vlan=True))
    assert design.vlan is not None
    assert design.vlan.tag == 100
    assert all(node.mapped for node in design.chassis)
    vm = design.vm("vm4", "compute1", "198.18.100.14", direct=True)
    assert design.network_of(vm) is design.vlan


@pytest.mark.lab
def test_every_path_of_both_carries_packets() -> None:
    name = f"networks-{os.getpid()}"
    cli = Cli(name)
    cli("up", "--vlan", "--ipv6")
    try:
        pings = json.loads(cli("ping", "-f", "json").stdout)
        assert pings["ok"], [path for path in pings["paths"] if not path["ok"]]
        seen = {(path["from"], path["path"]) for path in pings["paths"]}
        assert {("vm1", "gateway6"), ("vm1", "other-host6"), ("vm1", "dhcp6")} <= seen
        assert {("vm4", "provider"), ("vm4", "other-host")} <= seen
        assert ("vm4", "external") not in seen
        assert "vm6 runs on" in cli("boot", "vm6", "--vlan").stdout
        cli("ping", "--vm", "vm6")
    finally:
        cli("down")
    assert_nothing_left(name)
