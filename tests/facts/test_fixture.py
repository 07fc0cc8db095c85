"""Ports that no VM has; how they are refused as targets: test_target.py."""

from __future__ import annotations

import pytest

from viftrail.facts.fixture import is_fixture
from viftrail.facts.northbound import LogicalSwitchPort


@pytest.mark.parametrize(
    ("kind", "device_owner", "fixture"),
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
def test_the_type_and_neutrons_word_decide(kind: str, device_owner: str, fixture: bool) -> None:
    row = LogicalSwitchPort(
        uuid="u", name="p", type=kind, external_ids={"neutron:device_owner": device_owner}
    )
    assert is_fixture(row) is fixture
