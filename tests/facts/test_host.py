"""A probe's answer, typed."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from tests.cloud import conf, healthy, settings, vm
from viftrail.errors import ProtocolError
from viftrail.facts.host import PROBE_FORMAT, Process, probe_script, read_probe
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Interface

LEAST = {"format": PROBE_FORMAT, "hostname": "h", "time": 1.0}


def test_the_least_that_a_probe_says() -> None:
    host = read_probe(json.dumps(LEAST).encode())
    assert (host.hostname, host.chassis_name, host.integration_bridge) == ("h", "", "br-int")
    assert not host.conf[Interface].complete, "conf.db was not read"
    assert not host.central


def test_tunnels_are_found_by_whom_they_lead_to() -> None:
    facts = healthy()
    names = {row.name: row.hostname for row in facts.sb[Chassis]}
    found = {
        names[chassis]: [row.options["remote_ip"] for row in rows]
        for chassis, rows in facts.hosts["compute1"].tunnels.items()
    }
    assert found == {"compute2": ["198.51.100.22"], "network1": ["198.51.100.11"]}


def test_what_a_newer_probe_says_more_is_skipped() -> None:
    assert read_probe(json.dumps({**LEAST, "new": {"a": 1}}).encode()).hostname == "h"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Welcome to compute1!",
        b"{",
        b"[]",
        b"\xff",
        json.dumps({**LEAST, "format": PROBE_FORMAT + 1}).encode(),
        json.dumps({"format": PROBE_FORMAT}).encode(),
        json.dumps({**LEAST, "processes": []}).encode(),
    ],
)
def test_what_is_no_probes_answer_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_probe(text)


@pytest.mark.parametrize(
    ("state", "runs"),
    [("S", True), ("R", True), ("D", True), ("I", True), ("", False), ("Z", False), ("T", False)],
)
def test_which_processes_do_their_work(state: str, runs: bool) -> None:
    assert Process(pid=1, state=state).runs is runs


def test_the_relations_within_a_host() -> None:
    host = healthy().hosts["compute1"]
    tap = "tap" + vm(healthy())[:11]
    assert host.bridge_of[tap] == "br-int"
    assert host.link_by_name[tap].up
    assert host.link_by_name[tap].carrier
    assert host.settings["ovn-encap-ip"] == "198.51.100.21"
    guest = host.guest(vm(healthy()))
    assert guest is not None
    assert guest.mac == "fa:16:3e:be:86:ea"
    assert host.guest("nobody") is None


def test_which_hosts_are_central() -> None:
    assert [name for name, host in healthy().hosts.items() if host.central] == ["controller"]


def test_another_integration_bridge() -> None:
    assert (
        settings(healthy(), "compute1", ovn_bridge="br-ovn").hosts["compute1"].integration_bridge
        == "br-ovn"
    )


def test_a_changed_recording_is_really_changed() -> None:
    """What every test with a changed cloud stands on: no cached view survives a change."""
    tap = "tap" + vm(healthy())[:11]
    assert healthy().hosts["compute1"].conf[Interface].one("name", tap) is not None
    changed = conf(healthy(), "compute1", "Interface", {"name": tap}, name="other")
    assert changed.hosts["compute1"].conf[Interface].one("name", tap) is None
    assert "other" in changed.hosts["compute1"].bridge_of


def test_the_probe_is_part_of_the_package() -> None:
    assert b"def main(" in probe_script()


def test_many_answers_are_read_at_once_from_the_first_on() -> None:
    """What a Struct is made of must be known before threads ask: msgspec fails with SIGSEGV."""
    program = """
import sys, threading
from viftrail.facts.host import read_probe
sys.setswitchinterval(1e-6)
together = threading.Barrier(6)
def read():
    together.wait()
    read_probe(sys.argv[1].encode())
threads = [threading.Thread(target=read) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    answer = msgspec.json.encode(healthy().hosts["compute1"]).decode()
    runs = [subprocess.Popen([sys.executable, "-c", program, answer]) for _ in range(4)]
    assert [run.wait(30) for run in runs] == [0] * 4
