"""What can be known about a lab before it is up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from viftrail.errors import LabError, NotPermitted, UsageError
from viftrail.lab import client, cloud
from viftrail.lab.folder import Folder
from viftrail.lab.shape import Shape


def test_missing_programs_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(LabError, match=r"apt-get install .*ovn-central ovn-host"):
        cloud.check_machine()


def test_only_root_may_bring_a_lab_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NotPermitted, match="only root"):
        client.Lab.up("t-none")


@pytest.mark.parametrize("computes", [0, -1, 21])
def test_a_lab_has_one_to_twenty_computes(monkeypatch: pytest.MonkeyPatch, computes: int) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(UsageError, match="1 to 20"):
        client.Lab.up("t-none", Shape(computes=computes))


def test_a_lab_that_is_not_up_cannot_be_found() -> None:
    with pytest.raises(LabError, match="lab up --name t-none"):
        client.Lab.find("t-none")


def test_programs_of_a_node_run_this_very_package(tmp_path: Path) -> None:
    folder = Folder("t-none")
    folder.path = tmp_path
    cloud.write_programs(folder)
    done = subprocess.run(
        [folder.programs / "systemctl"], env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert sys.executable in (folder.programs / "viftrail").read_text()
