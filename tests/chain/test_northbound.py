"""The port's own row."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, change_port, edit, healthy, stage, vm
from tests.recordings import facts_of
from viftrail.facts.northbound import LogicalSwitch
from viftrail.verdict import State


@pytest.mark.parametrize("enabled", [True, None])
def test_unset_means_enabled(enabled: bool | None) -> None:
    """FAULTS.md D.4: LSP.enabled=[] is a decoy."""
    assert ask(change_port(healthy(), enabled=enabled)).verdict.state is State.HEALTHY


def test_a_disabled_port_is_broken() -> None:
    verdict = ask(change_port(healthy(), enabled=False))
    assert (verdict.verdict.state, verdict.verdict.stage) == (State.BROKEN, "S4")
    assert verdict.verdict.cause == "port-admin-down"


def test_a_port_without_addresses_is_broken() -> None:
    verdict = ask(change_port(healthy(), addresses=()))
    assert verdict.verdict.stage == "S4"


def test_a_port_in_no_switch_is_broken() -> None:
    """OVN deletes such rows itself; a torn file can still hold one."""
    facts = edit(healthy(), LogicalSwitch, lambda row: msgspec.structs.replace(row, ports=()))
    assert stage(ask(facts), "S4") == "broken"


def test_a_missing_row_stops_the_walk_there() -> None:
    facts = facts_of("nb-lsp-missing")
    finding = next(f for f in ask(facts).stages if f.id == "S4")
    assert finding.evidence[-1].seen == "no such row"
    assert vm(facts) in finding.evidence[-1].command
