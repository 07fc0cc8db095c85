"""infra-*-disk-full: the disk that counts is the one with the server's own file."""

from __future__ import annotations

import pytest

from tests.cloud import ask, healthy, on_host
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import Disk
from viftrail.verdict import State

TOTAL = 1 << 30


def full(name: str, daemon: str, free: int = 0, *, other: str = "") -> Facts:
    facts = healthy()
    command = facts.hosts[name].processes[daemon].command
    path = next(word for word in command.split() if word.startswith("/"))
    folder = other or path.rpartition("/")[0]
    disks = (Disk("/", TOTAL, TOTAL), Disk(folder, TOTAL, free))
    return on_host(facts, name, disks=disks)


@pytest.mark.parametrize(
    ("name", "daemon", "fault"),
    [
        ("controller", "ovnnb_db", "infra-controller-disk-full"),
        ("network1", "ovsdb-server", "infra-network-node-disk-full"),
    ],
)
def test_the_file_of_a_running_server_has_no_room(name: str, daemon: str, fault: str) -> None:
    facts = full(name, daemon)
    (group,) = audit(facts).groups
    assert (group.id, group.state, group.victims) == (fault, State.DEGRADED, 0)
    verdict = ask(facts)
    assert (verdict.verdict.stage, verdict.verdict.cause) == ("S0", fault)


def test_little_room_is_room() -> None:
    assert audit(full("controller", "ovnnb_db", 1 << 20)).groups == ()


def test_another_disk_of_the_host_is_another_matter() -> None:
    assert audit(full("controller", "ovnnb_db", other="/var/lib/nova")).groups == ()
