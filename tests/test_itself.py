"""Parts of viftrail as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from viftrail.facts.ways.carrier import Local
from viftrail.facts.ways.dispatch import PYTHON
from viftrail.itself import part


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder where somebody has left a module that everybody imports."""
    for name in ("json", "subprocess", "viftrail"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('trapped')\n")
    return tmp_path


def test_a_part_imports_nothing_of_the_current_folder(trap: Path) -> None:
    argv = [*part("viftrail.facts.ways.minder"), "", "echo", "a b"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=trap, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("a b\n", "", 0)


def test_neither_does_what_runs_on_hosts(trap: Path) -> None:
    argv = Local().command([*PYTHON, "--window", "0"])
    assert argv[0] == sys.executable
    script = b"import json, sys; print(json.dumps(sys.argv[1:]))"
    done = subprocess.run(argv, input=script, capture_output=True, cwd=trap, check=False)
    assert (done.stdout, done.stderr) == (b'["--window", "0"]\n', b"")
    assert not (trap / "__pycache__").exists()
