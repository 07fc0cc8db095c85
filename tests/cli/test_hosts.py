"""The ways to hosts that an operator names, and what is said of those that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from viftrail.cli import hosts
from viftrail.cli.origin import Origin
from viftrail.facts.facts import Gap
from viftrail.facts.owner import ADMIN_SHELL
from viftrail.facts.ways import ledger
from viftrail.facts.ways.carrier import Local, Ssh
from viftrail.facts.ways.fleet import Fleet, InventoryHost
from viftrail.facts.ways.inventory import Entry
from viftrail.facts.ways.play import Ansible

CLOUD = ("--nb", "tcp:127.0.0.1:1", "--sb", "tcp:127.0.0.1:1")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--inventory", "/nonexistent"), 68, "/nonexistent"),
        (("--inventory", "EMPTY"), 65, "names no host"),
        (("--inventory", "h,", "--limit", "x*"), 65, "--limit x* leaves no host"),
        (("--inventory", "h,", "--ssh"), 64, "without --ssh"),
        (("--inventory", "h,", "--ssh-config", "x"), 64, "--ssh-config is for --ssh"),
        (("--limit", "x"), 64, "Add --inventory."),
        (("--inventory", ""), 64, "--inventory"),
        (("--inventory", "h,", "--bundle", "x"), 64, "--bundle"),
        (("--inventory", "h,", "--lab"), 64, "--lab"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    run: Run, tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "empty").write_text("[web]\n")
    cloud = () if {"--bundle", "--lab"} & {*options} else CLOUD
    named = (str(tmp_path / "empty") if each == "EMPTY" else each for each in options)
    done = run("why", "x", *cloud, *named)
    assert (done.code, done.out) == (code, ""), done
    assert words in done.err
    assert len(done.err.splitlines()) <= 2


def test_without_ansible_it_is_said_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("why", "x", *CLOUD, "--inventory", "h,")
    assert done.code == 69
    assert "viftrail[fleet]" in done.err


def test_the_way_to_each_host() -> None:
    fleet = Fleet(Ansible(Path("/bin"), "inv"), [Entry("compute1"), Entry("here")])
    way = hosts.ways(Origin(inventory="inv"), ["here", "self"], fleet)
    assert way("compute1") == InventoryHost(fleet.ansible, "compute1")
    assert way("here") == InventoryHost(fleet.ansible, "here"), "the inventory says how"
    assert way("self") == Local()
    strange, shell = way("compute9"), way(ADMIN_SHELL)
    assert isinstance(strange, Gap)
    assert "inv" in strange.why
    assert isinstance(shell, Gap)
    assert hosts.ways(Origin(ssh=True), [], None)("compute1") == Ssh("compute1")
    nothing = hosts.ways(Origin(), [], None)("compute1")
    assert isinstance(nothing, Gap)
    assert "--inventory" in nothing.how


def test_this_very_host_is_seen_as_root_where_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert hosts.ways(Origin(ssh=True, become=True), ["here"], None)("here") == Local(become=True)
    assert hosts.local(Origin(ssh=True)) == Local()
    assert hosts.local(Origin(inventory="inv", become=True)) == Local(), (
        "Ansible's is for its hosts"
    )
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert hosts.local(Origin(ssh=True, become=True)) == Local()


def test_a_ledger_that_cannot_be_written_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts.check_ledger()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(ledger._Failure, "text", "No room.")
    hosts.check_ledger()
    assert capsys.readouterr().err == "viftrail: No room.\n"
