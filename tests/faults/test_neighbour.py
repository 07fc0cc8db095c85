"""router-stale-mac-binding, router-nexthop-dead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, healthy, neutron_only, on_host, vm, without
from viftrail.chain.cloud import Cloud
from viftrail.diagnose import diagnose
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.host import Address
from viftrail.facts.northbound import LogicalRouter, LogicalSwitchPort, StaticRoute
from viftrail.facts.sounding import Arping, Soundings
from viftrail.facts.southbound import MACBinding
from viftrail.facts.table import Table
from viftrail.verdict import State, Verdict

STALE, DEAD = "router-stale-mac-binding", "router-nexthop-dead"
HOP = "203.0.113.1"
OLD, NEW = "02:00:00:00:00:01", "02:00:00:00:00:02"
NOBODY = "10.0.0.254"


def leg() -> str:
    """The router's gateway port."""
    (gateway,) = Cloud(healthy()).gateways
    return gateway.leg.name


def learned(facts: Facts, *rows: MACBinding) -> Facts:
    """What the router's gateway port has learned, all of it read."""
    tables = {row: facts.sb[row] for row in facts.sb}
    tables[MACBinding] = Table(rows, answered=frozenset({("logical_port", leg())}))
    return replace(facts, sb=Database(tables))


def binding(mac: str = OLD, ip: str = HOP, port: str = "") -> MACBinding:
    return MACBinding(uuid="m", ip=ip, mac=mac, logical_port=port or leg())


def heard(facts: Facts, **fields: Any) -> Facts:
    """ARP was sent for the next hop, and this came of it."""
    told = {"answered": True, "mac": NEW, "address": HOP, "what": "next hop", **fields}
    asked = Arping(host="network1", command="arping -D -I br-ex 203.0.113.1", **told)
    return replace(facts, soundings=Soundings(arpings=(asked,)))


def judge(facts: Facts) -> Verdict:
    return diagnose(facts, vm(facts), "vm1", suspicions=True)


def bridged(facts: Facts, address: str, mac: str) -> Facts:
    """The gateway's host is the way out itself: its provider bridge has this address."""
    host = facts.hosts["network1"]
    own = Address(family="inet", local=address, prefixlen=24)
    links = [
        msgspec.structs.replace(link, address=mac, addr_info=(own,))
        if link.ifname == "br-ex"
        else link
        for link in host.links
    ]
    return on_host(facts, "network1", links=tuple(links))


def test_whoever_answers_arp_has_the_next_hops_mac() -> None:
    verdict = judge(heard(learned(healthy(), binding())))
    assert (verdict.verdict.cause, verdict.verdict.stage) == (STALE, "S11")
    assert verdict.verdict.confidence == "likely"
    (step,) = verdict.remedy.steps
    assert step.command == "ovn-sbctl --if-exists destroy MAC_Binding m"
    row, answer = verdict.causes[0].evidence
    assert (row.seen, row.expected, answer.seen) == (OLD, NEW, NEW)
    assert HOP in row.command
    assert leg() in row.command


def test_a_host_that_is_the_way_out_has_it() -> None:
    facts = learned(bridged(healthy(), HOP, NEW), binding())
    assert accused(ask(facts)) == {STALE}
    assert accused(ask(learned(bridged(healthy(), HOP, OLD.upper()), binding()))) == set()


def test_a_router_of_ovns_own_proves_it() -> None:
    (gateway,) = Cloud(healthy()).gateways
    own = gateway.leg.networks[0].partition("/")[0]
    facts = edit(healthy(), StaticRoute, lambda row: msgspec.structs.replace(row, nexthop=own))
    causes = {c.id: c for c in ask(learned(facts, binding(ip=own))).causes}
    assert causes[STALE].confidence.value == "proven"
    right = binding(gateway.leg.mac.upper(), own)
    assert STALE not in accused(ask(learned(facts, right)))


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({}, {"mac": ""}),
        ({}, {"mac": OLD.upper()}),
        ({}, {"answered": False, "mac": ""}),
        ({}, {"what": "floating IP"}),
        ({}, {"address": "203.0.113.2"}),
        ({"ip": "203.0.113.9"}, {}),
        ({"port": "lrp-of-another-router"}, {}),
    ],
)
def test_what_does_not_contradict_the_row_accuses_nobody(
    row: dict[str, str], fields: dict[str, Any]
) -> None:
    assert STALE not in accused(judge(heard(learned(healthy(), binding(**row)), **fields)))


