"""fip-external-ip-conflict."""

from __future__ import annotations

from tests.cloud import accused, add, ask, edit, healthy, without
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalRouterPort
from viftrail.facts.southbound import MACBinding
from viftrail.verdict import State

CONFLICT = "fip-external-ip-conflict"
FIP = "203.0.113.101"


def heard(mac: str) -> Facts:
    """The healthy cloud, whose router has learned this MAC for the floating IP."""
    return add(healthy(), MACBinding(uuid="m", ip=FIP, mac=mac, logical_port="lrp"))


def test_only_the_vm_with_the_floating_ip_has_the_cause() -> None:
    facts = facts_of(CONFLICT)
    verdict = ask(facts)
    assert (verdict.verdict.cause, verdict.verdict.stage) == (CONFLICT, "S13")
    assert accused(verdict) == {CONFLICT}
    assert accused(ask(facts, "vm2")) == set()
    assert [group.id for group in audit(facts).groups] == [CONFLICT]


def test_a_known_host_gives_the_address_back_and_the_router_forgets_it() -> None:
    free, forget = ask(facts_of(CONFLICT)).remedy.steps
    assert (free.where, free.command) == ("compute1", f"ip address del {FIP}/24 dev br-ex")
    assert free.undo == f"ip address add {FIP}/24 dev br-ex"
    assert forget.command.startswith("ovn-sbctl --if-exists destroy MAC_Binding ")


def test_of_an_unknown_machine_only_the_mac_is_told() -> None:
    verdict = ask(without(facts_of(CONFLICT), "compute2", "compute1"))
    assert verdict.causes[0].id == CONFLICT
    assert verdict.remedy.steps == ()
    assert "arping -D" in verdict.remedy.note


def test_the_routers_own_mac_is_no_conflict() -> None:
    macs = [row.mac for row in healthy().nb[LogicalRouterPort]]
    for mac in (*macs, macs[0].upper()):
        assert accused(ask(heard(mac))) == set()
    assert accused(ask(heard("02:00:00:00:00:01"))) == {CONFLICT}


def test_where_the_routers_ports_were_not_read_nobody_is_accused() -> None:
    facts = edit(heard("02:00:00:00:00:01"), LogicalRouterPort, lambda _row: None)
    assert CONFLICT not in accused(ask(facts))


def test_a_bundle_from_before_the_question_still_reads() -> None:
    old = {row: healthy().sb[row] for row in healthy().sb if row is not MACBinding}
    facts = healthy()
    facts = type(facts)(
        nb=facts.nb, sb=Database(old), hosts=facts.hosts, owner=facts.owner, gaps=facts.gaps
    )
    assert ask(facts).verdict.state is State.HEALTHY
