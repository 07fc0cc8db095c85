"""Two faults at once, in made facts: the second is neither hidden nor made up."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import ask, conf, edit, on_host
from tests.recordings import facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.host import FirewallRule
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Interface

PULLED = facts_of("prov-nic-not-in-bridge").hosts["network1"]
"""A gateway host whose provider NIC is in no bridge."""

DROPS = FirewallRule(
    family="inet", table="filter", chain="output", handle=7, udp_port=6081, drops=True
)
HOST_BREAKS = "prov-nic-not-in-bridge"


def causes(facts: Facts) -> list[str]:
    return [cause.id for cause in ask(facts).causes]


def with_host(facts: Facts, name: str, like: Facts) -> Facts:
    return replace(facts, hosts={**facts.hosts, name: like.hosts[name]})


@pytest.mark.parametrize(
    "upstream",
    [
        "northd-paused",
        "router-disabled",
        "router-interface-missing",
        "router-peer-mismatch",
        "router-no-gateway-chassis",
        "router-gateway-chassis-gone",
        "router-mode-conflict",
        "controller-crashed",
    ],
)
def test_what_is_broken_at_the_gateways_host_is_seen_past_a_broken_router(upstream: str) -> None:
    """Where nobody hosts the gateway, the trail goes on to who would."""
    facts = with_host(facts_of(upstream), "network1", facts_of(HOST_BREAKS))
    verdict = ask(facts)
    assert [cause.id for cause in verdict.causes] == [upstream, HOST_BREAKS]
    assert verdict.verdict.cause == upstream
    assert next(f.state.value for f in verdict.stages if f.id == "S12") == "broken"


@pytest.mark.parametrize("upstream", ["router-disabled", "router-no-gateway-chassis"])
def test_who_would_host_the_gateway_is_not_accused_of_it(upstream: str) -> None:
    verdict = ask(facts_of(upstream))
    assert [cause.id for cause in verdict.causes] == [upstream]
    assert next(f.state.value for f in verdict.stages if f.id == "S12") == "ok"


def test_of_two_that_might_host_the_gateway_none_is_picked() -> None:
    facts = with_host(facts_of("router-no-gateway-chassis"), "network1", facts_of(HOST_BREAKS))
    other = "compute2"

    def may_host(row: Chassis) -> Chassis:
        config = {**row.other_config, "ovn-cms-options": "enable-chassis-as-gw"}
        return msgspec.structs.replace(row, other_config=config) if row.hostname == other else row

    assert causes(edit(facts, Chassis, may_host)) == ["router-no-gateway-chassis"]


def test_a_wrong_tunnel_address_hides_neither_a_firewall_nor_a_small_mtu() -> None:
    wrong = facts_of("tunnel-wrong-encap-ip")
    assert causes(on_host(wrong, "compute1", firewall=(DROPS,))) == [
        "tunnel-wrong-encap-ip",
        "tunnel-udp-blocked",
    ]
    low = facts_of("tunnel-mtu").hosts["compute1"]
    assert set(causes(on_host(wrong, "compute1", links=low.links))) == {
        "tunnel-wrong-encap-ip",
        "tunnel-mtu",
    }


def test_to_a_wrong_address_lost_packets_accuse_no_firewall() -> None:
    """That they do not arrive follows from the address."""
    blocked = facts_of("tunnel-udp-blocked")
    facts = facts_of("tunnel-wrong-encap-ip")
    for name in ("compute1", "network1"):
        facts = on_host(facts, name, counters=blocked.hosts[name].counters)
    assert causes(facts) == ["tunnel-wrong-encap-ip"]


def unplugged(facts: Facts) -> Facts:
    """With no Interface that carries the port's id."""
    port = next(p.id for p in facts.owner.ports if p.server == "vm1")
    (row,) = facts.hosts["compute1"].conf[Interface].find("external_ids", f"iface-id={port}")
    return conf(facts, "compute1", "Interface", {"name": row.name}, external_ids=["map", []])


def test_a_missing_plug_does_not_hide_a_wrong_promise() -> None:
    facts = unplugged(facts_of("pb-requested-chassis-mismatch"))
    assert causes(facts) == ["pb-requested-chassis-mismatch", "vif-iface-id-missing"]
    # Where the promised host was not looked at, the VM may be there.
    hosts = {name: host for name, host in facts.hosts.items() if name != "compute2"}
    assert "pb-requested-chassis-mismatch" not in causes(replace(facts, hosts=hosts))
