"""sg-portgroup-drift, sg-ingress-missing, sg-remote-group-empty."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, add, ask, change_port, edit, healthy, neutron_only, vm
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


def from_peers(*peers: str, address: str = "") -> Facts:
    """Nobody is let in but the members of another group, which are these VMs.

    ``address`` is what their ports have as addresses instead of their own.
    """
    source = "outport == @pg && ip4 && ip4.src == $pg_peers_ip4"
    facts = edit(
        healthy(),
        ACL,
        lambda row: (
            msgspec.structs.replace(row, match=source)
            if row.direction == "to-lport" and row.action != "drop"
            else row
        ),
    )
    for peer in peers if address else ():
        facts = change_port(facts, peer, addresses=(address,))
    ports = tuple(uuid_of(peer) for peer in peers)
    return add(facts, PortGroup(uuid="peers", name="pg_peers", ports=ports))


def test_who_lets_in_only_members_of_a_group_without_any_is_reached_by_nobody() -> None:
    (cause,) = ask(from_peers()).causes
    assert (cause.id, cause.state.value, cause.confidence.value) == (
        "sg-remote-group-empty",
        "degraded",
        "likely",
    )
    assert "$pg_peers_ip4" in cause.evidence[0].seen
    assert "--security-group peers PEER" in cause.remedy.steps[0].command


def test_a_member_with_an_address_is_somebody_to_let_in() -> None:
    assert accused(ask(from_peers("vm2"))) == set()
    assert accused(ask(from_peers("vm1"))) == set()


def test_a_member_without_an_address_of_that_version_is_nobody() -> None:
    for address in ("unknown", "fa:16:3e:00:00:09", "fa:16:3e:00:00:09 fd00::9"):
        assert accused(ask(from_peers("vm2", address=address))) == {"sg-remote-group-empty"}
    assert accused(ask(from_peers("vm2", address="dynamic"))) == set()


def test_one_rule_for_everybody_is_enough() -> None:
    (rule, *_) = [r for r in healthy().nb[ACL] if "ip4.src == 0.0.0.0/0" in r.match]
    facts = edit(from_peers(), ACL, lambda row: rule if row.uuid == rule.uuid else row)
    assert accused(ask(facts)) == set()


def test_a_group_that_nobody_read_is_not_empty() -> None:
    unread = edit(from_peers(), PortGroup, lambda row: None if row.name == "pg_peers" else row)
    assert accused(ask(unread)) == set()


def test_an_audit_leaves_the_empty_group_to_its_tenant() -> None:
    assert audit(from_peers()).groups == ()
    assert audit(from_peers(), only="sg-remote-group-empty").groups
