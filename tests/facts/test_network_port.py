"""Ports that no VM has; how they are refused as targets: test_target.py."""

from __future__ import annotations

import pytest

from tests.cloud import healthy
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.network_port import is_networks, of_port
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.stored import StoredSource


@pytest.mark.parametrize(
    ("kind", "device_owner", "networks"),
    [
        ("", "compute:nova", False),
        ("", "", False),
        ("virtual", "", False),
        ("external", "baremetal:none", False),
        ("router", "network:router_interface", True),
        ("localport", "network:distributed", True),
        ("localnet", "", True),
        ("", "network:dhcp", True),
        # Somebody retyped the port of a VM, and that is what is wrong with it.
        ("router", "compute:nova", False),
    ],
)
def test_the_type_and_neutrons_word_decide(kind: str, device_owner: str, networks: bool) -> None:
    row = LogicalSwitchPort(
        uuid="u", name="p", type=kind, external_ids={"neutron:device_owner": device_owner}
    )
    assert is_networks(row) is networks


@pytest.mark.parametrize(
    ("kind", "device_owner", "called"),
    [
        ("localport", "network:distributed", "a metadata port (type localport)"),
        ("localport", "network:dhcp", "a metadata port (type localport)"),
        (
            "localport",
            "ovn-lb-hm:distributed",
            "a health monitor's port of an OVN load balancer",
        ),
        ("localport", "", "a localport"),
        ("localnet", "", "the way out of a provider network (type localnet)"),
        ("", "network:dhcp", "a DHCP agent's port"),
        ("l2gateway", "", "a port of type l2gateway"),
    ],
)
def test_neutrons_word_goes_before_the_type(kind: str, device_owner: str, called: str) -> None:
    row = LogicalSwitchPort(
        uuid="u", name="p", type=kind, external_ids={"neutron:device_owner": device_owner}
    )
    assert of_port(Inquiry(StoredSource(healthy())), row) == called
