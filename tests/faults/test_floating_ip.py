"""fip-nat-row-missing."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.northbound import NAT, LogicalSwitchPort

FACTS = facts_of("fip-nat-row-missing")


def test_the_row_is_made_again() -> None:
    (step,) = ask(FACTS).remedy.steps
    assert "lr-nat-add" in step.command
    assert step.command.endswith("dnat_and_snat 203.0.113.101 10.0.0.11")


def test_the_ports_own_row_is_word_enough() -> None:
    verdict = ask(neutron_only(FACTS), vm(FACTS))
    assert accused(verdict) == {"fip-nat-row-missing"}
    assert "openstack floating ip set" in verdict.remedy.steps[0].command


def test_masquerading_to_the_same_address_is_no_floating_ip() -> None:
    facts = edit(healthy(), NAT, lambda row: msgspec.structs.replace(row, type="snat"))
    assert {cause.id for cause in audit(facts).causes} == {"fip-nat-row-missing"}


def test_a_port_without_a_floating_ip_misses_none() -> None:
    def forget(row: LogicalSwitchPort) -> LogicalSwitchPort:
        keys = {k: v for k, v in row.external_ids.items() if k != "neutron:port_fip"}
        return msgspec.structs.replace(row, external_ids=keys)

    assert audit(edit(neutron_only(FACTS), LogicalSwitchPort, forget)).causes == ()
