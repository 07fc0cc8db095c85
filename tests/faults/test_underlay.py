"""tunnel-mtu: what the underlay must carry, and where a smaller MTU does no harm."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, conf, edit, healthy, neutron_only, on_host, vm, wire_map
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.host import Address, Link
from viftrail.facts.northbound import DHCPOptions, LogicalSwitch
from viftrail.facts.southbound import Encap, PortBinding
from viftrail.verdict import Cause, Risk

NARROW = facts_of("tunnel-mtu")


def found(facts: Facts) -> set[str]:
    return {cause.id for cause in audit(facts).causes}


def links(facts: Facts, host: str = "compute1", /, **mtus: int) -> Facts:
    """These devices of a host with other MTUs; underscores stand for hyphens."""
    known = {name.replace("_", "-"): mtu for name, mtu in mtus.items()}
    return on_host(
        facts,
        host,
        links=tuple(
            msgspec.structs.replace(link, mtu=known.get(link.ifname, link.mtu))
            for link in facts.hosts[host].links
        ),
    )


def test_the_nic_is_raised_and_the_bridge_follows() -> None:
    verdict = ask(NARROW)
    (step,) = verdict.remedy.steps
    assert (step.where, step.risk) == ("compute1", Risk.BLINKS)
    assert step.command == "ip link set dev eth1 mtu 1500"
    assert step.undo == "ip link set dev eth1 mtu 1400"
    assert "--mtu 1342" in verdict.remedy.note
    seen = [item.seen for item in verdict.causes[0].evidence]
    assert seen == ["1400", "1400", "1442; with 58 of geneve 1500"]


def test_who_is_elsewhere_is_spared() -> None:
    assert accused(ask(NARROW, "vm2")) == {"tunnel-mtu"}
    assert accused(ask(NARROW, "vm3")) == set()


def test_a_gateways_underlay_cuts_off_all_that_it_serves() -> None:
    facts = links(healthy(), "network1", eth1=1400, br_phy=1400)
    (group,) = audit(facts).groups
    assert (group.subjects, group.victims) == (("host network1",), 3)
    for server in ("vm1", "vm2", "vm3"):
        assert accused(ask(facts, server)) == {"tunnel-mtu"}


@pytest.mark.parametrize(("mtu", "expected"), [(1500, set()), (1499, {"tunnel-mtu"})])
def test_every_byte_counts(mtu: int, expected: set[str]) -> None:
    assert found(links(healthy(), eth1=mtu, br_phy=mtu)) == expected


def test_other_devices_may_be_as_narrow_as_they_like() -> None:
    assert found(links(healthy(), eth0=1280, eth2=1280, br_ex=1280, br_int=1280)) == set()


def of_mtu(facts: Facts, mtu: str, dhcp: str = "") -> Facts:
    """net1 with this MTU, and the one that DHCP tells."""
    facts = edit(
        facts,
        LogicalSwitch,
        lambda row: msgspec.structs.replace(
            row, external_ids={**row.external_ids, "neutron:mtu": mtu}
        ),
    )
    return edit(
        facts,
        DHCPOptions,
        lambda row: msgspec.structs.replace(row, options={**row.options, "mtu": dhcp}),
    )


def test_a_network_that_was_lowered_fits() -> None:
    assert found(of_mtu(NARROW, "1342")) == set()
    assert found(of_mtu(NARROW, "1343")) == {"tunnel-mtu"}


def test_without_neutrons_word_dhcp_tells_and_without_either_nobody_is_accused() -> None:
    assert found(of_mtu(neutron_only(NARROW), "", "1343")) == {"tunnel-mtu"}
    assert found(of_mtu(neutron_only(NARROW), "", "1342")) == set()
    assert found(of_mtu(neutron_only(NARROW), "")) == set()


def test_over_ipv6_twenty_bytes_more_are_needed() -> None:
    facts = edit(healthy(), Encap, lambda row: msgspec.structs.replace(row, ip="2001:db8::21"))
    own = Link(ifname="br-phy", mtu=1519, addr_info=(Address("2001:db8::21", 64, "inet6"),))
    nic = Link(ifname="eth1", mtu=1519)
    (cause,) = (
        c
        for c in audit(on_host(facts, "compute1", links=(own, nic))).causes
        if c.id == "tunnel-mtu"
    )
    assert cause.evidence[-1].seen == "1442; with 78 of geneve 1520"
    wide = tuple(msgspec.structs.replace(link, mtu=1520) for link in (own, nic))
    assert "tunnel-mtu" not in found(on_host(facts, "compute1", links=wide))


def test_where_fragments_are_allowed_nothing_vanishes() -> None:
    known = NARROW.hosts["compute1"].settings
    for allowed, expected in (("true", {"tunnel-mtu"}), ("false", set())):
        keys = wire_map({**known, "ovn-encap-df_default": allowed})
        assert found(conf(NARROW, "compute1", "Open_vSwitch", {}, external_ids=keys)) == expected


def test_another_kind_of_tunnel_is_not_measured_by_geneves_overhead() -> None:
    facts = edit(NARROW, Encap, lambda row: msgspec.structs.replace(row, type="vxlan"))
    assert found(facts) == set()


def test_a_provider_network_needs_no_room_for_tunnels() -> None:
    facts = edit(
        NARROW,
        LogicalSwitch,
        lambda row: msgspec.structs.replace(
            row, external_ids={**row.external_ids, "neutron:provnet-physical-network": "physnet1"}
        ),
    )
    assert "tunnel-mtu" not in found(facts)


def test_a_network_on_one_host_alone_sends_nothing_through_tunnels() -> None:
    """Everything, the gateway too, is on compute1."""
    compute1 = NARROW.sb[PortBinding].one("logical_port", vm(NARROW))
    assert compute1 is not None
    facts = edit(
        NARROW, PortBinding, lambda row: msgspec.structs.replace(row, chassis=compute1.chassis)
    )
    ports = tuple(msgspec.structs.replace(port, host="compute1") for port in facts.owner.ports)
    facts = replace(facts, owner=msgspec.structs.replace(facts.owner, ports=ports))
    assert "tunnel-mtu" not in found(facts)


def vlan(mtu: int, below: int) -> Cause | None:
    """compute1's tunnel address on a VLAN of a bond."""
    facts = healthy()
    rest = [link for link in facts.hosts["compute1"].links if link.ifname != "br-phy"]
    address = (Address("198.51.100.21", 24, "inet"),)
    mine = [
        Link(ifname="bond0.7", link="bond0", mtu=mtu, addr_info=address),
        Link(ifname="bond0", mtu=below),
    ]
    causes = audit(on_host(facts, "compute1", links=(*rest, *mine))).causes
    return next((cause for cause in causes if cause.id == "tunnel-mtu"), None)


def test_a_vlan_is_raised_after_what_it_is_on() -> None:
    cause = vlan(1400, 1400)
    assert cause is not None
    assert [step.command for step in cause.remedy.steps] == [
        "ip link set dev bond0 mtu 1500",
        "ip link set dev bond0.7 mtu 1500",
    ]
    narrow = vlan(1400, 1500)
    assert narrow is not None
    (step,) = narrow.remedy.steps
    assert step.command == "ip link set dev bond0.7 mtu 1500"
    assert vlan(1500, 1500) is None


def test_a_bridge_that_is_narrower_than_its_nic_was_told_to_be() -> None:
    (cause,) = audit(links(healthy(), br_phy=1400)).causes
    (step,) = cause.remedy.steps
    assert step.command == "ovs-vsctl set Interface br-phy mtu_request=1500"


def test_what_ip_did_not_tell_is_not_zero() -> None:
    assert found(links(healthy(), eth1=0, br_phy=0)) == set()
    assert found(conf(healthy(), "compute1", "Interface", {"name": "eth1"}, mtu=1400)) == set()
