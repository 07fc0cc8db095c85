"""Hosts by Ansible: a real ansible-core, a real sshd in lab nodes, and hosts that do not answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from viftrail.facts.bundle import bundle

from .harness import VIFTRAIL, Outcome, environment, eventually, refused, told, viftrail
from .site import Site
from .sshd import CLOSED, HANGS, NO_PYTHON, ODD, PORT, RUN_SSHD, SILENT, SSHD, Ssh, silent

NODES = ("compute1", "compute2", "network1", "controller")
LIMIT = 30.0
"""Seconds for a target's hosts: Ansible begins up to four times, on two cores."""

BOUND = 75.0
"""Seconds for all hosts: the one whose shell hangs has 24, beside twenty others on two cores."""

LOST = {
    "dead": (CLOSED, "Connection refused"),
    "hung": (SILENT, "timed out"),
    "shell": (HANGS, "did not answer the probe within"),
    "bare": (NO_PYTHON, "has no python3"),
}

pytestmark = [
    pytest.mark.lab,
    pytest.mark.xdist_group("live-fleet"),
    pytest.mark.skipif(not SSHD or not shutil.which("ssh"), reason="openssh is not installed"),
]


class Fleet:
    """An inventory of 21 hosts, of which 17 answer, and the ledger of what was run on them."""

    def __init__(self, ssh: Ssh) -> None:
        self.site, self.folder = ssh.site, ssh.folder
        self.inventory = self.folder / "inventory"
        address = {node.name: node.mgmt_ip for node in self.site.status.nodes}
        chassis = [
            "compute1",
            "far ansible_host=compute2",
            f"network1.example.org ansible_host={address['network1']}",
        ]
        others = [f"s{number:02} ansible_host={address[NODES[number % 4]]}" for number in range(14)]
        lost = [
            f"{name} ansible_host={address['compute1']} ansible_port={port}"
            for name, (port, _) in LOST.items()
        ]
        options = f"-o UserKnownHostsFile={self.folder}/known -o StrictHostKeyChecking=no"
        lines = (
            "[all:vars]",
            "ansible_user=root",
            f"ansible_port={PORT}",
            f"ansible_ssh_private_key_file={self.folder}/user",
            f"ansible_ssh_common_args='{options}'",
            "[hosts]",
            *(*chassis, *others, *lost),
        )
        self.inventory.write_text("\n".join(lines) + "\n")
        self.count = len(chassis) + len(others)
        self.state = self.folder / "state"
        own = (f"XDG_STATE_HOME={self.state}", f"ANSIBLE_HOME={self.state}/ansible")
        self.prefix = (*self.site.inside("controller"), "env", *own)

    def live(self, *options: str) -> tuple[str, ...]:
        """A command's options for this cloud."""
        inventory = ("--inventory", str(self.inventory))
        return ("--nb", self.site.nb, "--sb", self.site.sb, *inventory, *options)

    def run(self, *arguments: str) -> Outcome:
        return viftrail(*arguments, prefix=self.prefix)

    def why(self, *options: str) -> Outcome:
        return self.run("why", self.site.vm.id, *self.live(*options), "-f", "json")

    def noted(self) -> list[dict[str, Any]]:
        """What the ledger says since it was last read."""
        place = self.state / "viftrail" / "commands.jsonl"
        lines = place.read_text().splitlines()
        place.unlink()
        return [json.loads(line) for line in lines]

    def left(self) -> list[str]:
        """Processes of Ansible or ssh that still know this folder, but no sshd."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if str(self.folder) in words and "sshd" not in words:
                found.append(words)
        return found


@pytest.fixture(scope="module")
def fleet(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    RUN_SSHD.mkdir(exist_ok=True)
    ssh = Ssh(site, tmp_path_factory.mktemp("fleet"))
    with ExitStack() as servers:
        for node in NODES:
            servers.enter_context(ssh.server(node, PORT))
        for port in (HANGS, NO_PYTHON):
            servers.enter_context(ssh.server("compute1", port, f"ForceCommand {ODD[port]}\n"))
        servers.enter_context(silent(site))
        yield Fleet(ssh)


def test_of_twenty_hosts_those_that_answer_are_kept(fleet: Fleet) -> None:
    """One is dead, one is silent, the shell of one hangs, and one has no python3."""
    path = fleet.folder / "cloud.bundle"
    done = fleet.run("collect", *fleet.live("-o", str(path)))
    assert done.code == 0, done
    assert done.seconds < BOUND
    facts, _ = bundle.read(path)
    assert len(facts.hosts) == fleet.count == 17
    assert {"compute1", "compute2", "network1", "s00", "s13"} <= facts.hosts.keys()
    assert facts.hosts["compute2"].hostname == "compute2", "by its ansible_host"
    gaps = {gap.place: gap for gap in facts.gaps}
    assert gaps.keys() == {f"host {name}" for name in LOST}
    for name, (_, words) in LOST.items():
        assert words in gaps[f"host {name}"].why
        assert gaps[f"host {name}"].how
    noted = fleet.noted()
    assert {each["way"] for each in noted} == {"ansible"}
    probed = [each["host"] for each in noted if each["script"] == "probe.py"]
    read = [each["host"] for each in noted if each["script"] == "log/excerpt.py"]
    assert len(probed) == len(set(probed)) == fleet.count + len(LOST)
    assert len(read) == len(set(read)) == fleet.count, "logs of those that answered"
    assert len(probed) + len(read) == len(noted)
    assert fleet.left() == []


def test_why_asks_the_hosts_of_the_trail_alone(site: Site, fleet: Fleet) -> None:
    healthy = fleet.why("--timeline")
    told(healthy, 0, within=LIMIT)
    places = {gap["place"] for gap in healthy.gaps}
    assert places == {"time line: rows", "time line: what was asked"}, "the logs were read"
    noted = fleet.noted()
    assert {each["host"] for each in noted} <= {"compute1", "network1.example.org"}
    assert {each["script"] for each in noted} == {"probe.py", "log/excerpt.py"}
    site.lab.ask("break", fault="vif-tap-down", vm="vm1")
    try:
        by_ansible, by_lab = fleet.why(), site.why()
    finally:
        site.lab.ask("mend")
    keys = ("state", "stage", "cause", "confidence")
    conclusion, expected = told(by_ansible, 1, within=LIMIT), told(by_lab, 1, within=LIMIT)
    assert [conclusion[key] for key in keys] == [expected[key] for key in keys]
    assert by_ansible.verdict["remedy"] == by_lab.verdict["remedy"]
    limited = fleet.why("--limit", "all:!compute1")
    assert "has no host compute1" in limited.unknown
    fleet.noted()


def test_what_limit_leaves_out_is_said_once(fleet: Fleet) -> None:
    path = fleet.folder / "limited.bundle"
    done = fleet.run("collect", *fleet.live("--limit", "compute1", "-o", str(path)))
    assert done.code == 0, done
    facts, _ = bundle.read(path)
    assert facts.hosts.keys() == {"compute1", "controller"}, "the latter is where it runs"
    (gap,) = facts.gaps
    assert "2 chassis" in gap.why
    assert "compute2, network1" in gap.why


def test_fix_runs_a_step_by_ansible(site: Site, fleet: Fleet) -> None:
    log = fleet.folder / "fix.jsonl"
    site.lab.ask("break", fault="vif-tap-down", vm="vm1")
    try:
        outcome = fleet.run(
            "fix", site.vm.id, *fleet.live("--apply", "--log", str(log)), "-f", "json"
        )
    finally:
        site.lab.ask("mend")
    said = json.loads(outcome.out)
    assert (outcome.code, said["ending"]) == (0, "mended"), outcome
    steps = [each for each in fleet.noted() if each["command"][0] == "sh"]
    assert {(each["host"], each["exit"]) for each in steps} == {("compute1", 0)}


def test_ctrl_c_leaves_nothing_running(fleet: Fleet) -> None:
    """Neither Ansible nor its ssh, which have sessions of their own."""
    path = fleet.folder / "none.bundle"
    argv = ("collect", *fleet.live("--limit", "shell,hung,compute1", "-o", str(path)))
    with subprocess.Popen(
        [*fleet.prefix, *VIFTRAIL, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as running:
        assert eventually(lambda: any(each.startswith("ssh ") for each in fleet.left()))
        time.sleep(1)
        began = time.monotonic()
        os.kill(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=10)
    refused(Outcome(running.returncode, out, err, time.monotonic() - began), 130, "interrupted")
    assert eventually(lambda: not fleet.left(), 3), fleet.left()
    assert not path.exists()
