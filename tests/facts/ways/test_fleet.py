"""An inventory's hosts: which chassis each is, and the probe by a real Ansible on this host."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cloud import healthy
from viftrail.facts.facts import Gap
from viftrail.facts.host import Host
from viftrail.facts.ways import fleet as module
from viftrail.facts.ways.carrier import Carrier
from viftrail.facts.ways.dispatch import Many
from viftrail.facts.ways.fleet import Fleet, InventoryHost, open_fleet, said_of
from viftrail.facts.ways.inventory import Entry
from viftrail.facts.ways.play import Ansible, Answer

ENTRIES = (
    Entry("compute1"),
    Entry("compute2.example.org"),
    Entry("n3", "compute3.example.org"),
    Entry("n4", "192.0.2.4"),
    Entry("twin.a.org"),
    Entry("twin.b.org"),
    Entry("compute1.other.org"),
)


def test_a_name_that_fits_two_is_neither() -> None:
    gap = Fleet(Ansible(Path("/bin"), "inv"), ENTRIES).way("twin")
    assert isinstance(gap, Gap)
    assert "twin.a.org, twin.b.org" in gap.why
    assert "--limit" in gap.how


def test_a_way_is_a_carrier_whose_commands_are_noted() -> None:
    way: Carrier | Gap | None = Fleet(Ansible(Path("/bin"), "/i", become=True), ENTRIES).way("n4")
    assert isinstance(way, Many)
    assert (way.way, way.host) == ("ansible", "n4")
    assert isinstance(way, InventoryHost)
    assert way.command(["ip", "a"])[-6:] == ["/i", "become", "n4", "--", "ip", "a"]


@pytest.mark.parametrize(
    ("answer", "code", "errors"),
    [
        (Answer("h", "ok", 0, "{}", "x"), 0, "x"),
        (Answer("h", "failed", 127, "", "no python3"), 127, "no python3"),
        (Answer("h", "failed", None, "", "", "Missing sudo password"), 1, "Missing sudo password"),
        (Answer("h", "unreachable", None, "", "", "Task failed: refused"), 255, "refused"),
        (Answer("h", "late", None, "", "", "Timed out"), None, "Timed out"),
    ],
)
def test_an_answer_as_ssh_would_have_brought_it(
    answer: Answer, code: int | None, errors: str
) -> None:
    said = said_of(answer)
    assert (said.code, said.errors.decode()) == (code, errors)


def listed(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "hosts"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_many_hosts_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs and one that is dead are told; the rest is kept, under their own names."""
    monkeypatch.setattr(module, "PATIENCE", -2.0)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    inventory = listed(
        tmp_path,
        "[all:vars]",
        "ansible_connection=local",
        "[some]",
        "n1",
        "compute2",
        f"hangs ansible_connection=ssh ansible_ssh_executable={slow}",
        "dead ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1",
    )
    told: list[tuple[int, int, int]] = []
    fleet = open_fleet(inventory, tell=lambda *numbers: told.append(numbers))
    assert [entry.name for entry in fleet.entries] == ["n1", "compute2", "hangs", "dead"]
    here = socket.gethostname()
    seen = fleet.survey([here, "compute2", "dead", "elsewhere", ""], 0.0)
    assert seen.keys() == {here, "compute2", "hangs", "dead"}
    assert isinstance(seen["compute2"], Host), seen["compute2"]
    assert isinstance(seen[here], Host), "n1 is no chassis' name, but the host says which it is"
    said = {name: gap for name, gap in seen.items() if isinstance(gap, Gap)}
    assert "did not answer the probe within 6 s" in said["hangs"].why
    assert "refused" in said["dead"].why
    assert "ansible dead -i" in said["dead"].how
    assert "no host elsewhere" in fleet.strange("elsewhere").why
    assert told[-1] == (4, 2, 2)
    way = fleet.way(here)
    assert way == InventoryHost(fleet.ansible, "n1"), "and where it was met, it is found again"
    several = way.run_many(["n1", "compute2"], ["sh", "-c", "exit 3"], timeout=9, most=99)
    assert {name: said.code for name, said in several.items()} == {"n1": 3, "compute2": 3}
    loud = way.run_many(["n1"], ["sh", "-c", "echo 0123456789"], timeout=9, most=4)
    assert (loud["n1"].output, loud["n1"].code) == (b"01234", None)


def test_what_limit_leaves_out_is_one_gap() -> None:
    fleet = Fleet(Ansible(Path("/bin"), "inv"), ENTRIES, limit="rack1")
    (gap,) = fleet.left_out([f"c{number}" for number in range(2000)])
    assert "2000 chassis" in gap.why
    assert "--limit rack1" in gap.why
    assert len(gap.why) < 200
    assert fleet.left_out([]) == ()


def test_the_hosts_at_an_address() -> None:
    fleet = Fleet(Ansible(Path("/bin"), "inv"), ENTRIES)
    assert fleet.at(["192.0.2.4", "compute1", "", "10.0.0.1"]) == ("compute1", "n4")


def test_a_host_keeps_what_was_seen_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`why` asks for two or three by name; each comes back under the chassis' own name."""
    host = healthy().hosts["compute1"]
    fleet = Fleet(Ansible(Path("/bin"), "inv"), [Entry("n4")])
    monkeypatch.setattr(fleet, "_probe", lambda hosts, _: dict.fromkeys(hosts, host))
    way = InventoryHost(fleet.ansible, "n4")
    assert fleet.look({"compute1": way}, 0.3) == {"compute1": host}
