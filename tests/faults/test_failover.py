"""router-gw-nic-down-no-failover and router-gateway-bfd-flap."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, grouped, on_host, without
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.host import Flaps
from viftrail.facts.northbound import GatewayChassis, LogicalRouterPort
from viftrail.facts.southbound import Chassis
from viftrail.faults.catalogue import CATALOGUE
from viftrail.verdict import Certainty

STUCK = "router-gw-nic-down-no-failover"


def lit(facts: Facts, host: str, *flags: str) -> Facts:
    """A host's provider NIC with these flags."""
    links = tuple(
        msgspec.structs.replace(link, flags=flags) if link.ifname == "eth2" else link
        for link in facts.hosts[host].links
    )
    return on_host(facts, host, links=links)


def system_id(facts: Facts, host: str) -> str:
    return next(row.name for row in facts.sb[Chassis] if row.hostname == host)


def test_every_vm_behind_that_gateway_has_this_one_cause() -> None:
    facts = facts_of(STUCK)
    for name in VMS:
        verdict = ask(facts, name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (STUCK, "S11")
        assert accused(verdict) == {STUCK}
    (group,) = audit(facts).groups
    assert group.id == STUCK


def test_the_idle_gateway_is_preferred_by_its_priority() -> None:
    facts = facts_of(STUCK)
    (step,) = ask(facts).remedy.steps
    idle = system_id(facts, "network2")
    assert step.command.startswith("ovn-nbctl lrp-set-gateway-chassis lrp-")
    assert step.command.endswith(f"{idle} 3")
    assert step.undo.endswith(f"{idle} 1")


def test_a_group_of_neutron_29_is_changed_as_a_group() -> None:
    (step,) = ask(grouped(facts_of(STUCK))).remedy.steps
    assert step.command.startswith("ovn-nbctl ha-chassis-group-add-chassis router1 ")
    assert step.command.endswith(" 3")


def test_nobody_is_preferred_who_has_no_link_either() -> None:
    verdict = ask(lit(facts_of(STUCK), "network2", "UP"))
    assert accused(verdict) == {STUCK}
    assert verdict.remedy.steps == ()


def test_an_idle_gateway_without_link_cuts_nobody_off() -> None:
    facts = lit(lit(facts_of(STUCK), "network1", "UP", "LOWER_UP"), "network2", "UP")
    assert accused(ask(facts)) == set()


def alone(facts: Facts) -> Facts:
    """Only the first gateway is named."""
    first = system_id(facts, "network1")
    (kept,) = [row.uuid for row in facts.nb[GatewayChassis] if row.chassis_name == first]
    return edit(
        facts,
        LogicalRouterPort,
        lambda row: (
            msgspec.structs.replace(row, gateway_chassis=(kept,)) if row.gateway_chassis else row
        ),
    )


def test_with_one_gateway_it_is_the_nics_own_fault() -> None:
    assert accused(ask(alone(facts_of(STUCK)))) == {"prov-nic-down"}


def test_a_gateway_that_was_not_looked_at_is_not_accused() -> None:
    assert STUCK not in accused(ask(without(facts_of(STUCK), "network1")))


FLAP = "router-gateway-bfd-flap"


def counted(seconds: float, first: int, second: int) -> Facts:
    """Two gateways, of whose tunnel every host counts this many ups and downs."""
    facts = lit(facts_of(STUCK), "network1", "UP", "LOWER_UP")
    name = system_id(facts, "network1")
    for host in tuple(facts.hosts):
        rows = facts.hosts[host].tunnels.get(name, ())
        flaps = Flaps(
            seconds=seconds,
            first={row.name: first for row in rows},
            second={row.name: second for row in rows},
        )
        facts = on_host(facts, host, flaps=flaps)
    return facts


def test_what_flapped_while_it_was_looked_at_is_proven() -> None:
    for facts in (facts_of(FLAP), counted(1.5, 7, 9)):
        verdict = ask(facts)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (FLAP, "S11")
        assert accused(verdict) == {FLAP}
        assert verdict.verdict.confidence == "proven"
        (step,) = verdict.remedy.steps
        assert step.command == "ovn-nbctl set NB_Global . options:bfd-mult=12"
        assert step.undo.endswith("options:bfd-mult=3")


def test_what_flapped_long_ago_is_forgotten() -> None:
    assert audit(counted(1.5, 99, 99)).groups == ()


def test_what_flapped_often_is_worth_a_longer_look() -> None:
    facts = counted(0.3, 99, 99)
    (case,) = [case for f in CATALOGUE if f.id == FLAP for case in f.find(Cloud(facts))]
    assert case.certainty is Certainty.POSSIBLE
    assert not [c for f in CATALOGUE if f.id == FLAP for c in f.find(Cloud(counted(0.3, 1, 1)))]


def test_one_gateway_is_not_watched() -> None:
    assert audit(alone(counted(1.5, 1, 5))).groups == ()
