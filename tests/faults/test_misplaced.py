"""fip-wrong-router, fip-logical-port-wrong and fip-external-mac-missing."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NAT, LogicalRouter, NBGlobal
from viftrail.verdict import State

ELSEWHERE, MISTIED, CENTRAL = (
    "fip-wrong-router",
    "fip-logical-port-wrong",
    "fip-external-mac-missing",
)


def tied(facts: Facts, **columns: str | None) -> Facts:
    """The floating IP's row with other columns."""
    return edit(
        facts,
        NAT,
        lambda row: msgspec.structs.replace(row, **columns) if row.type != "snat" else row,
    )


def test_only_the_vm_with_the_floating_ip_has_the_cause() -> None:
    for kind in (ELSEWHERE, MISTIED):
        facts = facts_of(kind)
        verdict = ask(facts)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (kind, "S13")
        assert accused(verdict) == {kind}
        assert accused(ask(facts, "vm2")) == set()
        assert accused(ask(neutron_only(facts), vm(facts))) == {kind}
        assert [group.id for group in audit(facts).groups] == [kind]


def test_the_row_moves_to_the_router_of_the_vms_network() -> None:
    facts = facts_of(ELSEWHERE)
    right = next(row.name for row in facts.nb[LogicalRouter] if row.ports)
    (step,) = ask(facts).remedy.steps
    assert f"lr-nat-add {right} dnat_and_snat " in step.command
    assert "lr-nat-del router-of-yesterday dnat_and_snat " in step.command


def test_a_row_in_the_right_router_is_right() -> None:
    assert accused(ask(healthy())) == set()


def test_a_centralized_floating_ip_does_not_care_for_its_logical_port() -> None:
    assert accused(ask(tied(healthy(), logical_port="another"))) == set()
    mac = "fa:16:3e:00:00:01"
    facts = tied(healthy(), logical_port="another", external_mac=mac)
    assert MISTIED in accused(ask(facts))


def test_a_lost_external_mac_harms_nobody_and_is_found_by_an_audit() -> None:
    facts = facts_of(CENTRAL)
    assert accused(ask(facts)) == set()
    (remark,) = ask(facts).remarks
    assert f"audit --only {CENTRAL}" in remark, "whoever asks about its port is not left unaware"
    assert remark in ask(facts).asides
    assert ask(facts, "vm2").remarks == ()
    (group,) = audit(facts).groups
    assert (group.id, group.state, group.victims) == (CENTRAL, State.DEGRADED, 0)


def test_where_floating_ips_are_centralized_none_is_wanted() -> None:
    facts = edit(
        facts_of(CENTRAL), NBGlobal, lambda row: msgspec.structs.replace(row, external_ids={})
    )
    assert audit(facts).groups == ()
