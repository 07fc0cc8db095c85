"""Daemons and hosts that hang: `why` never blocks, says what hung, and accuses nobody else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from .harness import PROMPT, VIFTRAIL, Outcome, environment, refused, told, viftrail
from .site import Site, accused

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-half-dead")]

LIMIT = 30.0
"""Seconds in which a verdict has to be there, whatever hangs, on a loaded machine too."""

FUSE = """
import ctypes, os, sys
server = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % server
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"dead", sys.argv[1].encode(), b"fuse", 0, options):
    sys.exit(os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
sys.stdin.read()
libc.umount2(sys.argv[1].encode(), 2)
"""


def whys(site: Site, *targets: str) -> list[Outcome]:
    """Several at the same time: most of it is waiting."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(site.why, targets))


def names(outcome: Outcome, stage: str, daemon: str, state: str) -> None:
    """At that stage because of that daemon, and nothing else is blamed."""
    conclusion = told(outcome, 1, within=LIMIT)
    assert (conclusion["state"], conclusion["stage"]) in (
        ("broken", stage),
        ("degraded", stage),  # what there is works on, and nothing can be changed
    ), outcome
    assert daemon in conclusion["summary"], outcome
    assert state in outcome.out, outcome
    assert accused(outcome) <= {stage}, outcome


@contextmanager
def deaf(site: Site, node: str, daemon: str) -> Iterator[None]:
    """The daemon's control socket accepts and nobody answers: it spins or waits for a disk."""
    path = site.run_dir(node) / f"{daemon}.{site.pid(node, daemon)}.ctl"
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.bind(str(path))
            nobody.listen(64)
            yield
    finally:
        aside.rename(path)


def test_a_stopped_northd_is_named(site: Site) -> None:
    with site.stopped("controller", "ovn-northd"):
        names(site.why(), "S5", "ovn-northd", "stopped by a signal")
    site.await_healthy()


def test_stopped_daemons_of_two_hosts_are_named_for_their_own_vms(site: Site) -> None:
    with site.stopped("compute1", "ovn-controller"), site.stopped("compute2", "ovs-vswitchd"):
        one, other = whys(site, "vm1", "vm3")
        names(one, "S7", "ovn-controller on compute1", "stopped by a signal")
        names(other, "S8", "ovs-vswitchd on compute2", "stopped by a signal")
    site.await_healthy()


def test_daemons_that_hang_are_named(site: Site) -> None:
    with deaf(site, "compute1", "ovs-vswitchd"), deaf(site, "compute2", "ovn-controller"):
        one, other = whys(site, "vm1", "vm3")
        names(one, "S8", "ovs-vswitchd on compute1", "hung")
        names(other, "S7", "ovn-controller on compute2", "hung")
        assert "compute1: ovs-appctl -t ovs-vswitchd version: no answer" in one.unknown
        assert "compute2: ovs-appctl -t ovn-controller connection-status: no" in other.unknown
    site.await_healthy()


def test_a_stopped_vswitch_database_leaves_the_rest_of_the_verdict(
    site: Site, tmp_path: Path
) -> None:
    """And neither `collect` nor what is read from its bundle is any different."""
    bundle = str(tmp_path / "half.bundle")
    with site.stopped("compute1", "ovsdb-server"), ThreadPoolExecutor() as pool:
        collecting = pool.submit(viftrail, "collect", "--lab", site.name, "-o", bundle)
        outcome, other = whys(site, "vm1", "vm3")
        collected = collecting.result()
    conclusion = told(outcome, 2, within=LIMIT)
    assert conclusion["state"] == "unknown"
    assert accused(outcome) == set()
    assert "compute1: Open_vSwitch database at" in outcome.unknown
    assert "no answer within 2 s" in outcome.unknown
    assert {outcome.stages[stage] for stage in ("S4", "S5", "S6", "S7", "S11")} == {"ok"}
    told(other, 0, within=LIMIT)
    assert (collected.code, collected.err) == (0, "")
    assert collected.seconds <= LIMIT
    assert "not in it: compute1: Open_vSwitch database" in collected.out
    stored = viftrail("why", "vm1", "--bundle", bundle, "-f", "json")
    assert told(stored, 2, within=PROMPT) == conclusion
    site.await_healthy()


def test_a_stopped_ovn_database_is_named_and_both_are_an_error(site: Site) -> None:
    for daemon, database, cause, fine in (
        ("ovnsb_db", "OVN_Southbound", "sb-server-down", ("S4", "S9")),
        ("ovnnb_db", "OVN_Northbound", "nb-server-down", ("S6", "S7", "S8")),
    ):
        with site.stopped("controller", daemon):
            outcome = site.why("vm1", "--timeout", "1")
        conclusion = told(outcome, 1, within=LIMIT)
        assert (conclusion["state"], conclusion["cause"]) == ("degraded", cause)
        assert outcome.unknown.startswith(f"{database}: unix:")
        assert "did not answer within 1 s" in outcome.unknown
        assert {outcome.stages[stage] for stage in fine} == {"ok"}
    with site.stopped("controller", "ovnnb_db", "ovnsb_db"):
        outcome = site.why("vm1", "--timeout", "1")
        refused(outcome, 69, "ovnnb_db.sock", "ovnsb_db.sock", "neither stopped nor", within=LIMIT)
    site.await_healthy()


def test_a_whole_host_stopped(site: Site) -> None:
    with site.stopped("compute1", "ovs-vswitchd", "ovsdb-server", "ovn-controller"):
        outcome = site.why()
    conclusion = told(outcome, 1, within=LIMIT)
    assert conclusion["stage"] == "S7"
    assert accused(outcome) <= {"S7", "S8"}
    site.await_healthy()


def test_a_dead_file_system_holds_nobody_up(site: Site, tmp_path: Path) -> None:
    """As NFS whose server is gone: every look at it hangs for ever."""
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("there is no /dev/fuse to make a file system that hangs")
    script = tmp_path / "fuse.py"
    script.write_text(FUSE)
    with subprocess.Popen(
        [*site.inside("compute1"), sys.executable, str(script), "/var/log"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as mounted:
        assert mounted.stdout
        assert mounted.stdin
        try:
            assert mounted.stdout.readline() == b"mounted\n"
            outcome = site.why()
            told(outcome, 0, within=LIMIT)
            assert "compute1: df /var/log: no answer within 2 s." in outcome.unknown
        finally:
            mounted.stdin.close()
            mounted.wait(10)
    assert site.why().gaps == []


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by a signal")],
)
def test_ctrl_c_ends_a_hanging_why_at_once(
    site: Site, number: signal.Signals, code: int, word: str
) -> None:
    with (
        site.stopped("controller", "ovnsb_db"),
        subprocess.Popen(
            [*VIFTRAIL, "why", "vm1", "--lab", site.name, "--timeout", "60"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as hanging,
    ):
        time.sleep(1.5)
        assert hanging.poll() is None
        hanging.send_signal(number)
        began = time.monotonic()
        out, err = hanging.communicate(timeout=5)
        assert time.monotonic() - began < 2
    assert (hanging.returncode, out) == (code, "")
    assert err.strip() == f"viftrail: {word}."
