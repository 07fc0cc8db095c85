"""Every fault of the catalogue, for real: provoked, found, mended as printed, traffic proved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.lab.client import Lab
from viftrail.lab.ping import ping
from viftrail.lab.provoke import all_provocations
from viftrail.score.round import play

VICTIM = "vm1"
GREEN_WITHIN = 45.0

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root"),
    pytest.mark.skipif(
        not shutil.which("ovn-northd", path="/usr/bin:/usr/sbin"), reason="OVN is not installed"
    ),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One that is whole again after each test."""
    lab = Lab.up(f"whole-{os.getpid()}")
    try:
        wait_green(lab)
        yield lab
    finally:
        lab.down()


def wait_green(lab: Lab) -> None:
    deadline = time.monotonic() + GREEN_WITHIN
    while True:
        result = ping(lab)
        if result.ok:
            return
        failed = [path for path in result.paths if not path.ok]
        northd = lab.run("controller", ["ovn-appctl", "-t", "ovn-northd", "status"]).stdout
        assert time.monotonic() < deadline, f"no traffic: {failed}; northd: {northd!r}"


def why(lab: Lab, target: str) -> tuple[int, dict[str, Any]]:
    """The command as an operator runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "viftrail", "why", target, "--lab", lab.name, "-f", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, verdict


def audit(lab: Lab) -> list[dict[str, Any]]:
    """What is found in the whole lab."""
    done = subprocess.run(
        [sys.executable, "-m", "viftrail", "audit", "--lab", lab.name, "-f", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    groups: list[dict[str, Any]] = json.loads(done.stdout)["groups"]
    return groups


PROVOKED = [
    fault
    for fault in CATALOGUE
    if fault.id in all_provocations() and not all_provocations()[fault.id].needs.openstack
]

FIRST = {fault.stage: fault.id for fault in reversed(PROVOKED)}
"""One of each stage; the rounds of all others are slow, not for what they take but for their number."""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=() if fault.id in FIRST.values() else pytest.mark.slow)
        for fault in PROVOKED
    ],
    ids=lambda fault: fault.id,
)
def test_found_mended_and_proved(fault: Fault) -> None:
    """A round of the scoreboard, in a lab of its own."""
    played = play((fault.id,), f"cat-{os.getpid()}")
    assert played.provoked, played.note
    assert (played.found_stage, played.found_causes[:1]) == (fault.stage.value, (fault.id,)), played
    assert played.alarms == ()
    assert played.mended is not False, played.note


@pytest.mark.xdist_group("catalogue")
def test_a_healthy_lab_gives_no_alarm(lab: Lab) -> None:
    status = lab.status()
    vm = next(vm for vm in status.vms if vm.floating_ip)
    targets = [
        *(other.name for other in status.vms),
        *(vm.id, vm.port_id, vm.mac, vm.ip, vm.tap, str(vm.floating_ip)),
        "vm1:vm2",
        "vm1:vm3",
    ]
    for target in targets:
        code, verdict = why(lab, target)
        assert (code, verdict["causes"]) == (0, []), (target, verdict["verdict"])
    assert audit(lab) == []


@pytest.mark.xdist_group("catalogue")
def test_a_bundle_gives_the_same_verdict_as_the_live_lab(lab: Lab, tmp_path: Any) -> None:
    lab.ask("break", fault="vif-tap-down", vm=VICTIM)
    try:
        bundle = str(tmp_path / "lab.bundle")
        command = [sys.executable, "-m", "viftrail"]
        subprocess.run([*command, "collect", "--lab", lab.name, "-o", bundle], check=True)
        live = why(lab, VICTIM)[1]
        done = subprocess.run(
            [*command, "why", VICTIM, "--bundle", bundle, "-f", "json"],
            capture_output=True,
            check=False,
        )
        stored = json.loads(done.stdout)
        assert live.pop("time")
        assert stored.pop("time")
        assert stored == live
    finally:
        lab.ask("mend")
