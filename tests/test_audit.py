"""The catalogue over everything: exactly what is wrong, once, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import change_port, without
from tests.recordings import ALONGSIDE, FAULTS, HEALTHY, HOSTS, facts_of, port_of
from tests.samples import opened
from tests.synthetic import Served
from viftrail.audit import Reach, audit
from viftrail.chain.cloud import Cloud
from viftrail.chain.subject import network, server
from viftrail.chain.subject import router as router_subject
from viftrail.errors import UnknownTarget
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import LogicalRouter, LogicalSwitch
from viftrail.facts.stored import StoredSource, from_files
from viftrail.facts.table import Table
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.report.findings import as_text
from viftrail.verdict import Stage, State
from viftrail.why import why


def test_a_healthy_cloud_has_no_findings() -> None:
    found = audit(facts_of(HEALTHY))
    assert found.causes == ()
    assert (found.ports, found.blind) == (3, False)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_exactly_the_fault_is_found(fault: Fault) -> None:
    found = audit(facts_of(fault.id))
    expected = set() if fault.intended else {fault.id, *ALONGSIDE.get(fault.id, ())}
    assert {cause.id for cause in found.causes} == expected
    subjects = [cause.subject for cause in found.causes]
    assert len(subjects) == len(set(subjects)), "told twice"
    assert all(cause.evidence for cause in found.causes)


def test_a_stopped_northd_shows_whom_it_keeps_waiting() -> None:
    facts = facts_of("northd-paused")
    (cause,) = audit(facts).causes
    assert cause.state is State.BROKEN
    assert any(port_of(facts, "vm1") in item.what for item in cause.evidence)


def with_odd_numbers(facts: Facts, odd: str) -> Facts:
    """The same with this for every number that stands in a text."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [changed(each) for each in value]
        return odd if isinstance(value, str) and value.isdigit() else value

    def database(known: Database) -> Database:
        tables = {
            row: Table(
                msgspec.convert(changed(msgspec.to_builtins(known[row].rows)), tuple[row, ...]),  # type: ignore[valid-type]
                complete=known[row].complete,
            )
            for row in known
        }
        return Database(tables)

    return replace(
        facts,
        nb=database(facts.nb),
        sb=database(facts.sb),
        hosts=msgspec.convert(changed(msgspec.to_builtins(facts.hosts)), dict[str, Host]),
    )


@pytest.mark.parametrize("odd", ["\u00b2", "9" * 5000], ids=["superscript", "long"])
@pytest.mark.parametrize("name", [HEALTHY, "tunnel-mtu", "conntrack-full", "raft-member-apart"])
def test_an_odd_number_of_somebody_else_ends_nothing(name: str, odd: str) -> None:
    facts = with_odd_numbers(facts_of(name), odd)
    assert audit(facts).ports
    assert why(StoredSource(facts, "2026-11-21T10:00:00+00:00"), "vm1").stages


def test_blind_is_who_saw_neither_ports_nor_hosts() -> None:
    facts = without(facts_of(HEALTHY), *HOSTS, "external", NORTHBOUND, SOUTHBOUND)
    assert audit(facts).blind


def test_only_a_stage_or_a_fault() -> None:
    facts = facts_of("vif-tap-down")
    assert [c.id for c in audit(facts, only="S8").causes] == ["vif-tap-down"]
    assert [c.id for c in audit(facts, only="vif-tap-down").causes] == ["vif-tap-down"]
    other = audit(facts, only="S4")
    assert other.causes == ()
    assert set(other.checked) == {
        fault.id for fault in CATALOGUE if fault.stage is Stage.NORTHBOUND
    }


def test_what_was_found_before_is_left_out() -> None:
    facts = facts_of("vif-tap-down")
    assert audit(facts, known=audit(facts)).groups == ()
    assert audit(facts, known=audit(facts_of("healthy"))).groups == audit(facts).groups


def test_what_a_look_before_did_not_show_is_not_told() -> None:
    facts = facts_of("vif-tap-down")
    assert audit(facts, confirming=audit(facts)).groups == audit(facts).groups
    assert audit(facts, confirming=audit(facts_of("healthy"))).groups == ()


def test_a_project_sees_its_own_ports_and_what_is_nobodys() -> None:
    of_p2 = {"neutron:project_id": "p2"}
    facts = change_port(facts_of("vif-tap-down"), "vm2", external_ids=of_p2)
    assert [c.id for c in audit(facts, project="p2").causes] == []
    gateway = change_port(facts_of("prov-mapping-missing"), "vm2", external_ids=of_p2)
    found = audit(gateway, project="p2")
    assert [c.id for c in found.causes] == ["prov-mapping-missing"]
    assert found.ports == 1, "of three"


def test_a_project_of_nobody_here_is_no_good_news() -> None:
    with pytest.raises(UnknownTarget) as caught:
        audit(facts_of("vif-tap-down"), project="typo")
    assert "typo" in caught.value.what
    assert "a5ad8a8b57e5515395be2b900df648e8" in caught.value.do
    blind = audit(without(facts_of(HEALTHY), NORTHBOUND), project="typo")
    assert blind.ports == 0


def test_a_network_is_as_many_ports_as_it_has() -> None:
    cloud = Cloud(facts_of("healthy"))
    reach = Reach(cloud)
    counts = {row.name: reach.of(network(row.name)) for row in cloud.nb[LogicalSwitch]}
    assert sum(counts.values()) == len(cloud.ports) == 3
    assert 0 in counts.values(), "nobody's VM is on the provider network"
    (router,) = cloud.nb[LogicalRouter]
    assert reach.of(router_subject(router.name)) == 3


def test_the_most_harmful_comes_first(served: Served) -> None:
    groups = audit(from_files(served.file("nb"), served.file("sb")).everything()).groups
    harm = [(group.state is State.BROKEN, group.victims) for group in groups]
    assert len(groups) > 10
    assert harm == sorted(harm, reverse=True)


def test_a_server_that_never_had_a_port_affects_none() -> None:
    found = audit(opened("s5-no-valid-host").everything(), only="sched-ram-capacity")
    (group,) = found.groups
    assert (group.victims, group.state) == (0, State.BROKEN)
    assert "1 server, without a port" in as_text(found)


def test_a_server_is_as_many_ports_as_it_has() -> None:
    cloud = Cloud(facts_of("healthy"))
    reach = Reach(cloud)
    assert [reach.of(server(port.server_id)) for port in cloud.ports.values()] == [1, 1, 1]
    assert reach.of(server("of no port")) == 0
