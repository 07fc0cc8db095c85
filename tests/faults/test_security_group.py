"""sg-portgroup-drift, sg-ingress-missing."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import ACL, LogicalSwitchPort, PortGroup
from viftrail.facts.slice import DROP_GROUP


def uuid_of(server: str = "vm1") -> str:
    row = healthy().nb[LogicalSwitchPort].one("name", vm(healthy(), server))
    assert row is not None
    return row.uuid


def vm_group() -> str:
    """The Port_Group of the lab's one security group."""
    (name,) = [group.name for group in healthy().nb[PortGroup] if group.name != DROP_GROUP]
    return name


def left_out(*groups: str) -> Facts:
    """vm1 is in none of these groups; without any given, in no group at all."""
    return edit(
        healthy(),
        PortGroup,
        lambda row: (
            msgspec.structs.replace(row, ports=tuple(p for p in row.ports if p != uuid_of()))
            if not groups or row.name in groups
            else row
        ),
    )


def test_a_group_that_does_not_hold_its_port() -> None:
    (cause,) = audit(left_out()).causes
    assert (cause.id, cause.subject) == ("sg-portgroup-drift", f"port {vm(healthy())}")
    (step,) = cause.remedy.steps
    assert step.command.endswith(f"ports {uuid_of()}")
    assert accused(ask(left_out(), "vm2")) == set()


def test_a_port_that_is_shut_in_by_it_is_another_fault() -> None:
    assert accused(ask(left_out(vm_group()))) == {"sg-egress-missing"}


def test_being_out_of_the_drop_group_is_not_drift() -> None:
    assert "sg-portgroup-drift" not in accused(ask(left_out(DROP_GROUP)))


def test_without_the_owner_northbound_names_the_groups() -> None:
    listed = vm_group().removeprefix("pg_").replace("_", "-")
    facts = edit(
        neutron_only(left_out()),
        LogicalSwitchPort,
        lambda row: (
            msgspec.structs.replace(
                row, external_ids={**row.external_ids, "neutron:security_group_ids": listed}
            )
            if row.uuid == uuid_of()
            else row
        ),
    )
    (cause,) = ask(facts, vm(healthy())).causes
    assert cause.id == "sg-portgroup-drift"
    assert cause.remedy.steps[0].command.startswith(
        f"openstack port set --security-group {listed} "
    )


def rules(keep: str) -> Facts:
    """The security group with the rules of one direction only; the drop group as it is."""
    return edit(
        healthy(), ACL, lambda row: row if row.action == "drop" or row.direction == keep else None
    )


def test_a_group_that_lets_nobody_in_degrades_and_is_only_likely() -> None:
    verdict = ask(rules("from-lport"))
    (cause,) = verdict.causes
    assert (cause.id, cause.state.value, cause.confidence.value) == (
        "sg-ingress-missing",
        "degraded",
        "likely",
    )
    assert "openstack security group rule create" in cause.remedy.steps[0].command


def test_a_group_that_lets_nobody_out_is_another_fault() -> None:
    assert accused(ask(rules("to-lport"))) == {"sg-egress-missing"}


def test_what_a_tenant_may_want_is_no_finding_of_an_audit_that_was_not_asked_for_it() -> None:
    assert audit(rules("from-lport")).groups == ()
    (group,) = audit(rules("from-lport"), only="sg-ingress-missing").groups
    assert group.victims == 0


def test_whose_group_does_not_hold_it_is_told_that_and_not_that_nobody_gets_in() -> None:
    facts = edit(
        left_out(vm_group()),
        PortGroup,
        lambda row: (
            [row, msgspec.structs.replace(row, uuid="other", name="pg_other", ports=(uuid_of(),))]
            if row.name == vm_group()
            else row
        ),
    )
    facts = edit(facts, ACL, lambda row: None if row.direction == "to-lport" else row)
    assert accused(ask(facts)) == {"sg-portgroup-drift"}
