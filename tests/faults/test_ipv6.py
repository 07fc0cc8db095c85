"""ipv6-ra-missing, dhcpv6-options-missing, dhcpv6-options-incomplete, sg-egress-version-missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, on_host, stage, vm
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import (
    ACL,
    DHCPOptions,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    PortGroup,
)
from viftrail.facts.openstack import NeutronPort, OpenStack
from viftrail.verdict import State

DUAL = facts_of("shapes/dual-stack")
FAULTS = {
    "ipv6-ra-missing",
    "dhcpv6-options-missing",
    "dhcpv6-options-incomplete",
    "sg-egress-version-missing",
}


def advertising(configs: Mapping[str, str] | None, facts: Facts = DUAL) -> Facts:
    """Every router port in an IPv6 subnet advertises itself so."""

    def change(row: LogicalRouterPort) -> LogicalRouterPort:
        v6 = any(":" in network for network in row.networks)
        columns: Any = configs if configs is None else dict(configs)
        return msgspec.structs.replace(row, ipv6_ra_configs=columns) if v6 else row

    return edit(facts, LogicalRouterPort, change)


def owned(facts: Facts, **fields: Any) -> Facts:
    """Every port's owner says something else of it."""
    ports = tuple(msgspec.structs.replace(port, **fields) for port in facts.owner.ports)
    return replace(facts, owner=msgspec.structs.replace(facts.owner, ports=ports))


def ports(facts: Facts, **columns: Any) -> Facts:
    """Every VM's port with other columns."""
    names = {vm(facts, name) for name in VMS}
    return edit(
        facts,
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, **columns) if row.name in names else row,
    )


def unaddressed(facts: Facts) -> Facts:
    """No guest has an IPv6 address."""
    for name, host in facts.hosts.items():
        guests = tuple(
            msgspec.structs.replace(g, addresses=tuple(a for a in g.addresses if ":" not in a))
            for g in host.guests
        )
        facts = on_host(facts, name, guests=guests)
    return facts


def test_a_healthy_network_of_both_versions_is_accused_of_nothing() -> None:
    assert audit(DUAL).causes == ()
    for name in VMS:
        assert ask(DUAL, name).verdict.state is State.HEALTHY
        assert ask(neutron_only(DUAL), vm(DUAL, name)).causes == ()


@pytest.mark.parametrize("name", VMS)
def test_a_cloud_with_ipv4_only_is_accused_of_nothing(name: str) -> None:
    facts = healthy()
    assert {cause.id for cause in audit(facts).causes} == set()
    evidence = [e.what for f in ask(facts, name).stages for e in f.evidence]
    assert not [what for what in evidence if "ipv6" in what or "dhcpv6" in what]


def test_who_has_its_address_already_is_no_victim() -> None:
    facts = facts_of("ipv6-ra-missing")
    assert ask(facts).verdict.state is State.BROKEN
    verdict = ask(facts, "vm2")
    assert accused(verdict) == {"ipv6-ra-missing"}
    assert verdict.verdict.state is State.DEGRADED
    (group,) = audit(facts).groups
    assert (group.id, group.victims) == ("ipv6-ra-missing", 1)


def test_only_what_is_missing_is_written_and_taken_away_again() -> None:
    (step,) = ask(facts_of("ipv6-ra-missing")).remedy.steps
    assert step.command.endswith(" ipv6_ra_configs:address_mode=dhcpv6_stateless")
    assert step.undo.endswith(" ipv6_ra_configs address_mode")
    (step,) = ask(unaddressed(advertising({}))).remedy.steps
    assert step.command.endswith(" ipv6_ra_configs:send_periodic=true")
    assert step.undo.endswith(" ipv6_ra_configs address_mode send_periodic")


def test_a_mode_that_does_not_exist_is_none() -> None:
    verdict = ask(unaddressed(advertising({"address_mode": "SLAAC", "send_periodic": "true"})))
    assert verdict.verdict.cause == "ipv6-ra-missing"
    assert "SLAAC" in verdict.verdict.summary
    assert verdict.remedy.steps[0].undo.endswith(":address_mode=SLAAC")


def test_facts_that_were_taken_without_the_column_tell_nothing() -> None:
    assert audit(advertising(None)).causes == ()


def test_without_its_owner_an_address_of_the_mac_tells_that_there_was_a_mode() -> None:
    facts = neutron_only(ports(unaddressed(advertising({})), dhcpv6_options=None))
    verdict = ask(facts, vm(DUAL))
    assert (verdict.verdict.cause, verdict.verdict.confidence) == ("ipv6-ra-missing", "likely")
    assert verdict.causes[0].subject == f"port {vm(DUAL)}"


def test_without_its_owner_another_address_may_be_of_a_subnet_that_others_advertise() -> None:
    static = "2001:db8:0:1::1234"

    def change(row: LogicalSwitchPort) -> LogicalSwitchPort:
        if row.type:
            return row
        entry = row.addresses[0].split()
        return msgspec.structs.replace(
            row, addresses=(" ".join([*entry[:2], static]),), dhcpv6_options=None
        )

    facts = edit(neutron_only(unaddressed(advertising({}))), LogicalSwitchPort, change)
    assert "ipv6-ra-missing" not in {cause.id for cause in audit(facts).causes}


