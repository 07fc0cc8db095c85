"""The chassis that shall claim the port."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import accused, add, ask, change_port, healthy, stage
from viftrail.facts.southbound import Chassis
from viftrail.verdict import State


def test_two_chassis_of_one_hostname_are_one_too_many() -> None:
    stale = Chassis(uuid="stale", name="old-system-id", hostname="compute1")
    verdict = ask(add(healthy(), stale))
    assert verdict.verdict.cause == "chassis-stale-same-hostname"
    assert stage(verdict, "S6") == "degraded", "the living row still serves the port"
    assert "registered 2 times" in verdict.verdict.summary


def test_a_chassis_may_be_requested_by_its_system_id() -> None:
    chassis = healthy().sb[Chassis].one("hostname", "compute1")
    assert chassis is not None
    facts = change_port(healthy(), options={"requested-chassis": chassis.name})
    assert ask(facts).verdict.state is State.HEALTHY


def test_nobody_needs_to_be_requested() -> None:
    assert ask(change_port(healthy(), options={})).verdict.state is State.HEALTHY


def test_a_live_migration_under_way_accuses_nobody() -> None:
    facts = change_port(healthy(), options={"requested-chassis": "compute1,compute2"})
    assert accused(ask(facts)) == set()


def test_a_host_may_go_by_the_name_of_its_chassis_and_what_matched_is_shown() -> None:
    facts = healthy()
    chassis = facts.sb[Chassis].one("hostname", "compute1")
    assert chassis is not None
    ports = tuple(
        msgspec.structs.replace(p, host=chassis.name) if p.host == "compute1" else p
        for p in facts.owner.ports
    )
    owner = msgspec.structs.replace(facts.owner, ports=ports)
    hosts = {chassis.name if n == "compute1" else n: host for n, host in facts.hosts.items()}
    verdict = ask(replace(facts, owner=owner, hosts=hosts))
    known, claim = (next(f for f in verdict.stages if f.id == each) for each in ("S6", "S8"))
    assert (known.state, claim.state) == (State.OK, State.OK)
    assert known.evidence[0].what == f"Chassis name={chassis.name}"
    assert known.evidence[0].command.endswith(f"find Chassis name={chassis.name}")
    assert f"claimed by {chassis.name}" in claim.summary
