"""`viftrail collect`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run
from tests.recordings import path


def test_what_is_collected_from_a_bundle_is_that_bundle(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "again.bundle"
    done = run("collect", "--bundle", str(path("vif-tap-down")), "-o", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{file}: 4 hosts, ")
    seen = run("why", "vm1", "--bundle", str(file))
    assert "vif-tap-down (proven)" in seen.out


def test_it_needs_a_place(run: Run) -> None:
    assert run("collect", "--bundle", str(path("healthy"))).code == 64


def test_a_damaged_source_leaves_no_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.bundle"
    assert run("collect", "--bundle", __file__, "-o", str(file)).code == 72
    assert list(tmp_path.iterdir()) == []
