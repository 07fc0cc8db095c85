"""nb-lsp-missing: only the owner's word makes an absent row a fault."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import ask, neutron_only, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.openstack import NeutronPort, OpenStack

FACTS = facts_of("nb-lsp-missing")


def test_without_the_owner_nobody_misses_the_row() -> None:
    assert audit(neutron_only(FACTS)).causes == ()


def test_the_lab_gets_the_row_back_as_it_was() -> None:
    (step,) = ask(FACTS).remedy.steps
    assert step.where == "controller"
    for part in (f"name={vm(FACTS)}", "dhcpv4_options=", "requested-chassis=compute1"):
        assert part in step.command
    assert "neutron_pg_drop" in step.command
    assert step.undo == f"ovn-nbctl lsp-del {vm(FACTS)}"


def test_neutron_is_made_to_write_it_again() -> None:
    owner = msgspec.structs.replace(FACTS.owner, kind="neutron")
    told = OpenStack(ports=(NeutronPort(id=vm(FACTS), description="ours"),))
    verdict = ask(replace(FACTS, owner=owner, openstack=told))
    (step,) = verdict.remedy.steps
    assert step.command.startswith("openstack port set ")
    assert step.command.endswith(f"--description ours {vm(FACTS)}")
    assert "Neutron has the port of vm1" in verdict.verdict.summary
