"""dhcp-options-missing, portsec-mac-mismatch, sg-egress-missing."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, change_port, edit, healthy, neutron_only, on_host, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import ACL, DHCPOptions, LogicalSwitchPort, PortGroup
from viftrail.facts.openstack import NeutronPort, OpenStack
from viftrail.verdict import Certainty, State


def without_dhcp() -> Facts:
    """A subnet that has no DHCP, as `openstack subnet create --no-dhcp` makes it."""
    facts = edit(healthy(), DHCPOptions, lambda _: None)
    return edit(
        facts, LogicalSwitchPort, lambda row: msgspec.structs.replace(row, dhcpv4_options=None)
    )


def test_a_subnet_without_dhcp_on_purpose_is_no_fault() -> None:
    verdict = ask(neutron_only(without_dhcp()))
    assert verdict.causes == ()
    assert next(stage for stage in verdict.stages if stage.id == "S9").state is State.OK


def test_lost_options_are_a_fault_where_the_owner_wants_dhcp() -> None:
    (cause,) = ask(without_dhcp()).causes
    assert cause.confidence is Certainty.PROVEN
    assert cause.remedy.steps == (), "a row that is gone cannot be named"


def test_a_lost_reference_without_an_owner_is_likely() -> None:
    (cause,) = ask(neutron_only(change_port(healthy(), dhcpv4_options=None))).causes
    assert cause.confidence is Certainty.LIKELY


def test_a_lost_reference_is_proved_by_the_neighbours() -> None:
    (cause,) = ask(change_port(healthy(), dhcpv4_options=None)).causes
    assert cause.confidence is Certainty.PROVEN
    options = next(iter(healthy().nb[DHCPOptions]))
    assert options.uuid in cause.remedy.steps[0].command


def of_neutron(facts: Facts, vnic_type: str = "") -> Facts:
    """The same ports, owned by Neutron, which says this of vm1's."""
    owner = msgspec.structs.replace(facts.owner, kind="neutron")
    own = NeutronPort(id=vm(facts), vnic_type=vnic_type)
    return replace(facts, owner=owner, openstack=OpenStack(ports=(own,)))


def test_dhcp_may_be_disabled_at_one_port_alone() -> None:
    """By an extra DHCP option, which no row shows: a neighbour that is served makes it no accident."""
    alone = edit(
        change_port(healthy(), dhcpv4_options=None),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, dhcpv4_options=None),
    )
    (cause,) = ask(of_neutron(alone)).causes
    assert (cause.id, cause.confidence) == ("dhcp-options-missing", Certainty.LIKELY)
    assert "dhcp_disabled" in cause.remedy.note
    (cause,) = ask(of_neutron(change_port(healthy(), dhcpv4_options=None))).causes
    assert (cause.id, cause.confidence) == ("dhcp-options-missing", Certainty.PROVEN)


def test_a_machine_without_hypervisor_may_have_a_dhcp_server_of_its_own() -> None:
    lost = change_port(healthy(), dhcpv4_options=None)
    assert accused(ask(of_neutron(lost, vnic_type="baremetal"))) == set()
    assert accused(ask(of_neutron(lost, vnic_type="normal"))) == {"dhcp-options-missing"}


def heard(*macs: str) -> Facts:
    tap = "tap" + vm(healthy())[:11]
    return on_host(healthy(), "compute1", guests=(), heard={tap: macs})


def test_a_foreign_mac_on_the_tap_is_likely_and_not_proven() -> None:
    """A bridge or a container in the guest may have spoken in that moment."""
    (cause,) = ask(heard("52:54:00:00:00:01")).causes
    assert (cause.id, cause.confidence) == ("portsec-mac-mismatch", Certainty.LIKELY)


def test_a_guest_that_was_asked_is_proof() -> None:
    (cause,) = ask(facts_of("portsec-mac-mismatch")).causes
    assert cause.confidence is Certainty.PROVEN


@pytest.mark.parametrize(
    "macs",
    [
        (),
        ("fa:16:3e:be:86:ea",),
        ("fa:16:3e:be:86:ea", "52:54:00:00:00:01"),  # its own one too
    ],
)
def test_macs_that_accuse_nobody(macs: tuple[str, ...]) -> None:
    assert accused(ask(heard(*macs))) == set()


def test_letter_case_does_not_matter() -> None:
    facts = change_port(heard("fa:16:3e:be:86:ea"), port_security=("FA:16:3E:BE:86:EA 10.0.0.11",))
    assert accused(ask(facts)) == set()


def test_without_port_security_any_mac_may_send() -> None:
    assert accused(ask(change_port(heard("52:54:00:00:00:01"), port_security=()))) == set()


def rules(action: str) -> Facts:
    return edit(
        healthy(),
        ACL,
        lambda acl: (
            msgspec.structs.replace(acl, action=action)
            if acl.direction == "from-lport" and acl.action.startswith("allow")
            else acl
        ),
    )


@pytest.mark.parametrize("action", ["allow", "allow-related", "allow-stateless"])
def test_every_kind_of_allow_lets_out(action: str) -> None:
    assert audit(rules(action)).causes == ()


def test_a_group_without_egress_shuts_in_all_its_ports() -> None:
    (group,) = audit(rules("drop")).groups
    assert group.id == "sg-egress-missing"
    assert (group.victims, len(group.subjects)) == (3, 3)


def test_the_group_of_the_port_is_mended_and_not_the_drop_group() -> None:
    facts = facts_of("sg-egress-missing")
    (step,) = ask(facts).remedy.steps
    groups = {group.name for group in facts.nb[PortGroup]} - {"neutron_pg_drop"}
    assert any(f"Port_Group {name} ports" in step.command for name in groups)
    alone = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert alone[0].command.startswith("openstack port set --security-group ")


def test_a_cloud_without_neutrons_drop_group_is_not_judged_by_it() -> None:
    facts = edit(rules("drop"), PortGroup, lambda g: None if g.name == "neutron_pg_drop" else g)
    assert audit(facts).causes == ()
