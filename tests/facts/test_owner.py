"""What the owner wants."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cloud import healthy, vm
from viftrail.errors import FileUnreadable
from viftrail.facts.owner import read


def test_a_port_is_found_by_its_id_and_not_by_another_name() -> None:
    owner = healthy().owner
    port = owner.port(vm(healthy()))
    assert port is not None
    assert port.server == "vm1"
    assert owner.port("vm1") is None
    assert owner.port("") is None


def test_it_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "owner.json"
    file.write_bytes(msgspec.json.encode(healthy().owner))
    assert read(file) == healthy().owner


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated"),
        (b"[]", "object"),
        (b'{"ports": []}', "kind"),
        (b'{"kind": "neutron", "ports": [{"mac": "x"}]}', "ports[0]"),
        (b'{"kind": "\xff"}', "owner.json"),
    ],
)
def test_a_file_that_tells_something_else(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "owner.json"
    file.write_bytes(content)
    with pytest.raises(FileUnreadable, match="does not tell what ports") as caught:
        read(file)
    assert words in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="No such file"):
        read(tmp_path / "nothing")
