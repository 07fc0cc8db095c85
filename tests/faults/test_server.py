"""nb-* and sb-*: servers that are dead or deaf, and what only looks like it."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import ask, healthy, on_host, settings, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import Failure, Server
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.verdict import State


def process(facts: Facts, daemon: str, state: str) -> Facts:
    known = facts.hosts["controller"].processes
    changed = msgspec.structs.replace(known[daemon], state=state)
    return on_host(facts, "controller", processes={**known, daemon: changed})


def servers(facts: Facts, **columns: object) -> Facts:
    """The controller's servers, as the probe sees them."""
    one = Server(model="standalone", ports=(6641, 6642))
    known = {name: msgspec.structs.replace(one, **columns) for name in (NORTHBOUND, SOUTHBOUND)}
    return on_host(facts, "controller", servers=known)


def cut_off(facts: Facts, *names: str) -> Facts:
    for name in names:
        answers = facts.hosts[name].unixctl
        asked = {**answers["ovn-controller"], "connection-status": "not connected"}
        facts = on_host(facts, name, unixctl={**answers, "ovn-controller": asked})
    return facts


def found(facts: Facts) -> set[str]:
    return {group.id for group in audit(facts).groups}


@pytest.mark.parametrize(
    ("daemon", "database", "fault"),
    [("ovnnb_db", NORTHBOUND, "nb-server-down"), ("ovnsb_db", SOUTHBOUND, "sb-server-down")],
)
@pytest.mark.parametrize("state", ["", "T"])
def test_a_server_that_does_not_serve(daemon: str, database: str, fault: str, state: str) -> None:
    verdict = ask(without(process(healthy(), daemon, state), database))
    assert verdict.verdict.cause == fault
    assert verdict.verdict.state is State.DEGRADED, "what there is works on"


def test_one_that_answers_nobody() -> None:
    facts = without(healthy(), SOUTHBOUND)
    failure = Failure("OVN_Southbound at /run/ovn/ovnsb_db.sock", "no answer within 2 s")
    facts = on_host(facts, "controller", errors=(failure,))
    assert ask(facts).verdict.cause == "sb-server-down"


def test_a_dead_member_of_a_cluster_that_serves_is_no_outage() -> None:
    assert found(process(healthy(), "ovnsb_db", "")) == set()


def test_a_listener_that_is_gone_is_not_the_hosts_fault() -> None:
    facts = cut_off(servers(healthy(), ports=()), "compute1", "compute2", "network1")
    assert "sb-listener-gone" in found(facts)
    assert "controller-sb-unreachable" not in found(facts)


def test_a_host_that_looks_elsewhere_is_its_own_fault() -> None:
    facts = settings(
        cut_off(servers(healthy()), "compute1"), "compute1", ovn_remote="tcp:9.9.9.9:6642"
    )
    assert found(facts) == {"controller-sb-unreachable"}


def test_where_ports_were_not_seen_no_listener_is_missed() -> None:
    facts = cut_off(servers(healthy(), ports=None), "compute1")
    assert "sb-listener-gone" not in found(facts)


def test_northbound_without_a_listener_beside_a_southbound_with_one() -> None:
    facts = healthy()
    known = {
        NORTHBOUND: Server(model="standalone", ports=()),
        SOUTHBOUND: Server(model="standalone", ports=(6642,)),
    }
    assert found(on_host(facts, "controller", servers=known)) == {"nb-unreachable-from-neutron"}
    everything_local = {name: Server(model="standalone", ports=()) for name in known}
    assert found(on_host(facts, "controller", servers=everything_local)) == set()
