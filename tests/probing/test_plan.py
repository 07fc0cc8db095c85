"""What would be sent, and that nothing is where the facts do not allow it."""

from __future__ import annotations

import pytest

from tests.cloud import conf, healthy, vm, without
from tests.recordings import facts_of
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import trail_of
from viftrail.facts.facts import Facts
from viftrail.facts.host import Host
from viftrail.facts.vswitch import Interface
from viftrail.probing.plan import Sending, sending_for


def planned(facts: Facts) -> Sending:
    cloud = Cloud(facts)
    return sending_for(cloud, trail_of(cloud, cloud.ports[vm(facts)], "vm1"))


def tap(host: Host, port: str) -> str:
    (row,) = host.conf[Interface].find("external_ids", f"iface-id={port}")
    return row.name


def test_a_healthy_port_is_looked_at_from_every_side() -> None:
    plan = planned(healthy())
    assert [trace.what for trace in plan.traces] == ["dhcp", "arp"]
    assert [call.host for call in plan.calls] == ["compute1"]
    assert [(k.sender, k.receiver) for k in plan.knocks] == [
        ("compute1", "network1"),
        ("network1", "compute1"),
    ]
    assert {k.largest for k in plan.knocks} == {1500}
    assert [ask.what for ask in plan.asks] == ["next hop", "floating IP"]
    assert {ask.device for ask in plan.asks} == {"br-ex"}


def test_all_of_it_is_told_before() -> None:
    plan = planned(healthy())
    words = "\n".join(plan.words())
    assert len(plan.words()) == 7
    for part in ("not sent", "ARP requests", "geneve", "next hop 203.0.113.1", "floating IP"):
        assert part in words
    assert Sending().words() == ()


def test_the_guest_is_asked_as_its_router_asks() -> None:
    """RFC 826: who has the port's address, tell the router's."""
    packet = bytes.fromhex(planned(healthy()).calls[0].packet)
    assert (len(packet), packet[12:14].hex(), packet[20:22].hex()) == (42, "0806", "0001")
    assert packet[6:12] == packet[22:28]
    assert packet[38:42] == bytes([10, 0, 0, 11])


@pytest.mark.parametrize(
    ("blind", "left"),
    [
        ("compute1", {"asks"}),
        ("network1", {"traces", "calls"}),
    ],
)
def test_where_nobody_looked_nothing_is_sent(blind: str, left: set[str]) -> None:
    plan = planned(without(healthy(), blind))
    assert {n for n in ("traces", "calls", "knocks", "asks") if getattr(plan, n)} == left


def test_without_a_plug_there_is_nothing_to_trace() -> None:
    plan = planned(facts_of("vif-not-in-br-int"))
    assert (plan.traces, plan.calls) == ((), ())
    assert plan.knocks


def test_to_an_address_that_is_not_the_hosts_nothing_is_sent() -> None:
    assert planned(facts_of("tunnel-wrong-encap-ip")).knocks == ()


def test_a_name_with_syntax_is_never_put_into_a_command() -> None:
    facts = healthy()
    name = tap(facts.hosts["compute1"], vm(facts))
    evil = conf(facts, "compute1", "Interface", {"name": name}, name="tap;reboot")
    evil = conf(evil, "compute1", "Port", {"name": name}, name="tap;reboot")
    plan = planned(evil)
    assert (plan.traces, plan.calls) == ((), ())
