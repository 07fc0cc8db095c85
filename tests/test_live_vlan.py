"""Faults of the provider network, for a VM that is directly on it: broken, found, mended."""

from __future__ import annotations

import os
import shutil

import pytest

from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape
from viftrail.score.round import play

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root"),
    pytest.mark.skipif(
        not shutil.which("ovn-northd", path="/usr/bin:/usr/sbin"), reason="OVN is not installed"
    ),
]
FAULTS = [each.id for each in all_provocations().values() if each.breaks_direct]


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_found_and_mended_and_nobody_else_is_accused(fault: str) -> None:
    """vm4 runs beside vm1 and vm2 on compute1, vm5 on compute2."""
    played = play((fault,), f"vlan-{os.getpid()}", Shape(vlan=True), vm="vm4")
    assert played.provoked, played.note
    assert (played.found_causes, played.alarms) == ((fault,), ())
    assert played.first_stage
    assert played.mended, played.note
