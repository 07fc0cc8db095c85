"""An inventory as a real Ansible reads it, and which of its hosts a chassis is."""

from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.errors import FileUnreadable, UnknownTarget
from viftrail.facts.ways.inventory import Entry, Roll, configured_forks, read_inventory

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


def listed(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "hosts"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


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
        read_inventory(listed(tmp_path, *lines), limit)
    assert words in str(caught.value)
    assert getattr(caught.value, "do", "")


def test_an_inventory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="--inventory"):
        read_inventory(str(tmp_path / "none"))


def test_limit_and_forks_are_the_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 7\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    ansible, entries = read_inventory(
        listed(tmp_path, "a1", "a2", "b ansible_host=10.0.0.1"), "a*:b:!a2"
    )
    assert entries == (Entry("a1"), Entry("b", "10.0.0.1"))
    assert configured_forks(ansible) == 7
