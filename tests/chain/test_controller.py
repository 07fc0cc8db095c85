"""ovn-controller: running, hung, stopped, dead, disconnected, empty."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, edit, healthy, on_host, stage, vm
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import FEW_FLOWS, connection, controller_state, examine
from viftrail.chain.trail import trail_of
from viftrail.facts.facts import Facts
from viftrail.facts.host import Flows, Process
from viftrail.facts.southbound import SBGlobal

NAME = "ovn-controller"


def process(state: str) -> Facts:
    host = healthy().hosts["compute1"]
    changed = msgspec.structs.replace(host.processes[NAME], state=state)
    return on_host(healthy(), "compute1", processes={**host.processes, NAME: changed})


@pytest.mark.parametrize(
    ("state", "words"),
    [("S", "running"), ("R", "running"), ("", "dead"), ("Z", "dead"), ("T", "stopped by a signal")],
)
def test_the_process_state_in_words(state: str, words: str) -> None:
    assert controller_state(process(state).hosts["compute1"]) == words


@pytest.mark.parametrize("state", ["", "Z", "T"])
def test_a_controller_that_does_not_run_breaks_s7(state: str) -> None:
    verdict = ask(process(state))
    assert stage(verdict, "S7") == "broken"
    assert verdict.verdict.stage == "S7"


def test_one_that_does_not_answer_is_hung() -> None:
    host = healthy().hosts["compute1"]
    unixctl = {**host.unixctl, NAME: {}}
    facts = on_host(healthy(), "compute1", unixctl=unixctl)
    assert controller_state(facts.hosts["compute1"]) == "hung"
    assert connection(facts.hosts["compute1"]) == ""
    assert stage(ask(facts), "S7") == "broken"


def test_no_pid_file_is_not_running() -> None:
    host = healthy().hosts["compute1"]
    others: dict[str, Process] = {k: v for k, v in host.processes.items() if k != NAME}
    assert controller_state(msgspec.structs.replace(host, processes=others)) == "not running"


def test_a_bridge_without_a_pipeline_is_broken() -> None:
    wiped = on_host(healthy(), "compute1", flows=Flows("br-int", FEW_FLOWS - 1))
    assert stage(ask(wiped), "S7") == "broken"
    assert ask(wiped).verdict.cause == "flows-wiped"


def test_flows_that_could_not_be_counted_are_no_empty_pipeline() -> None:
    assert stage(ask(on_host(healthy(), "compute1", flows=None)), "S7") == "ok"


@pytest.mark.parametrize(("update", "state"), [("true", "broken"), ("false", "unknown")])
def test_a_step_that_nobody_writes_tells_nothing_of_who_was_not_seen(
    update: str, state: str
) -> None:
    facts = edit(
        on_host(healthy(), "compute1", conf_only=True, processes={}, unixctl={}),
        SBGlobal,
        lambda row: msgspec.structs.replace(
            row, nb_cfg=9, options={"enable_chassis_nb_cfg_update": update}
        ),
    )
    cloud = Cloud(facts)
    port = cloud.ports[vm(facts)]
    assert examine(cloud, trail_of(cloud, port, "vm1")).state.value == state
