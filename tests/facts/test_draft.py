"""A file appears whole, or never was."""

from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.errors import CannotWrite
from viftrail.facts.draft import whole_file


def test_it_appears_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "x"
    with whole_file(file) as draft:
        draft.write(b"all of it")
        assert not file.exists()
    assert file.read_bytes() == b"all of it"


def test_it_never_was_when_something_fails(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"old")
    with pytest.raises(UnicodeEncodeError), whole_file(file) as draft:
        draft.write(b"new" + "ä".encode("ascii"))
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_its_permissions(tmp_path: Path, mode: int) -> None:
    with whole_file(tmp_path / "x", mode) as draft:
        draft.write(b"x")
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_file(tmp_path / "link") as draft:
        draft.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    with whole_file(Path("/dev/null")) as draft:
        draft.write(b"x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(CannotWrite, match="No space left"), whole_file(Path("/dev/full")) as draft:
        draft.write(b"x")


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite), whole_file(tmp_path / "no" / "x"):
        pytest.fail("nothing can be written there")
