"""prov-*: the mapping, and the NIC in the bridge."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, healthy, on_host
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.host import Address, Link
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.southbound import Chassis
from viftrail.verdict import Risk, State

UNMAPPED = facts_of("prov-mapping-missing")
PULLED = facts_of("prov-nic-not-in-bridge")


def test_the_bridge_that_is_likely_is_named_and_the_mapping_undone() -> None:
    (step,) = ask(UNMAPPED).remedy.steps
    assert step.command.endswith("ovn-bridge-mappings=physnet1:br-ex")
    assert step.undo == "ovs-vsctl remove Open_vSwitch . external_ids ovn-bridge-mappings"


def test_without_a_look_at_the_host_no_bridge_is_invented() -> None:
    facts = type(UNMAPPED)(
        nb=UNMAPPED.nb,
        sb=UNMAPPED.sb,
        owner=UNMAPPED.owner,
        hosts={name: h for name, h in UNMAPPED.hosts.items() if name != "network1"},
    )
    (cause,) = audit(facts).causes
    assert (cause.id, cause.remedy.steps) == ("prov-mapping-missing", ())
    assert "cannot be seen" in cause.remedy.note


def test_the_only_free_nic_is_put_in() -> None:
    (step,) = ask(PULLED).remedy.steps
    assert step.command == "ovs-vsctl --may-exist add-port br-ex eth2"


def addressed(name: str, *addresses: Address) -> Facts:
    """A device of network1 with these addresses."""
    links = tuple(
        msgspec.structs.replace(link, addr_info=addresses) if link.ifname == name else link
        for link in PULLED.hosts["network1"].links
    )
    return on_host(PULLED, "network1", links=links)


@pytest.mark.parametrize(
    "address", [Address("192.0.2.99", 24, "inet"), Address("2001:db8::99", 64, "inet6")]
)
def test_a_nic_with_an_address_is_never_put_into_a_bridge(address: Address) -> None:
    verdict = ask(addressed("eth2", address))
    assert accused(verdict) == {"prov-nic-not-in-bridge"}
    assert verdict.remedy.steps == ()


def test_an_address_that_every_device_has_is_none() -> None:
    verdict = ask(addressed("eth2", Address("fe80::1", 64, "inet6")))
    assert [step.risk for step in verdict.remedy.steps] == [Risk.SAFE]


def test_a_nic_that_others_sit_on_is_in_use() -> None:
    vlan = Link(ifname="eth2.7", link="eth2", addr_info=(Address("192.0.2.99", 24, "inet"),))
    links = (*PULLED.hosts["network1"].links, vlan)
    assert ask(on_host(PULLED, "network1", links=links)).remedy.steps == ()


def test_where_the_hosts_own_address_was_not_seen_the_nic_may_carry_it() -> None:
    links = tuple(
        msgspec.structs.replace(link, addr_info=(), master="bond0" if link.ifname == "eth0" else "")
        for link in PULLED.hosts["network1"].links
        if link.ifname != "eth1"
    )
    causes = {cause.id: cause for cause in ask(on_host(PULLED, "network1", links=links)).causes}
    (step,) = causes["prov-nic-not-in-bridge"].remedy.steps
    assert step.risk is Risk.DISRUPTIVE


def test_a_bridge_with_an_address_of_ipv6_may_be_routed_by_its_host() -> None:
    verdict = ask(addressed("br-ex", Address("2001:db8::1", 64, "inet6")))
    assert accused(verdict) == set()


def test_told_once_for_each_bridge() -> None:
    """However many routers lead through it."""
    (gateway,) = Cloud(PULLED).gateways
    peer = PULLED.nb[LogicalSwitchPort].one("options", f"router-port={gateway.leg.name}")
    assert gateway.binding is not None
    assert peer is not None
    copy = msgspec.structs.replace
    facts = add(
        PULLED,
        copy(gateway.router, uuid="r2", name="r2", ports=("leg2",)),
        copy(gateway.leg, uuid="leg2", name="lrp-2"),
        copy(gateway.binding, uuid="b2", logical_port="cr-lrp-2"),
        copy(peer, uuid="peer2", name="peer2", options={"router-port": "lrp-2"}),
    )
    facts = edit(
        facts,
        LogicalSwitch,
        lambda row: copy(row, ports=(*row.ports, "peer2")) if peer.uuid in row.ports else row,
    )
    assert len(Cloud(facts).gateways) == 2
    assert all(Cloud(facts).provider_side(gateway) for gateway in Cloud(facts).gateways)
    assert len(audit(facts).causes) == 1


def routed_network(facts: Facts, *physnets: str) -> Facts:
    """The provider network as a routed one: a segment, and a localnet port, for each of these."""
    switches, copy = facts.nb[LogicalSwitch], msgspec.structs.replace
    (localnet,) = (row for row in facts.nb[LogicalSwitchPort] if row.type == "localnet")
    (own,) = (row for row in switches if localnet.uuid in row.ports)
    rows = [
        copy(localnet, uuid=name, name=f"provnet-{name}", options={"network_name": name})
        for name in physnets
    ]
    facts = edit(facts, LogicalSwitchPort, lambda row: rows if row.uuid == localnet.uuid else row)
    return edit(
        facts,
        LogicalSwitch,
        lambda row: (
            copy(
                row,
                ports=(*(port for port in row.ports if port != localnet.uuid), *physnets),
                external_ids={},
            )
            if row.uuid == own.uuid
            else row
        ),
    )


def test_a_chassis_is_in_one_segment_of_a_routed_network() -> None:
    facts = routed_network(healthy(), "physnet9", "physnet1")
    assert ask(facts).verdict.state is State.HEALTHY
    assert audit(facts).causes == ()
    unscheduled = routed_network(facts_of("router-no-gateway-chassis"), "physnet9", "physnet1")
    (step,) = ask(unscheduled).remedy.steps
    assert "lrp-set-gateway-chassis" in step.command, "any segment does"


@pytest.mark.parametrize("physnets", [("physnet9", "physnet1"), ("physnet1", "physnet9")])
def test_a_chassis_that_maps_no_segment_is_not_connected(physnets: tuple[str, str]) -> None:
    (cause,) = ask(routed_network(UNMAPPED, *physnets)).causes
    assert cause.id == "prov-mapping-missing"
    assert accused(ask(routed_network(PULLED, *physnets))) == {"prov-nic-not-in-bridge"}
    misspelt = facts_of("prov-mapping-syntax")
    assert accused(ask(routed_network(misspelt, *physnets))) == {"prov-mapping-syntax"}


@pytest.mark.parametrize("physnets", [("physnet9", "physnet1"), ("physnet1", "physnet9")])
def test_a_floating_ip_on_the_vms_host_needs_one_segment(physnets: tuple[str, str]) -> None:
    facts = routed_network(facts_of("fip-distributed-no-mapping"), *physnets)
    assert accused(ask(facts)) == {"fip-distributed-no-mapping"}
    mapped = edit(
        facts,
        Chassis,
        lambda row: (
            msgspec.structs.replace(
                row, other_config={**row.other_config, "ovn-bridge-mappings": "physnet9:br-ex"}
            )
            if row.hostname == "compute1"
            else row
        ),
    )
    assert "fip-distributed-no-mapping" not in accused(ask(mapped))
