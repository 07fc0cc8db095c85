"""Which files a folder holds: no links, none of the kernel's, and what may not be read is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from viftrail.errors import FileUnreadable
from viftrail.facts.saved import walk
from viftrail.facts.saved.walk import made_up, plain_files


def listed(folder: Path) -> tuple[list[str], list[str]]:
    refused: list[str] = []
    found = plain_files(folder, lambda path, error: refused.append(f"{path.name} {error.strerror}"))
    return [str(path.relative_to(folder)) for path in found], refused


def test_plain_files_in_their_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    assert listed(tmp_path) == (["a", "b/1", "b/2"], [])


def test_what_the_kernel_makes_up_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("proc/kmsg", "home/proc/report"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    kernels = {tmp_path / "proc": 77, Path("/proc"): 77}
    monkeypatch.setattr(walk, "_device", lambda path: kernels.get(path, 1))
    assert made_up() == {77}
    assert listed(tmp_path) == (["home/proc/report"], [])


def test_the_kernels_own_are_known() -> None:
    assert Path("/proc/self").stat().st_dev in made_up()
    assert Path("/").stat().st_dev not in made_up()


def test_a_folder_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(FileUnreadable, match="more than 3 files"):
        listed(tmp_path)


def test_a_folder_that_may_not_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").touch()
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refused(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert listed(tmp_path) == (["open"], ["closed Permission denied"])
