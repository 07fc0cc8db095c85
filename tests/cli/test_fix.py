"""`viftrail fix`, as far as recordings go; the rest is tests/live/test_fix.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.recordings import path


def test_a_dry_run_is_the_default(run: Run) -> None:
    done = run("fix", "vm1", "--bundle", str(path("vif-tap-down")), "-f", "json")
    told = json.loads(done.out)
    assert (done.code, told["ending"], told["applied"], told["done"]) == (1, "planned", False, [])
    assert told["plan"]["steps"][0]["step"]["command"].startswith("ip link set tap")


def test_healthy_is_0(run: Run) -> None:
    assert run("fix", "vm1", "--bundle", str(path("healthy"))).code == 0


@pytest.mark.parametrize(
    "options", [("--apply",), ("--apply", "--dry-run"), ("--log", "x"), ("--allow", "everything")]
)
def test_what_makes_no_sense_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("fix", "vm1", "--bundle", str(path("vif-tap-down")), *options)
    assert (done.code, done.out) == (64, "")
    assert list(tmp_path.iterdir()) == []
