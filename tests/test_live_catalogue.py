"""Every fault of the catalogue, for real: provoked, found, mended as printed, traffic proved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.lab.client import Lab
from viftrail.lab.ping import ping
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape

VICTIM = "vm1"
BYSTANDERS = ("vm2", "vm3")
GREEN_WITHIN = 45.0
GROUPS = 2

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root"),
    pytest.mark.skipif(
        not shutil.which("ovn-northd", path="/usr/bin:/usr/sbin"), reason="OVN is not installed"
    ),
]


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[[Shape], Lab]]:
    """One lab of each shape for all faults of this worker; each is mended before the next."""
    up: dict[Shape, Lab] = {}

    def lab_of(shape: Shape) -> Lab:
        if shape not in up:
            up[shape] = Lab.up(f"cat-{os.getpid()}-{len(up)}", shape)
            wait_green(up[shape])
        return up[shape]

    try:
        yield lab_of
    finally:
        for lab in up.values():
            lab.down()


@pytest.fixture
def lab(labs: Callable[[Shape], Lab], request: pytest.FixtureRequest) -> Lab:
    """The plain lab, or the one that the test's fault takes."""
    fault = request.node.callspec.params["fault"] if hasattr(request.node, "callspec") else None
    return labs(all_provocations()[fault.id].needs if fault else Shape())


def wait_green(lab: Lab, size: int = 0) -> None:
    deadline = time.monotonic() + GREEN_WITHIN
    while True:
        result = ping(lab, size=size)
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


def mend_as_printed(lab: Lab, remedy: dict[str, Any]) -> None:
    steps = remedy["steps"]
    assert steps, "no remedy was printed"
    for step in steps:
        done = lab.run(step["where"], ["sh", "-c", step["command"]])
        assert done.returncode == 0, (step, done.stderr)


def cases(*, harmful: bool, freezes: bool = False) -> list[Any]:
    """Spread over as many labs as there are groups."""
    known = all_provocations()
    return [
        pytest.param(fault, id=fault.id, marks=pytest.mark.xdist_group(_group(fault, index)))
        for index, fault in enumerate(f for f in CATALOGUE if f.id in known)
        if (bool(known[fault.id].breaks), known[fault.id].freezes) == (harmful, freezes)
    ]


def _group(fault: Fault, index: int) -> str:
    """Faults of one shape share a lab; those of the plain one are spread over two."""
    special = all_provocations()[fault.id].needs.options
    return "catalogue-" + ("-".join(special) if special else str(index % GROUPS))


@pytest.mark.parametrize("fault", cases(harmful=True))
def test_found_mended_and_proved(lab: Lab, fault: Any) -> None:
    size = all_provocations()[fault.id].size
    lab.ask("break", fault=fault.id, vm=VICTIM)
    try:
        if size:
            failed = {path.path for path in ping(lab, VICTIM, size).paths if not path.ok}
            assert failed >= set(all_provocations()[fault.id].breaks)
            assert ping(lab).ok, "small packets pass"
        code, verdict = why(lab, VICTIM)
        assert verdict["verdict"]["cause"] == fault.id, verdict["verdict"]
        assert verdict["verdict"]["stage"] == fault.stage.value
        assert verdict["verdict"]["state"] == "broken"
        assert code == 1
        for other in BYSTANDERS:
            _, seen = why(lab, other)
            accused = {cause["id"] for cause in seen["causes"]}
            assert accused <= {fault.id}, f"{other}: {accused}"
        mend_as_printed(lab, verdict["remedy"])
        wait_green(lab, size)
        code, after = why(lab, VICTIM)
        assert (code, after["verdict"]["state"]) == (0, "healthy"), after["verdict"]
        assert audit(lab) == []
    finally:
        lab.ask("mend")


@pytest.mark.parametrize("fault", cases(harmful=False))
def test_what_harms_nobody_is_found_by_an_audit(lab: Lab, fault: Any) -> None:
    lab.ask("break", fault=fault.id, vm=VICTIM)
    try:
        (group,) = audit(lab)
        assert (group["id"], group["state"], group["victims"]) == (fault.id, "degraded", 0)
        for vm in (VICTIM, *BYSTANDERS):
            code, verdict = why(lab, vm)
            assert (code, verdict["causes"]) == (0, []), verdict["verdict"]
        mend_as_printed(lab, group["example"]["remedy"])
        assert audit(lab) == []
        wait_green(lab)
    finally:
        lab.ask("mend")


@pytest.mark.parametrize("fault", cases(harmful=False, freezes=True))
def test_what_freezes_a_cloud_is_named_and_cuts_nobody_off(lab: Lab, fault: Any) -> None:
    lab.ask("break", fault=fault.id, vm=VICTIM)
    try:
        assert all(path.ok for path in ping(lab).paths if path.path != "dhcp")
        code, verdict = why(lab, VICTIM)
        assert verdict["verdict"]["cause"] == fault.id, verdict["verdict"]
        assert (code, verdict["verdict"]["state"]) == (1, "degraded"), verdict["verdict"]
        assert verdict["verdict"]["stage"] == fault.stage.value
        for other in BYSTANDERS:
            _, seen = why(lab, other)
            assert {cause["id"] for cause in seen["causes"]} <= {fault.id}
        (group,) = audit(lab)
        assert (group["id"], group["state"], group["victims"]) == (fault.id, "degraded", 0)
        if all_provocations()[fault.id].by_hand:
            lab.ask("mend")
        else:
            mend_as_printed(lab, verdict["remedy"])
        wait_green(lab)
        code, after = why(lab, VICTIM)
        assert (code, after["verdict"]["state"]) == (0, "healthy"), after["verdict"]
        assert audit(lab) == []
    finally:
        lab.ask("mend")


@pytest.mark.xdist_group("catalogue-0")
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


@pytest.mark.xdist_group("catalogue-1")
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