def test_a_reference_that_was_lost_is_put_back() -> None:
    facts = facts_of("dhcpv6-options-missing")
    verdict = ask(facts)
    row = next(row for row in facts.nb[DHCPOptions] if ":" in row.cidr)
    (step,) = verdict.remedy.steps
    assert step.command == f"ovn-nbctl lsp-set-dhcpv6-options {vm(facts)} {row.uuid}"
    assert accused(ask(facts, "vm2")) == set()


def test_stateful_guests_get_no_address_then() -> None:
    facts = advertising({"address_mode": "dhcpv6_stateful"}, ports(DUAL, dhcpv6_options=None))
    assert "its IPv6 address" in ask(facts).verdict.summary


def test_a_subnet_of_mode_slaac_needs_no_dhcpv6() -> None:
    facts = ports(advertising({"address_mode": "slaac"}), dhcpv6_options=None)
    assert audit(owned(facts, address_mode="slaac")).causes == ()


def test_a_subnet_may_do_without_dhcp() -> None:
    facts = owned(ports(DUAL, dhcpv6_options=None, dhcpv4_options=None), dhcp=False)
    assert FAULTS.isdisjoint(cause.id for cause in audit(facts).causes)


def test_a_row_that_is_gone_is_its_owners_to_write() -> None:
    facts = edit(
        ports(DUAL, dhcpv6_options=None), DHCPOptions, lambda row: None if ":" in row.cidr else row
    )
    (cause,) = audit(facts).causes
    assert (cause.id, cause.remedy.steps) == ("dhcpv6-options-missing", ())
    assert "openstack subnet set --dhcp" in cause.remedy.note


def test_a_server_without_identifier_serves_nobody_of_the_subnet() -> None:
    facts = facts_of("dhcpv6-options-incomplete")
    (group,) = audit(facts).groups
    assert (group.id, group.victims) == ("dhcpv6-options-incomplete", 3)
    assert "options:server_id=" in group.example.remedy.steps[0].command


def test_options_that_nobody_refers_to_harm_nobody() -> None:
    facts = facts_of("dhcpv6-options-incomplete")
    unused = advertising({"address_mode": "slaac"}, ports(facts, dhcpv6_options=None))
    assert audit(owned(unused, address_mode="slaac")).causes == ()


def rules(facts: Facts, version: str) -> Facts:
    """Without the egress rules of one IP version."""
    return edit(
        facts,
        ACL,
        lambda row: (
            None if row.direction == "from-lport" and row.match.endswith(f"&& ip{version}") else row
        ),
    )


def pruned(facts: Facts) -> Facts:
    """Port groups that name only rules that there are."""
    known = {row.uuid for row in facts.nb[ACL]}
    return edit(
        facts,
        PortGroup,
        lambda row: msgspec.structs.replace(
            row, acls=tuple(uuid for uuid in row.acls if uuid in known)
        ),
    )


@pytest.mark.parametrize("version", ["4", "6"])
def test_one_of_two_versions_is_mute(version: str) -> None:
    verdict = ask(pruned(rules(DUAL, version)))
    assert verdict.verdict.cause == "sg-egress-version-missing"
    assert stage(verdict, "S9") == "broken"
    assert f"&& ip{version}'" in verdict.remedy.steps[0].command


def test_an_audit_leaves_to_the_tenant_what_may_be_meant() -> None:
    facts = facts_of("sg-egress-version-missing")
    assert audit(facts).causes == ()
    (group,) = audit(facts, only="sg-egress-version-missing").groups
    assert group.victims == 3


def test_mute_by_both_is_another_fault() -> None:
    facts = pruned(rules(rules(DUAL, "4"), "6"))
    assert accused(ask(facts)) == {"sg-egress-missing"}


def test_a_rule_for_any_version_is_for_both() -> None:
    facts = edit(
        pruned(rules(DUAL, "6")),
        ACL,
        lambda row: (
            msgspec.structs.replace(row, match=row.match.replace(" && ip4", " && ip"))
            if row.direction == "from-lport"
            else row
        ),
    )
    assert ask(facts).verdict.state is State.HEALTHY


def test_a_port_of_one_version_needs_no_rule_of_the_other() -> None:
    facts = pruned(rules(healthy(), "6"))
    assert ask(facts).verdict.state is State.HEALTHY


def test_a_network_without_a_router_is_advertised_by_whoever_routes_it() -> None:
    facts = edit(
        advertising({}),
        LogicalSwitch,
        lambda row: msgspec.structs.replace(
            row,
            ports=tuple(
                uuid
                for uuid in row.ports
                for member in DUAL.nb[LogicalSwitchPort].find("uuid", uuid)
                if member.type != "router"
            ),
        ),
    )
    assert "ipv6-ra-missing" not in {cause.id for cause in audit(facts).causes}


def test_dhcpv6_may_be_disabled_at_one_port_alone() -> None:
    """A neighbour that is served makes it no accident; a machine without hypervisor has its own."""
    facts = facts_of("dhcpv6-options-missing")
    neutron = replace(facts, owner=msgspec.structs.replace(facts.owner, kind="neutron"))
    (cause,) = ask(neutron).causes
    assert (cause.id, cause.confidence.value) == ("dhcpv6-options-missing", "proven")
    (cause,) = ask(ports(neutron, dhcpv6_options=None)).causes
    assert cause.confidence.value == "likely"
    assert "dhcp_disabled" in cause.remedy.note
    own = NeutronPort(id=vm(facts), vnic_type="baremetal")
    assert accused(ask(replace(neutron, openstack=OpenStack(ports=(own,))))) == set()
