"""Which cloud is meant: named, in the environment, or plain."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.recordings import path
from viftrail.cli.origin import Origin, open_source
from viftrail.facts.places import Places

BUNDLE = str(path("healthy"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bundle", BUNDLE, "--lab", "x"),
        ("--bundle", BUNDLE, "--nb", "tcp:127.0.0.1:1"),
        ("--bundle", BUNDLE, "--sb", "tcp:127.0.0.1:1"),
        ("--lab", "x", "--nb", "tcp:127.0.0.1:1"),
        ("--bundle", ""),
        ("--bundle", BUNDLE, "-o", ""),
        ("--lab", "x", "--os-cloud", "mine"),
        ("--lab", "x", "--central", "ctl1"),
        ("--timeout", "0", "--bundle", BUNDLE),
        ("--timeout", "nan", "--bundle", BUNDLE),
    ],
)
def test_what_does_not_go_together_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("why", "vm1", *arguments).code == 64


def test_the_environment_names_databases_as_for_ovn_nbctl(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVN_NB_DB", "unix:/nonexistent/nb")
    monkeypatch.setenv("OVN_SB_DB", "unix:/nonexistent/sb")
    done = run("why", "vm1")
    assert done.code == 69
    assert "/nonexistent/nb" in done.err


def test_a_source_is_known_by_the_northbound_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVN_NB_DB", "tcp:192.0.2.1:6641")
    monkeypatch.setattr("viftrail.lab.folder.living", list)
    with open_source(Origin()) as source:  # nobody is asked yet
        assert source.name == "tcp:192.0.2.1:6641"


def test_a_named_source_beats_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVN_NB_DB", "unix:/nonexistent/nb")
    assert run("why", "vm1", "--bundle", BUNDLE).code == 0


def test_nothing_to_look_at_is_67(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viftrail.lab.folder.living", list)
    monkeypatch.setattr("viftrail.facts.places.places_here", Places)
    done = run("why", "vm1")
    assert done.code == 67
    assert "viftrail lab up" in done.err


def test_of_several_labs_one_has_to_be_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viftrail.lab.folder.living", lambda: ["a", "b"])
    done = run("why", "vm1")
    assert done.code == 67
    assert "a, b" in done.err
