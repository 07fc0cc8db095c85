"""pb-migration-leftover, pb-pingpong and pb-wrong-type."""

from __future__ import annotations

from tests.cloud import accused, ask, change_port, healthy, neutron_only, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.northbound import LogicalSwitchPort

FIGHT = facts_of("pb-pingpong")
RETYPED = facts_of("pb-wrong-type")


def test_the_plug_goes_where_the_vm_does_not_run_and_the_option_comes_back() -> None:
    unplug, promise = ask(FIGHT).remedy.steps
    assert (unplug.where, "del-port" in unplug.command) == ("compute2", True)
    assert "compute1" in promise.command


def test_two_plugs_and_a_named_host_are_no_fight() -> None:
    options = {"requested-chassis": "compute1"}
    facts = change_port(FIGHT, options=options)
    assert "pb-pingpong" not in accused(ask(facts))
    assert [group.id for group in audit(facts).groups] == ["vif-duplicate-iface-id"]
    assert audit(facts).groups[0].victims == 0


def test_nobodys_option_alone_is_no_fight() -> None:
    assert accused(ask(change_port(healthy(), options={}))) == set()


def test_a_migration_that_ended_harms_nobody_and_is_told_by_an_audit() -> None:
    facts = facts_of("pb-migration-leftover")
    (group,) = audit(facts).groups
    assert (group.id, group.victims) == ("pb-migration-leftover", 0)
    assert accused(ask(facts)) == set()


def test_a_metadata_port_is_a_localport_by_right() -> None:
    assert any(row.type == "localport" for row in healthy().nb[LogicalSwitchPort])
    assert audit(healthy()).causes == ()


def test_the_type_is_emptied_and_could_be_put_back() -> None:
    (step,) = ask(RETYPED).remedy.steps
    assert step.command.endswith("''") or "resync" in step.command
    verdict = ask(neutron_only(RETYPED), vm(RETYPED))
    assert "pb-wrong-type" in accused(verdict)
