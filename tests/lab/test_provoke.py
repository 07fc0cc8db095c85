"""Every provocation can be undone, and a decoy harms nobody."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from viftrail.lab.client import Lab
from viftrail.lab.ping import ping
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape

from .harness import Cli

pytestmark = pytest.mark.lab

#: Those that take another lab than the plain one: tests/test_live_catalogue.py.
FAULTS = {fault: p for fault, p in all_provocations().items() if p.needs == Shape()}


@pytest.fixture(autouse=True)
def mended(lab: Cli) -> Iterator[None]:
    yield
    Lab.find(lab.name).ask("mend")


def failing(lab: Lab, size: int = 0) -> set[str]:
    return {path.path for path in ping(lab, size=size).paths if not path.ok}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_provoked_can_be_undone(lab: Cli, fault: str) -> None:
    cloud = Lab.find(lab.name)
    assert fault in str(cloud.ask("break", fault=fault, vm="vm1"))
    assert cloud.status().broken == (fault,)
    if FAULTS[fault].decoy:  # what a fault breaks: tests/test_live_catalogue.py
        assert failing(cloud) == set()
    assert fault in str(cloud.ask("mend"))
    assert cloud.status().broken == ()
    assert failing(cloud, FAULTS[fault].size) == set()


def test_a_repair_by_hand_does_not_upset_mend(lab: Cli) -> None:
    lab("break", "controller-crashed")
    lab("exec", "compute1", "--", "systemctl", "start", "ovn-controller")
    lab("break", "fip-nat-row-missing")
    lab("break", "vif-netdev-missing")
    lab("reboot", "vm1")
    assert lab("mend").stdout == (
        "Mended: vif-netdev-missing, fip-nat-row-missing, controller-crashed.\n"
    )
    assert lab.failing() == set()


def test_a_victim_deleted_by_hand_does_not_upset_mend(lab: Cli) -> None:
    lab("boot", "vm6")
    lab("break", "nb-lsp-missing", "--vm", "vm6")
    lab("delete", "vm6")
    lab("mend")
    assert lab.failing() == set()


def test_requests_that_cannot_be_met_are_refused(lab: Cli) -> None:
    done = lab("break", "no-such-fault", check=False)
    assert done.returncode == 64
    assert "northd-paused" in done.stderr
    assert lab("break", "vif-tap-down", "--vm", "vm99", check=False).returncode == 64
    assert lab("break", "fip-nat-row-missing", "--vm", "vm2", check=False).returncode == 64
    assert lab.status()["broken"] == []


def test_a_hung_daemon_does_not_hang_the_lab(lab: Cli) -> None:
    pid = int(lab("exec", "compute1", "--", "sh", "-c", "cat $OVS_RUNDIR/ovs-vswitchd.pid").stdout)
    os.kill(pid, signal.SIGSTOP)
    try:
        lab("status")
        lab("reboot", "vm2")
    finally:
        os.kill(pid, signal.SIGCONT)
    # Plugged anew under a hung ovs-vswitchd, its port is a dead device's: once more.
    lab("reboot", "vm2")
    assert lab.failing() == set()
