"""Hosts by ssh: a real sshd in lab nodes, and everything that goes wrong on the way there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from .harness import VIFTRAIL, Outcome, complained, environment, refused, told, viftrail
from .site import Site
from .sshd import (
    BANNER,
    CLOSED,
    GUESTS,
    HANGS,
    NO_PYTHON,
    NOLOGIN,
    ODD,
    PORT,
    RUN_SSHD,
    SILENT,
    SSHD,
    Ssh,
    silent,
)

LIMIT = 30.0
"""Seconds that a look by ssh may take where a host hangs, on a loaded machine too."""

pytestmark = [
    pytest.mark.lab,
    pytest.mark.xdist_group("live-ssh"),
    pytest.mark.skipif(not SSHD or not shutil.which("ssh"), reason="openssh is not installed"),
]


@pytest.fixture(scope="module")
def ssh(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    RUN_SSHD.mkdir(exist_ok=True)
    ssh = Ssh(site, tmp_path_factory.mktemp("ssh"))
    with ExitStack() as servers:
        for node in ("compute1", "network1"):
            servers.enter_context(ssh.server(node, PORT))
        for port, command in ODD.items():
            servers.enter_context(ssh.server("compute1", port, f"ForceCommand {command}\n"))
        servers.enter_context(silent(site))
        yield ssh


def test_ssh_finds_what_the_lab_finds(site: Site, ssh: Ssh) -> None:
    options = ssh.config("good")
    healthy = site.why_live(*options)
    told(healthy, 0, within=LIMIT)
    assert healthy.gaps == []
    for fault in ("vif-tap-down", "prov-nic-not-in-bridge"):
        site.lab.ask("break", fault=fault, vm="vm1")
        try:
            by_ssh, by_lab = site.why_live(*options), site.why()
        finally:
            site.lab.ask("mend")
        conclusion, expected = told(by_ssh, 1, within=LIMIT), told(by_lab, 1, within=LIMIT)
        keys = ("state", "stage", "cause", "confidence")
        assert [conclusion[key] for key in keys] == [expected[key] for key in keys]
        assert conclusion["cause"] == fault
        assert by_ssh.verdict["remedy"] == by_lab.verdict["remedy"]


def test_packets_are_sent_by_ssh(site: Site, ssh: Ssh) -> None:
    """From both ends of the tunnel, the VM's host and the gateway's."""
    outcome = site.why_live(*ssh.config("probe"), "--probe")
    assert (outcome.code, outcome.gaps) == (0, []), outcome
    assert "geneve" in outcome.err
    seen = json.dumps(outcome.verdict["stages"])
    for found in ("traced through br-int", "received 8", "ARP for the next hop"):
        assert found in seen, found


def test_fix_runs_a_step_by_ssh(site: Site, ssh: Ssh) -> None:
    """Without a lab's packets the counters are the proof, or none is claimed."""
    argv = ("fix", site.vm.id, "--nb", site.nb, "--sb", site.sb, "-f", "json", "--apply")
    log = ssh.folder / "fix.jsonl"
    site.lab.ask("break", fault="vif-tap-down", vm="vm1")
    try:
        outcome = viftrail(
            *argv, "--log", str(log), *ssh.config("fix"), prefix=site.inside("controller")
        )
    finally:
        site.lab.ask("mend")
    said = json.loads(outcome.out)
    assert (outcome.code, said["ending"]) == (0, "mended"), outcome
    assert [done["ran"]["where"] for done in said["done"]] == ["compute1"]
    assert said["proof"]["ok"] in (True, None)
    assert said["proof"]["summary"]
    assert '"exit":0' in log.read_text()


def test_fix_tells_what_neutron_owns(site: Site, ssh: Ssh) -> None:
    argv = ("fix", site.vm.id, "--nb", site.nb, "--sb", site.sb, "-f", "json", "--apply")
    log = ssh.folder / "told.jsonl"
    site.lab.ask("break", fault="port-admin-down", vm="vm1")
    try:
        outcome = viftrail(
            *argv, "--log", str(log), *ssh.config("told"), prefix=site.inside("controller")
        )
        assert site.why().code == 1, "nothing was changed"
    finally:
        site.lab.ask("mend")
    said = json.loads(outcome.out)
    assert (outcome.code, said["ending"], said["done"]) == (80, "told", []), outcome
    assert said["next"]["step"]["command"].startswith("openstack port set --enable")


