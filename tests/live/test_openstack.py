"""One real OpenStack for all of this: what is healthy, what is refused, and both notes, end to end.

`make score-openstack` plays every fault that takes an OpenStack; here are those that take seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from viftrail.errors import LabError
from viftrail.lab.client import Lab
from viftrail.lab.openstack.kit import Kit
from viftrail.lab.ping import ping
from viftrail.lab.shape import Shape
from viftrail.score.openstack import openstack_singles, play_in
from viftrail.score.round import green, run, whatever_it_takes

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.xdist_group("openstack")]

QUICK = (
    "sched-disk-capacity",
    "sched-compute-disabled",
    "bind-host-mismatch",
    "bind-physnet-missing-on-host",
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Lab]:
    try:
        Kit().prepare(lambda _step: None)
    except LabError as error:
        pytest.skip(f"an OpenStack cannot be installed here: {error.what} {error.do}")
    lab = Lab.up(f"openstack-{os.getpid()}", Shape(openstack=True))
    try:
        assert green(lab), ping(lab).paths
        yield lab
    finally:
        lab.down()


def openstack(lab: Lab, *words: str) -> str:
    done = lab.run("controller", ["openstack", *words], timeout=60.0)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def states(verdict: dict[str, Any]) -> dict[str, str]:
    return {stage["id"]: stage["state"] for stage in verdict["stages"]}


def fix(lab: Lab, target: str, log: Any) -> dict[str, Any]:
    return run("fix", target, lab, *whatever_it_takes(), "--log", str(log))


def test_all_fourteen_stages_of_a_healthy_server_are_seen(cloud: Lab) -> None:
    verdict = run("why", "vm1", cloud)
    assert verdict["verdict"]["state"] == "healthy", verdict["verdict"]
    assert set(states(verdict).values()) == {"ok"}
    assert verdict["target"]["owner"] == "neutron"


def test_a_server_is_found_by_all_its_names(cloud: Lab) -> None:
    vm = next(each for each in cloud.status().vms if each.floating_ip)
    for name in (vm.id, vm.port_id, vm.mac, vm.ip, str(vm.floating_ip)):
        assert run("why", name, cloud)["target"]["port"] == vm.port_id


def test_a_hard_reboot_is_no_fault(cloud: Lab) -> None:
    cloud.order("break", fault="event-unexpected-vif-plugged", vm="vm1")
    try:
        assert green(cloud)
        verdict = run("why", "vm2", cloud, "--timeline")
        assert verdict["verdict"]["state"] == "healthy", verdict["verdict"]
        words = " ".join(moment["what"] for moment in verdict["timeline"])
        assert "unexpected event network-vif-plugged" in words
    finally:
        cloud.order("mend")


@pytest.mark.parametrize("fault", QUICK)
def test_it_is_found_mended_and_asked_for_again(cloud: Lab, fault: str) -> None:
    played = play_in(cloud, fault)
    assert played.provoked, played.note
    assert (played.found_stage, played.found_causes[:1]) == (played.stage, (fault,)), played
    assert played.alarms == ()
    assert played.mended is not False, played.note


def test_what_is_played_here_is_played_there() -> None:
    assert set(QUICK) < set(openstack_singles())


def test_the_first_note(cloud: Lab, tmp_path: Any) -> None:
    """Its gateway silent, its floating IP dead, an "unexpected" event in the log, a bare tap."""
    before = next(vm for vm in cloud.status().vms if vm.name == "vm1")
    cloud.order("break", fault="vif-not-in-br-int", vm="vm1")
    try:
        lost = {path.path for path in ping(cloud, "vm1").paths if not path.ok}
        assert lost >= {"gateway", "floating-ip-icmp", "floating-ip-tcp"}
        verdict = run("why", "vm1", cloud)
        assert verdict["verdict"]["cause"] == "vif-not-in-br-int", verdict["verdict"]
        cleared = " ".join(guess["guess"] for guess in verdict["ruled_out"])
        assert "qvb/qvo" in cleared
        assert "geneve" in cleared
        mended = fix(cloud, "vm1", tmp_path / "log")
        assert mended["ending"] == "mended", mended
        assert green(cloud)
        after = next(vm for vm in cloud.status().vms if vm.name == "vm1")
        assert (after.id, after.port_id, after.network) == (
            before.id,
            before.port_id,
            before.network,
        )
    finally:
        cloud.order("mend")


def test_the_second_note(cloud: Lab, tmp_path: Any) -> None:
    """No IPv4, as its port never reached Southbound. Nova waits for the plug: that wait ends well."""
    cloud.order("break", fault="northd-paused", vm="vm1")
    words = (
        *("--flavor", "tiny", "--image", "guest", "--network", "net1"),
        *("--security-group", "lab", "--host", "compute1"),
    )
    try:
        openstack(cloud, "--os-compute-api-version", "2.74", "server", "create", *words, "note1")
        end = time.monotonic() + 60
        verdict: dict[str, Any] = {"verdict": {"cause": ""}}
        while not verdict["verdict"]["cause"] and time.monotonic() < end:
            verdict = run("why", "note1", cloud)
        assert verdict["verdict"]["cause"] == "northd-paused", verdict["verdict"]
        assert verdict["verdict"]["stage"] == "S5"
        cleared = " ".join(guess["guess"] for guess in verdict["ruled_out"])
        assert "disk" in cleared
        assert "memory" in cleared
        asked = openstack(cloud, "server", "show", "note1", "-f", "value", "-c", "id")
        mended = fix(cloud, "note1", tmp_path / "log")
        assert mended["ending"] == "mended", mended
        assert any("resume" in done["ran"]["command"] for done in mended["done"])
        assert green(cloud)
        built = openstack(
            cloud, "server", "show", "note1", "-f", "value", "-c", "id", "-c", "status"
        )
        assert built.split() == [asked, "ACTIVE"]
        assert run("why", "note1", cloud)["verdict"]["state"] == "healthy"
    finally:
        cloud.run("controller", ["openstack", "server", "delete", "--wait", "note1"], timeout=60.0)
        cloud.order("mend")
