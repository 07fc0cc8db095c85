"""A mend is put where its owner does not undo it."""

from __future__ import annotations

import shlex
from dataclasses import replace

from tests.cloud import healthy, neutron_only
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.openstack import NeutronPort, OpenStack
from viftrail.facts.vswitch import Interface
from viftrail.faults.step import (
    ADMIN_SHELL,
    NOTHING_CHANGED,
    claimed,
    installed,
    neutron_owns,
    on_host,
    owned_row,
    plug_again,
    rewritten_row,
    touch,
)
from viftrail.fix.shell import objection
from viftrail.verdict import Risk, Step


def row_of(facts: Facts) -> Step:
    (step,) = owned_row(
        Cloud(facts), ovn="ovn-nbctl x", openstack="openstack y", undo="ovn-nbctl z", verify="v"
    )
    return step


def test_the_labs_rows_are_mended_in_northbound() -> None:
    step = row_of(healthy())
    assert (step.where, step.command, step.undo) == ("controller", "ovn-nbctl x", "ovn-nbctl z")


def test_neutrons_rows_are_mended_in_neutron() -> None:
    assert neutron_owns(Cloud(neutron_only(healthy())))
    step = row_of(neutron_only(healthy()))
    assert (step.where, step.command) == (ADMIN_SHELL, "openstack y")
    assert "ovn-nbctl" not in step.undo


def test_an_ovn_that_nobody_owns_is_mended_in_northbound() -> None:
    assert not neutron_owns(Cloud(Facts()))
    assert row_of(Facts()).command == "ovn-nbctl x"


def test_a_command_on_a_host() -> None:
    (step,) = on_host("compute1", "c", undo="u", verify="v")
    assert step == Step(command="c", where="compute1", risk=Risk.SAFE, undo="u", verify="v")


def test_how_to_see_that_it_worked() -> None:
    assert claimed("p") == "ovn-nbctl get Logical_Switch_Port p up"
    assert "tap1" in installed("tap1")


def test_an_interface_is_made_again_as_it_was() -> None:
    row = Interface(
        name="tap1", type="internal", options={"mode": "x y"}, external_ids={"b": "1", "a": "a:b"}
    )
    assert plug_again("br-int", row) == (
        "ovs-vsctl --may-exist add-port br-int tap1 -- set Interface tap1 type=internal "
        "'options:mode=\"x y\"' 'external_ids:a=\"a:b\"' 'external_ids:b=\"1\"'"
    )
    assert plug_again("br-int", Interface(name="tap1")) == (
        "ovs-vsctl --may-exist add-port br-int tap1"
    )


def test_a_description_that_is_known_stays_the_tenants() -> None:
    (step,) = touch("p", "the tenant's own", verify="v")
    first, _, second = step.command.partition(" && ")
    assert first == "openstack port set --description resync p"
    assert second == step.undo
    assert shlex.split(step.undo)[-2:] == ["the tenant's own", "p"]
    assert objection(step.command) == ""
    (step,) = touch("p", "resync", verify="v")
    first, _, second = step.command.partition(" && ")
    assert first != second, "nothing would change"


def test_a_description_that_nobody_knows_is_looked_at_before() -> None:
    look, change = touch("p", None, verify="v")
    assert (look.command, look.undo) == ("openstack port show p -c description", NOTHING_CHANGED)
    assert change.command == "openstack port set --description resync p"
    assert "shown before" in change.undo
    assert "description" in change.tenant


def test_a_row_of_neutrons_is_written_again_by_neutron() -> None:
    def steps(facts: Facts) -> tuple[Step, ...]:
        return rewritten_row(Cloud(facts), "p", ovn="ovn-nbctl x", undo="u", verify="v")

    assert [step.command for step in steps(healthy())] == ["ovn-nbctl x"]
    told = OpenStack(ports=(NeutronPort(id="p", description=""),))
    facts = replace(neutron_only(healthy()), openstack=told)
    assert [step.undo for step in steps(facts)] == ["openstack port set --description '' p"]
    assert len(steps(neutron_only(healthy()))) == 2