def test_without_anybody_who_knows_the_mac_a_row_is_a_row() -> None:
    assert ask(learned(healthy(), binding())).verdict.state is State.HEALTHY
    bare = without(learned(healthy(), binding()), *healthy().hosts)
    assert STALE not in accused(ask(bare))


def test_a_host_with_the_address_on_another_device_says_nothing() -> None:
    host = healthy().hosts["network1"]
    own = Address(family="inet", local=HOP, prefixlen=24)
    links = [
        msgspec.structs.replace(link, address=NEW, addr_info=(*link.addr_info, own))
        if link.ifname == "eth0"
        else link
        for link in host.links
    ]
    facts = learned(on_host(healthy(), "network1", links=tuple(links)), binding())
    assert accused(ask(facts)) == set()


# --- router-nexthop-dead -------------------------------------------------------------------------


def routed(hop: str, prefix: str = "0.0.0.0/0") -> Facts:
    return edit(
        healthy(),
        StaticRoute,
        lambda row: msgspec.structs.replace(row, nexthop=hop, ip_prefix=prefix),
    )


def test_a_default_route_to_an_address_that_no_port_has() -> None:
    facts = routed(NOBODY)
    for name in ("vm1", "vm2"):
        verdict = ask(facts, name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (DEAD, "S11")
        assert (verdict.verdict.confidence, accused(verdict)) == ("likely", {DEAD})
    (step,) = ask(facts).remedy.steps
    assert step.command.endswith(f"nexthop={HOP}")
    assert step.undo.endswith(f"nexthop={NOBODY}")
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command == "openstack router show -c external_gateway_info router1"


def test_a_route_to_one_network_cuts_nobody_off() -> None:
    extra = StaticRoute(uuid="x", ip_prefix="192.168.9.0/24", nexthop=NOBODY)
    facts = edit(
        add(healthy(), extra),
        LogicalRouter,
        lambda row: msgspec.structs.replace(row, static_routes=(*row.static_routes, "x")),
    )
    verdict = ask(facts)
    assert (verdict.verdict.cause, verdict.verdict.state) == (DEAD, State.DEGRADED)
    assert verdict.remedy.steps == ()
    assert "take the route away" in verdict.remedy.note


def test_the_routers_own_address_is_no_way_on() -> None:
    (gateway,) = Cloud(healthy()).gateways
    own = gateway.leg.networks[0].partition("/")[0]
    verdict = ask(routed(own))
    assert (verdict.verdict.cause, verdict.verdict.confidence) == (DEAD, "proven")


def test_a_server_that_is_the_next_hop_may_answer() -> None:
    address = next(iter(Cloud(healthy()).ports.values())).ipv4
    assert accused(ask(routed(address))) == set()


@pytest.mark.parametrize(
    "columns",
    [
        {"addresses": ("unknown",)},
        {"port_security": ()},
        {"port_security": ("fa:16:3e:00:00:01",)},
        {"port_security": (f"fa:16:3e:00:00:01 10.0.0.11 {NOBODY}",)},
        {"port_security": ("fa:16:3e:00:00:01 10.0.0.11 10.0.0.0/24",)},
        {"type": "localnet"},
        {"type": "virtual", "options": {"virtual-ip": NOBODY, "virtual-parents": "a,b"}},
    ],
)
def test_where_some_port_may_have_the_address_nobody_is_accused(columns: dict[str, Any]) -> None:
    target = vm(healthy(), "vm2")
    facts = edit(
        routed(NOBODY),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, **columns) if row.name == target else row,
    )
    assert DEAD not in accused(ask(facts))


def test_where_not_every_port_was_read_nobody_is_accused() -> None:
    gone = vm(healthy(), "vm2")
    facts = edit(routed(NOBODY), LogicalSwitchPort, lambda r: None if r.name == gone else r)
    assert DEAD not in accused(ask(facts))


def test_the_providers_router_is_dead_when_it_does_not_answer_and_never_did() -> None:
    silent = heard(learned(healthy()), answered=False, mac="")
    verdict = judge(silent)
    assert (verdict.verdict.cause, verdict.verdict.confidence) == (DEAD, "likely")
    assert DEAD not in accused(judge(learned(healthy()))), "nobody asked"
    assert DEAD not in accused(judge(heard(learned(healthy()))))
    once = heard(learned(healthy(), binding()), answered=False, mac="")
    assert DEAD not in accused(judge(once)), "it was there, and may be again"
    unread = heard(healthy(), answered=False, mac="")
    assert DEAD not in accused(judge(unread)), "whether it was ever learned is not known"
