"""vswitchd-dead and flows-wiped: dead, empty, or only quiet."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, healthy, on_host
from tests.recordings import facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.host import Flows, Process

WIPED = facts_of("flows-wiped")


def empty(facts: Facts, name: str = "compute1") -> Facts:
    return on_host(facts, name, flows=Flows("br-int", 0))


def young(facts: Facts, daemon: str) -> Facts:
    """As if a daemon of compute1 had been started a second ago."""
    host = facts.hosts["compute1"]
    fresh = msgspec.structs.replace(host.processes[daemon], started=host.uptime - 1)
    return on_host(facts, "compute1", processes={**host.processes, daemon: fresh})


def old(facts: Facts) -> Facts:
    """As if all daemons of compute1 had been started a day ago."""
    host = facts.hosts["compute1"]
    return on_host(facts, "compute1", uptime=host.uptime + 86400)


def test_an_empty_table_behind_green_rows_was_wiped() -> None:
    verdict = ask(old(empty(healthy())))
    assert accused(verdict) == {"flows-wiped"}
    assert verdict.causes[0].confidence.value == "proven"


def test_who_was_just_started_may_still_be_filling_it() -> None:
    for daemon in ("ovn-controller", "ovs-vswitchd"):
        (cause,) = ask(young(old(WIPED), daemon)).causes
        assert cause.confidence.value == "likely"


def test_a_gateway_that_hosts_nothing_has_few_flows_and_is_well() -> None:
    facts = facts_of("router-disabled")
    flows = facts.hosts["network1"].flows
    assert flows is not None
    assert flows.count < 20
    assert accused(ask(facts)) == {"router-disabled"}


def test_a_wiped_gateway_is_seen_by_its_tunnels() -> None:
    assert accused(ask(empty(healthy(), "network1"))) == {"flows-wiped"}


def test_without_a_controller_nobody_is_said_to_have_wiped_anything() -> None:
    host = healthy().hosts["compute1"]
    gone = msgspec.structs.replace(host.processes["ovn-controller"], state="")
    processes: dict[str, Process] = {**host.processes, "ovn-controller": gone}
    facts = on_host(empty(healthy()), "compute1", processes=processes)
    assert accused(ask(facts)) == {"controller-crashed"}


def test_flows_that_were_not_read_are_not_wiped() -> None:
    assert accused(ask(on_host(healthy(), "compute1", flows=None))) == set()


def test_a_switch_that_a_signal_stopped_is_continued_and_a_dead_one_started() -> None:
    dead = facts_of("vswitchd-dead")
    assert ask(dead).remedy.steps[0].command == "systemctl start ovs-vswitchd"
    host = dead.hosts["compute1"]
    frozen = msgspec.structs.replace(host.processes["ovs-vswitchd"], state="T")
    facts = on_host(dead, "compute1", processes={**host.processes, "ovs-vswitchd": frozen})
    assert "--signal=CONT" in ask(facts).remedy.steps[0].command


def test_a_host_that_is_no_chassis_needs_no_switch() -> None:
    host = healthy().hosts["controller"]
    processes = {**host.processes, "ovs-vswitchd": Process(pid=1)}
    assert accused(ask(on_host(healthy(), "controller", processes=processes))) == set()
