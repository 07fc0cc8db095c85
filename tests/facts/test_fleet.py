"""An inventory's hosts: which chassis each is, and the probe by a real Ansible on this host."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cloud import healthy
from viftrail.errors import FileUnreadable, UnknownTarget
from viftrail.facts import fleet as module
from viftrail.facts.carrier import Carrier, Remote
from viftrail.facts.facts import Gap
from viftrail.facts.fleet import Entry, Fleet, InventoryHost, Roll, open_fleet, said_of
from viftrail.facts.host import Host
from viftrail.facts.play import Ansible, Answer

ENTRIES = (
    Entry("compute1"),
    Entry("compute2.example.org"),
    Entry("n3", "compute3.example.org"),
    Entry("n4", "192.0.2.4"),
    Entry("twin.a.org"),
    Entry("twin.b.org"),
    Entry("compute1.other.org"),
)


@pytest.mark.parametrize(
    ("chassis", "expected"),
    [
        ("compute1", ("compute1",)),  # exact wins over the short form of another
        ("COMPUTE1", ("compute1",)),
        ("compute1.example.org", ("compute1",)),
        ("compute2", ("compute2.example.org",)),
        ("compute2.example.com", ()),
        ("compute3.example.org", ("n3",)),
        ("compute3", ("n3",)),
        ("192.0.2.4", ("n4",)),
        ("192", ()),
        ("twin", ("twin.a.org", "twin.b.org")),
        ("compute", ()),
        ("", ()),
    ],
)
def test_which_host_a_chassis_is(chassis: str, expected: tuple[str, ...]) -> None:
    assert Roll(ENTRIES).find(chassis) == expected


def test_a_name_that_fits_two_is_neither() -> None:
    gap = Fleet(Ansible(Path("/bin"), "inv"), ENTRIES).way("twin")
    assert isinstance(gap, Gap)
    assert "twin.a.org, twin.b.org" in gap.why
    assert "--limit" in gap.how


def test_a_way_is_a_carrier_whose_commands_are_noted() -> None:
    way: Carrier | Gap | None = Fleet(Ansible(Path("/bin"), "/i", become=True), ENTRIES).way("n4")
    assert isinstance(way, Remote)
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
    monkeypatch.setattr(module, "HOST_TIMEOUT", 6.0)
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


@pytest.mark.parametrize(
    ("lines", "limit", "error", "words"),
    [
        (("[web", "a"), "", FileUnreadable, "Ansible cannot read the inventory"),
        (("[web]",), "", UnknownTarget, "names no host"),
        (("a", "b"), "c*", UnknownTarget, "--limit c* leaves no host"),
        (("a", "b"), "@/nonexistent", FileUnreadable, "nonexistent"),
    ],
)
def test_an_inventory_of_no_use(
    tmp_path: Path, lines: tuple[str, ...], limit: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        open_fleet(listed(tmp_path, *lines), limit)
    assert words in str(caught.value)
    assert getattr(caught.value, "do", "")


def test_an_inventory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="--inventory"):
        open_fleet(str(tmp_path / "none"))


def test_limit_and_forks_are_the_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 7\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    fleet = open_fleet(listed(tmp_path, "a1", "a2", "b ansible_host=10.0.0.1"), "a*:b:!a2")
    assert fleet.entries == (Entry("a1"), Entry("b", "10.0.0.1"))
    assert (fleet._forks(100), fleet._forks(3)) == (7, 3)


def test_a_host_keeps_what_was_seen_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`why` asks for two or three by name; each comes back under the chassis' own name."""
    host = healthy().hosts["compute1"]
    fleet = Fleet(Ansible(Path("/bin"), "inv"), [Entry("n4")])
    monkeypatch.setattr(fleet, "_probe", lambda hosts, _: dict.fromkeys(hosts, host))
    way = InventoryHost(fleet.ansible, "n4")
    assert fleet.look({"compute1": way}, 0.3) == {"compute1": host}
