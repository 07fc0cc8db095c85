"""The command as a whole: help, versions, exit codes, and no traceback ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import viftrail
from tests.cli.conftest import Run
from tests.cloud import healthy, without
from tests.recordings import path
from viftrail import __version__
from viftrail.facts.bundle.bundle import FORMAT, write
from viftrail.facts.bundle.manifest import Manifest

COMMANDS = ("why", "audit", "collect", "doctor", "faults", "lab", "try")
SLOW = {
    *("msgspec", "ssl", "asyncio", "viftrail.facts.inquiry", "viftrail.diagnose"),
    *("viftrail.faults", "viftrail.lab", "viftrail.verdict"),
}


def imported_by(*arguments: str) -> set[str]:
    """The modules that are loaded when the command ends."""
    code = (
        "import sys\n"
        f"sys.argv = ['viftrail', *{arguments!r}]\n"
        "from viftrail.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("why", "--help")])
def test_help_loads_nothing_slow(arguments: tuple[str, ...]) -> None:
    loaded = imported_by(*arguments)
    assert "viftrail.cli.main" in loaded
    assert not loaded & SLOW


def test_help_shows_every_command_and_the_exit_codes(run: Run) -> None:
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command} " in done.out
    assert "0 healthy, 1 broken, 2 could not tell" in " ".join(done.out.split())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_command_explains_itself(run: Run, command: str, option: str) -> None:
    done = run(command, option)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: viftrail {command} ")
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_the_version(run: Run) -> None:
    assert run("--version").out.split()[-1] == __version__


HEALTHY = str(path("healthy"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("why", "vm1", "--bundle", HEALTHY), 0, ""),
        (("why", "vm1", "--bundle", str(path("vif-tap-down"))), 1, ""),
        (("why",), 64, "TARGET"),
        (("nonsense",), 64, "nonsense"),
        (("why", "vm1", "--nonsense"), 64, "--nonsense"),
        (("why", "vm1", "-f", "yaml", "--bundle", HEALTHY), 64, "yaml"),
        (("why", "vm1:", "--bundle", HEALTHY), 64, "empty end"),
        (("why", "vm1", "--bundle", HEALTHY, "--lab", "x"), 64, "Name one source."),
        (("faults", "nonsense"), 64, "nonsense"),
        (("why", "vm9", "--bundle", HEALTHY), 65, "vm9"),
        (("why", "vm1", "--bundle", "/nonexistent/bundle"), 68, "/nonexistent/bundle"),
        (("why", "vm1", "--bundle", __file__), 72, "is not a whole viftrail bundle"),
        (("why", "vm1", "--nb", "/nonexistent.db", "--sb", "/nonexistent.db"), 68, "nonexistent"),
        (("why", "vm1", "--nb", "unix:/nonexistent", "--sb", "unix:/nonexistent"), 69, ""),
        (("why", "vm1", "--bundle", HEALTHY, "-o", "/nonexistent/x"), 73, "/nonexistent/x"),
        (("collect", "--bundle", HEALTHY, "-o", "/nonexistent/x"), 73, "/nonexistent/x"),
    ],
)
def test_exit_codes(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run(*arguments)
    assert done.code == code, done.err
    assert words in done.err
    if code >= 64:
        assert done.out == ""
        assert done.err.startswith("viftrail: ")
        assert len(done.err.splitlines()) <= 2
    else:
        assert done.err == ""


def test_could_not_tell_is_2(run: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    manifest = Manifest(format=FORMAT, tool="t", time="2026-01-01", source="")
    write(bundle, without(healthy(), "compute1"), manifest)
    done = run("why", "vm1", "--bundle", str(bundle))
    assert done.code == 2
    assert "COULD NOT TELL" in done.out


def test_a_bug_asks_to_be_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("viftrail.facts.bundle.bundle.read", broken)
    done = run("why", "vm1", "--bundle", HEALTHY)
    assert done.code == 70
    assert "bug" in done.err
    assert "VIFTRAIL_DEBUG=1" in done.err


def test_an_interruption_is_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("viftrail.facts.bundle.bundle.read", interrupted)
    assert run("why", "vm1", "--bundle", HEALTHY).code == 130


def test_as_a_process_of_its_own() -> None:
    done = viftrail("why", "vm1", "--bundle", str(path("vif-tap-down")))
    assert (done.code, done.err) == (1, "")
    assert "vif-tap-down (proven)" in done.out
    assert viftrail("why", "vm9", "--bundle", HEALTHY).code == 65


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m viftrail faults -f markdown | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("# Faults\n", "")
