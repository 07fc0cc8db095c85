"""How a command gets to the databases: what it is told, and what this host knows."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from viftrail.facts.places import Places, Remote


def test_ssl_needs_all_three_files(run: Run) -> None:
    done = run("why", "vm1", "--nb", "ssl:127.0.0.1:1", "--sb", "ssl:127.0.0.1:1", "-p", "/key")
    assert done.code == 64
    assert "--ca-cert" in done.err


def test_what_this_host_knows_is_used_and_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viftrail.lab.folder.living", list)
    remotes = (
        Remote(database="sb", address="unix:/nonexistent/sb", source="conf.db ovn-remote"),
        Remote(
            database="nb",
            address="unix:/nonexistent/nb",
            source="guessed from conf.db ovn-remote",
            guessed=True,
        ),
    )
    monkeypatch.setattr("viftrail.facts.places.places_here", lambda: Places(remotes=remotes))
    done = run("why", "vm1")
    assert done.code == 69
    assert "/nonexistent/nb" in done.err
    assert "guessed: conf.db ovn-remote" in done.err


def test_ssl_without_files_says_that_none_are_to_be_found(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viftrail.facts.places.places_here", Places)
    done = run("why", "vm1", "--nb", "ssl:127.0.0.1:1", "--sb", "ssl:127.0.0.1:1")
    assert done.code == 64
    assert "--private-key" in done.err