def test_a_shared_connection_does_not_hold_anybody_up(site: Site, ssh: Ssh) -> None:
    """Its master stays in the background, as Ansible's users have it."""
    socket_path = f"{ssh.folder}/%C"
    options = ssh.config(
        "shared", "Host *", "ControlMaster auto", f"ControlPath {socket_path}", "ControlPersist 15"
    )
    for _ in range(2):
        told(site.why_live(*options), 0, within=LIMIT)


def test_what_a_login_prints_is_skipped(site: Site, ssh: Ssh) -> None:
    outcome = site.why_live(*ssh.port(BANNER))
    told(outcome, 0, within=LIMIT)
    assert outcome.gaps == []


def test_a_host_that_cannot_be_probed_is_a_gap(site: Site, ssh: Ssh) -> None:
    """Each says why and what to do; the rest of the verdict is kept, and nobody is accused."""
    known, strangers = (ssh.folder / name for name in ("known", "strangers"))
    strangers.write_text(known.read_text().replace(ssh.key("host"), ssh.key("stranger")))
    cases = {
        "refused key": (
            ssh.config("stranger", user_key="stranger"),
            ("Permission denied (publickey)", "public key there"),
        ),
        "unknown host key": (
            ssh.config("unknown", "Host compute1", "UserKnownHostsFile /dev/null"),
            ("host key of compute1 is not the known one", "check the key"),
        ),
        "changed host key": (
            ssh.config("changed", "Host compute1", f"UserKnownHostsFile {strangers}"),
            ("host key of compute1 is not the known one", "check the key"),
        ),
        "closed port": (ssh.port(CLOSED), ("Connection refused", "`ssh compute1`")),
        "silent port": (ssh.port(SILENT), ("timed out", "`ssh compute1`")),
        "no such name": (
            ssh.config("nowhere", "Host compute1", "HostName nowhere.invalid"),
            ("Could not resolve hostname", "`ssh compute1`"),
        ),
        "no python3": (ssh.port(NO_PYTHON), ("has no python3", "Install python3 there.")),
        "only a banner": (ssh.port(GUESTS), ("cannot be read", "`python3 --version`")),
        "nologin": (ssh.port(NOLOGIN), ("currently not available", "by hand")),
        "hangs": (ssh.port(HANGS), ("did not answer the probe within 12.3 s", "Log in there")),
    }
    with ThreadPoolExecutor(6) as pool:
        outcomes = dict(
            zip(cases, pool.map(lambda case: site.why_live(*case[0]), cases.values()), strict=True)
        )
    for name, (_, words) in cases.items():
        lost(outcomes[name], words)


def lost(outcome: Outcome, words: tuple[str, ...]) -> None:
    conclusion = told(outcome, 2, within=LIMIT + 4)  # six at a time
    assert conclusion["state"] == "unknown", outcome
    assert outcome.verdict["causes"] == [], outcome
    assert outcome.unknown.startswith("host compute1: "), outcome
    for word in words:
        assert word in outcome.unknown, (word, outcome.unknown)
    assert outcome.stages["S7"] == outcome.stages["S8"] == "unknown", outcome
    assert {outcome.stages[stage] for stage in ("S4", "S5", "S6", "S11", "S13")} == {"ok"}, outcome


def test_no_sudo_is_said(site: Site, ssh: Ssh) -> None:
    if shutil.which("sudo"):
        pytest.skip("root may use sudo here")
    outcome = site.why_live(*ssh.config("become"), "--become")
    lost(outcome, ("Host compute1 has no sudo", "Install sudo there."))


def test_ctrl_c_does_not_wait_for_a_host(site: Site, ssh: Ssh) -> None:
    argv = ("why", site.vm.id, "--nb", site.nb, "--sb", site.sb, *ssh.port(HANGS))
    with subprocess.Popen(
        [*site.inside("controller"), *VIFTRAIL, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as hanging:
        time.sleep(2)
        assert hanging.poll() is None
        began = time.monotonic()
        os.kill(hanging.pid, signal.SIGINT)
        out, err = hanging.communicate(timeout=5)
        outcome = Outcome(hanging.returncode, out, err, time.monotonic() - began)
    refused(outcome, 130, "interrupted", within=2.0)


def test_a_configuration_that_is_not_there(site: Site) -> None:
    outcome = site.why_live("--ssh", "--ssh-config", "/nonexistent/config")
    refused(outcome, 68, "/nonexistent/config", "--ssh-config")
    complained(outcome)
