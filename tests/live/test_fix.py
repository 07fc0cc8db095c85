"""`viftrail fix` on a real lab: mended with packets as proof, refused, interrupted, by ssh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .harness import VIFTRAIL, Outcome, complained, environment, viftrail
from .site import VICTIM, Site

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-fix")]

MENDED = [
    "nb-lsp-missing",
    "northd-paused",
    "controller-crashed",
    "vif-not-in-br-int",
    "dhcp-options-missing",
    "portsec-mac-mismatch",
    "tunnel-wrong-encap-ip",
    "router-no-gateway-chassis",
    "prov-nic-not-in-bridge",
    "fip-nat-row-missing",
]
"""One of each stage."""


@contextmanager
def broken(site: Site, fault: str) -> Iterator[None]:
    site.lab.ask("break", fault=fault, vm=VICTIM)
    try:
        yield
    finally:
        site.lab.ask("mend")
        site.await_healthy()


def fix(site: Site, *options: str) -> Outcome:
    return viftrail("fix", VICTIM, "--lab", site.name, "-f", "json", *options)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def databases(site: Site) -> list[str]:
    """Everything in both databases and in each switch, save what always moves."""
    dumps = []
    for node in ("controller", "compute1", "compute2", "network1"):
        for socket in sorted(site.run_dir(node).glob("*.sock")):
            done = site.lab.run(node, ["ovsdb-client", "-f", "csv", "dump", f"unix:{socket}"])
            dumps.append(f"{node} {socket.name} {done.stdout.decode()}")
    moving = ("statistics", "cur_cfg", "timestamp", "nb_cfg")
    return ["\n".join(x for x in d.splitlines() if not any(m in x for m in moving)) for d in dumps]


@pytest.mark.parametrize("fault", MENDED)
def test_applied_it_ends_healthy_with_a_packet_proof(
    site: Site, tmp_path: Path, fault: str
) -> None:
    log = tmp_path / "log"
    with broken(site, fault):
        outcome = fix(site, "--apply", "--log", str(log))
        told = json.loads(outcome.out)
        assert (outcome.code, told["ending"]) == (0, "mended"), outcome
        assert told["before"]["verdict"]["cause"] == fault
        assert told["after"]["verdict"]["state"] == "healthy"
        assert told["proof"]["ok"] is True
        assert told["proof"]["evidence"]
    events = [line["event"] for line in lines(log)]
    assert (events[0], events[-1]) == ("start", "end")
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_dry_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    with broken(site, "dhcp-options-missing"):
        before = databases(site)
        assert any("DHCP_Options" in dump for dump in before)
        done = subprocess.run(
            [*VIFTRAIL, "fix", VICTIM, "--lab", site.name],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1
        assert databases(site) == before
    assert list(tmp_path.iterdir()) == []


def test_what_is_disruptive_needs_consent(site: Site, tmp_path: Path) -> None:
    options = ("--apply", "--log", str(tmp_path / "log"))
    with broken(site, "vif-netdev-missing"):
        refused = fix(site, *options)
        assert refused.code == 78
        complained(refused, "disruptive", "--allow disruptive")
        assert json.loads(refused.out)["done"] == []
        allowed = fix(site, *options, "--allow", "disruptive")
        assert (allowed.code, json.loads(allowed.out)["ending"]) == (0, "mended"), allowed


def test_without_an_audit_trail_nothing_is_applied(site: Site, tmp_path: Path) -> None:
    with broken(site, "vif-tap-down"):
        outcome = fix(site, "--apply", "--log", str(tmp_path / "no" / "log"))
        assert (outcome.code, outcome.out) == (73, "")
        complained(outcome, "nothing is applied")
        assert site.why().code == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_tells_what_was_done_and_how_to_undo_it(
    site: Site, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """While it verifies or looks again, which takes half a second."""
    log = tmp_path / "log"
    with broken(site, "northd-paused"):
        argv = [*VIFTRAIL, "fix", VICTIM, "--lab", site.name, "--apply", "--log", str(log)]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        ) as process:
            end = time.monotonic() + 30
            while not (log.exists() and '"ran"' in log.read_text()):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end
                time.sleep(0.005)
            os.kill(process.pid, number)
            out, err = process.communicate(timeout=20)
    assert process.returncode == code, (out, err)
    assert "To undo what was done" in out
    assert "ovn-appctl -t ovn-northd pause" in out
    assert "Traceback" not in err
    assert lines(log)[-1]["event"] == "interrupted"
