"""fip-on-wrong-fixed-ip and nb-orphan-nat."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import accused, add, ask, edit, healthy, neutron_only, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NAT, LogicalRouter

FIP = "203.0.113.101"
STRAY = NAT(uuid="stray", type="dnat_and_snat", external_ip="203.0.113.66", logical_ip="10.0.0.66")


def leading_to(address: str) -> Facts:
    return edit(
        healthy(),
        NAT,
        lambda row: (
            msgspec.structs.replace(row, logical_ip=address) if row.external_ip == FIP else row
        ),
    )


def with_row(row: NAT) -> Facts:
    return edit(
        add(healthy(), row),
        LogicalRouter,
        lambda router: msgspec.structs.replace(router, nat=(*router.nat, row.uuid)),
    )


def test_one_that_leads_to_another_address() -> None:
    (cause,) = audit(leading_to("10.0.0.12")).causes
    assert (cause.id, cause.subject) == ("fip-on-wrong-fixed-ip", f"floating IP {FIP}")
    (step,) = cause.remedy.steps
    assert step.command.endswith("logical_ip=10.0.0.11")
    assert step.undo.endswith("logical_ip=10.0.0.12")


def test_without_the_owner_the_row_itself_names_its_port() -> None:
    facts = neutron_only(leading_to("10.0.0.12"))
    (cause,) = ask(facts, vm(healthy())).causes
    assert cause.id == "fip-on-wrong-fixed-ip"
    assert cause.remedy.steps[0].command.startswith("openstack floating ip set ")


def test_a_row_that_no_floating_ip_accounts_for() -> None:
    (cause,) = audit(with_row(STRAY)).causes
    (router,) = healthy().nb[LogicalRouter]
    assert (cause.id, cause.subject) == ("nb-orphan-nat", "floating IP 203.0.113.66")
    (step,) = cause.remedy.steps
    assert step.command == f"ovn-nbctl lr-nat-del {router.name} dnat_and_snat 203.0.113.66"
    assert accused(ask(with_row(STRAY))) == set(), "it is no business of vm1's"


def test_a_masquerade_is_no_floating_ip() -> None:
    assert audit(with_row(msgspec.structs.replace(STRAY, type="snat"))).causes == ()


def test_whose_owner_was_not_asked_is_no_orphan() -> None:
    assert audit(neutron_only(with_row(STRAY))).causes == ()


def test_who_is_told_of_one_project_calls_nobody_elses_address_an_orphan() -> None:
    facts = with_row(STRAY)
    owner = msgspec.structs.replace(facts.owner, kind="neutron")
    assert "nb-orphan-nat" not in {c.id for c in audit(replace(facts, owner=owner)).causes}
