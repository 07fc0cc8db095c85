"""ovs-vswitchd, before its rows are believed."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, healthy, on_host, stage
from viftrail.chain.switch import switch_state
from viftrail.facts.facts import Facts


def process(state: str, host: str = "compute1") -> Facts:
    seen = healthy().hosts[host]
    changed = msgspec.structs.replace(seen.processes["ovs-vswitchd"], state=state)
    return on_host(healthy(), host, processes={**seen.processes, "ovs-vswitchd": changed})


@pytest.mark.parametrize(
    ("state", "words"), [("S", "running"), ("", "dead"), ("T", "stopped by a signal")]
)
def test_the_process_state_in_words(state: str, words: str) -> None:
    assert switch_state(process(state).hosts["compute1"]) == words


def test_no_pid_file_tells_nothing_where_not_even_ovsdb_server_left_one() -> None:
    host = healthy().hosts["compute1"]
    assert switch_state(msgspec.structs.replace(host, processes={})) == ""
    only = {"ovsdb-server": host.processes["ovsdb-server"]}
    assert switch_state(msgspec.structs.replace(host, processes=only)) == "not running"


def test_green_rows_of_a_dead_switch_are_not_believed() -> None:
    assert stage(ask(process("")), "S8") == "broken"


def test_the_gateways_switch_is_looked_at_too() -> None:
    verdict = ask(process("", "network1"))
    assert (verdict.verdict.stage, verdict.verdict.cause) == ("S8", "vswitchd-dead")
    assert "network1" in verdict.verdict.summary


def test_one_that_does_not_answer_is_hung() -> None:
    host = healthy().hosts["compute1"]
    unixctl = {k: v for k, v in host.unixctl.items() if k != "ovs-vswitchd"}
    assert switch_state(msgspec.structs.replace(host, unixctl=unixctl)) == "hung"
