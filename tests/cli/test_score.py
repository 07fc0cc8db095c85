"""`viftrail lab score`: what is refused before any lab is made."""

from __future__ import annotations

from tests.cli.conftest import Run


def test_a_fault_that_does_not_exist_is_refused(run: Run) -> None:
    done = run("lab", "score", "--fault", "no-such-fault")
    assert done.code == 64
    assert "no-such-fault" in done.err


def test_a_pair_is_two_faults(run: Run) -> None:
    done = run("lab", "score", "--pairs", "--fault", "northd-paused")
    assert done.code == 64
    assert "A pair is two faults." in done.err
    assert "Traceback" not in done.err


def test_a_pair_that_cannot_be_is_refused_with_the_reason(run: Run) -> None:
    faults = ("--fault", "nb-lsp-missing", "--fault", "dhcp-options-missing")
    done = run("lab", "score", "--pairs", *faults)
    assert done.code == 64
    assert "deletes the row" in done.err
