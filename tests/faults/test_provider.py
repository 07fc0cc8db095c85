"""prov-*: the mapping, and the NIC in the bridge."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, edit, on_host
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.host import Address, Link
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.verdict import Risk

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
