"""Every stage is examined, in order, whatever is known."""

from __future__ import annotations

from tests.cloud import healthy, vm, without
from tests.recordings import HOSTS
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.stages import EXAMINED, OPENSTACK, examine
from viftrail.chain.trail import trail_of
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.verdict import Stage, State


def test_all_fourteen_in_order() -> None:
    assert len(OPENSTACK) + len(EXAMINED) == len(Stage)
    cloud = Cloud(healthy())
    found = examine(cloud, trail_of(cloud, cloud.ports[vm(healthy())], "vm1"))
    assert [finding.id for finding in found] == [stage.value for stage in Stage]
    assert [finding.name for finding in found] == [stage.title for stage in Stage]
    assert {finding.state for finding in found[4:]} == {State.OK}


def test_with_no_facts_at_all_nothing_is_broken() -> None:
    for facts in (Facts(), without(healthy(), *HOSTS, NORTHBOUND, SOUTHBOUND)):
        cloud = Cloud(facts)
        found = examine(cloud, trail_of(cloud, Port("p", None, None), "p"))
        assert {finding.state for finding in found} <= {State.UNKNOWN, State.NOT_APPLICABLE}
