"""A lab comes up, goes down, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Cli, assert_nothing_left, namespaces_of, remains, wait_for

pytestmark = pytest.mark.lab


@pytest.fixture
def cli() -> Iterator[Cli]:
    one = Cli(f"t-life-{os.getpid()}")
    yield one
    one("down", check=False)


def links() -> set[str]:
    return {link.name for link in Path("/sys/class/net").iterdir()}


def test_up_ping_down_leaves_nothing(cli: Cli) -> None:
    links_before = links()
    named_before = set(Path("/run/netns").glob("*"))
    cli("up")
    status = cli.status()
    assert links() == links_before
    assert cli.failing() == set()
    inodes = namespaces_of(status["keeper"])
    assert len(inodes) >= 10
    cli("down")
    assert remains(cli.name) == []
    assert_nothing_left(cli.name, inodes)
    assert links() == links_before
    assert set(Path("/run/netns").glob("*")) == named_before


@pytest.mark.parametrize(
    "step", ["links", "databases", "switches", "controllers", "guests", "ready"]
)
def test_killing_lab_up_at_a_step(cli: Cli, step: str) -> None:
    with subprocess.Popen(cli.argv("up", "-v"), stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        for line in up.stdout:
            if line.split()[-1] == step:
                break
        up.kill()
    if step == "ready" and cli("status", check=False).returncode == 0:
        return  # it had already been told that the lab is up: a lab that may stay
    assert_nothing_left(cli.name)


@pytest.mark.parametrize("delay", [0.0, 0.06, 0.12, 0.2, 0.35])
def test_killing_lab_up_at_any_moment(cli: Cli, delay: float) -> None:
    with subprocess.Popen(cli.argv("up"), stdout=subprocess.DEVNULL) as up:
        time.sleep(delay)
        up.kill()
    assert_nothing_left(cli.name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_lab_up(cli: Cli, number: int) -> None:
    with subprocess.Popen(
        cli.argv("up", "-v"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as up:
        assert up.stdout is not None
        up.stdout.readline()
        up.send_signal(number)
        assert up.wait(10) != 0
    assert_nothing_left(cli.name)


def test_killing_the_keeper(cli: Cli) -> None:
    cli("up")
    keeper = cli.status()["keeper"]
    inodes = namespaces_of(keeper)
    os.kill(keeper, signal.SIGKILL)
    assert_nothing_left(cli.name, inodes)


def test_killing_the_janitor(cli: Cli) -> None:
    cli("up")
    keeper = cli.status()["keeper"]
    inodes = namespaces_of(keeper)
    os.kill(_parent(keeper), signal.SIGKILL)
    assert_nothing_left(cli.name, inodes)


def test_killing_both_leaves_files_that_the_next_command_removes(cli: Cli) -> None:
    cli("up")
    keeper = cli.status()["keeper"]
    janitor = _parent(keeper)
    for pid in (janitor, keeper):
        os.kill(pid, signal.SIGSTOP)  # so that neither sees the other end
    for pid in (janitor, keeper):
        os.kill(pid, signal.SIGKILL)
    folder = Path("/run/viftrail/labs", cli.name)
    assert wait_for(lambda: remains(cli.name) == [str(folder)]), remains(cli.name)
    done = cli("status", check=False)
    assert done.returncode == 75
    assert "lab up" in done.stderr
    assert_nothing_left(cli.name)


def test_a_lab_can_be_made_where_a_dead_one_lies(cli: Cli) -> None:
    Path("/run/viftrail/labs", cli.name, "old").mkdir(parents=True)
    cli("up")
    cli("down")
    assert_nothing_left(cli.name)


def test_what_runs_in_a_lab_ends_with_it(cli: Cli) -> None:
    cli("up", "--no-vms", "--computes", "1")
    with subprocess.Popen(cli.argv("exec", "compute1", "--", "sleep", "60")) as inside:
        assert wait_for(lambda: _command(inside.pid).startswith("sleep"))
        cli("down")
        assert inside.wait(5) == -signal.SIGKILL
    assert_nothing_left(cli.name)


def test_two_labs_side_by_side(cli: Cli) -> None:
    other = Cli(f"{cli.name}-b")
    ups = [subprocess.Popen(one.argv("up"), stdout=subprocess.DEVNULL) for one in (cli, other)]
    try:
        assert [up.wait(30) for up in ups] == [0, 0]
        assert cli.failing() == set()
        other("down")
        assert cli.failing() == set()
    finally:
        other("down", check=False)


def test_a_second_lab_of_the_same_name_is_refused(cli: Cli) -> None:
    cli("up", "--no-vms", "--computes", "1")
    done = cli("up", check=False)
    assert done.returncode == 75
    assert "is up already" in done.stderr
    assert cli.status()["vms"] == []


def test_bad_numbers_and_names_are_refused() -> None:
    assert Cli("Bad_Name")("up", check=False).returncode == 64
    assert Cli("t-none")("up", "--computes", "21", check=False).returncode == 64
    assert Cli("t-none")("down", check=False).returncode == 75


def _parent(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
