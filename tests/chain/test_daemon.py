"""What a daemon is doing, and when nobody can say."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, healthy, on_host, stage
from viftrail.audit import audit
from viftrail.chain.daemon import HUNG, RUNNING, UNREACHED, daemon_state
from viftrail.facts.facts import Facts
from viftrail.facts.host import Failure
from viftrail.verdict import State


def silent(host: str, daemon: str, why: str) -> Facts:
    facts = healthy()
    old = facts.hosts[host]
    return on_host(
        facts,
        host,
        unixctl={**old.unixctl, daemon: {}},
        errors=(Failure(what=f"ovs-appctl -t {daemon} status", why=why),),
    )


DAEMONS = (
    ("controller", "ovn-northd"),
    ("compute1", "ovn-controller"),
    ("compute1", "ovs-vswitchd"),
)


@pytest.mark.parametrize(("host", "daemon"), DAEMONS)
def test_one_that_does_not_answer_in_time_hangs(host: str, daemon: str) -> None:
    facts = silent(host, daemon, "no answer within 1 s")
    assert daemon_state(healthy().hosts[host], daemon) == RUNNING
    assert daemon_state(facts.hosts[host], daemon) == HUNG
    assert ask(facts).verdict.state in (State.BROKEN, State.DEGRADED)


@pytest.mark.parametrize(("host", "daemon"), DAEMONS)
def test_one_whose_socket_is_hidden_in_a_container_is_not_accused(host: str, daemon: str) -> None:
    facts = silent(host, daemon, "[Errno 2] No such file or directory")
    assert daemon_state(facts.hosts[host], daemon) == UNREACHED
    verdict = ask(facts)
    assert verdict.verdict.state is not State.BROKEN
    assert accused(verdict) == set()
    assert audit(facts).causes == ()
    told = " ".join(finding.summary for finding in verdict.stages)
    assert f"{daemon} on {host} is {UNREACHED}" in told


def test_a_process_that_is_stopped_or_gone() -> None:
    host = healthy().hosts["compute1"]
    process = host.processes["ovs-vswitchd"]
    stopped = msgspec.structs.replace(process, state="T")
    one = msgspec.structs.replace(host, processes={**host.processes, "ovs-vswitchd": stopped})
    assert daemon_state(one, "ovs-vswitchd") == "stopped by a signal"
    assert daemon_state(one, "ovn-northd") == "not running"


def test_the_stages_say_that_they_do_not_know() -> None:
    facts = silent("compute1", "ovn-controller", "[Errno 2] No such file or directory")
    assert stage(ask(facts), "S7") == "unknown"
