"""router-no-gateway-chassis."""

from __future__ import annotations

import msgspec

from tests.cloud import ask, edit, neutron_only, vm
from tests.recordings import facts_of
from viftrail.chain.cloud import Cloud
from viftrail.facts.southbound import Chassis
from viftrail.faults.router import able

FACTS = facts_of("router-no-gateway-chassis")


def test_only_a_willing_and_connected_chassis_is_able() -> None:
    cloud = Cloud(FACTS)
    assert [row.hostname for row in able(cloud, "physnet1")] == ["network1"]
    assert able(cloud, "physnet2") == []


def test_the_mend_names_that_chassis() -> None:
    (step,) = ask(FACTS).remedy.steps
    chassis = FACTS.sb[Chassis].one("hostname", "network1")
    assert chassis is not None
    assert chassis.name in step.command
    assert step.undo.startswith("ovn-nbctl lrp-del-gateway-chassis ")


def test_where_nobody_is_able_it_says_how_to_become_so() -> None:
    facts = edit(FACTS, Chassis, lambda row: msgspec.structs.replace(row, other_config={}))
    verdict = ask(facts)
    assert verdict.verdict.cause == "router-no-gateway-chassis"
    assert verdict.remedy.steps == ()
    assert "enable-chassis-as-gw" in verdict.remedy.note


def test_neutron_schedules_it_by_an_update_of_the_gateway() -> None:
    (step,) = ask(neutron_only(FACTS), vm(FACTS)).remedy.steps
    assert step.command.startswith("openstack router set --external-gateway ")
    assert "--enable-snat" in step.command
