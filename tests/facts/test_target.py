"""What operators type, and which port they mean by it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cloud import TIME, change_port, edit, healthy, neutron_only, vm
from tests.recordings import facts_of
from viftrail.errors import AmbiguousTarget, UnknownTarget, UsageError
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import Inquiry
from viftrail.facts.northbound import NAT, LogicalRouter, LogicalRouterPort, LogicalSwitchPort
from viftrail.facts.stored import StoredSource
from viftrail.facts.target import is_address, is_mac, resolve, split_pair

macs = st.from_regex(r"\A([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\Z")
addresses = st.ip_addresses().map(str)
names = st.text(alphabet="abcxyz0129-_. ", min_size=1).filter(
    lambda text: text.strip() != "" and not is_address(text)
)
plain_names = names.map(lambda text: f"vm-{text}")
ends = st.one_of(macs, addresses, names)


@given(ends)
def test_one_end_is_left_whole(text: str) -> None:
    assert split_pair(text) == (text,)


@given(names, names)
def test_two_names_are_split(one: str, other: str) -> None:
    assert split_pair(f"{one}:{other}") == (one, other)


@given(st.one_of(macs, addresses), plain_names)
def test_colons_within_an_address_do_not_split_it(special: str, name: str) -> None:
    for one, other in ((special, name), (name, special)):
        assert split_pair(f"{one}:{other}") == (one, other)


@given(macs, macs)
@example("fa:16:3e:be:86:ea", "fa:16:3e:fd:ee:e3")  # whose last eight pairs are an IPv6 address
def test_two_macs_are_split(one: str, other: str) -> None:
    assert split_pair(f"{one}:{other}") == (one, other)


@given(st.text(max_size=40))
def test_any_text_is_split_in_parts_that_make_it_up_again(text: str) -> None:
    try:
        found = split_pair(text)
    except UsageError:
        return
    assert ":".join(found) == text or any(is_address(end) for end in found)
    assert all(end.strip() for end in found)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2001:DB8:0:0::10", ("2001:db8::10",)),
        ("2001:0db8:0000:0000:0000:0000:0000:0010", ("2001:db8::10",)),
        ("[2001:db8::10]", ("2001:db8::10",)),
        ("[2001:db8::10]:vm3", ("2001:db8::10", "vm3")),
        ("vm3:[2001:db8::10]", ("vm3", "2001:db8::10")),
        ("[2001:DB8::10]:[2001:db8:0::11]", ("2001:db8::10", "2001:db8::11")),
        (" 10.0.0.11", ("10.0.0.11",)),
        ("[vm1]", ("[vm1]",)),
        ("[10.0.0.11]", ("[10.0.0.11]",)),
    ],
)
def test_an_address_may_be_spelled_in_any_way(text: str, ends: tuple[str, ...]) -> None:
    assert split_pair(text) == ends


@pytest.mark.parametrize("text", ["", " ", ":", "vm1:", ":vm1", "vm1: "])
def test_an_empty_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        split_pair(text)


@given(st.text(max_size=20))
def test_what_is_a_mac_is_no_address(text: str) -> None:
    assert not (is_mac(text) and is_address(text))


def find(facts: Facts, text: str) -> str:
    return resolve(Inquiry(StoredSource(facts, TIME)), text).port_id


def test_northbound_alone_knows_a_port_by_all_it_has() -> None:
    facts = healthy()
    owned = facts.owner.port(vm(facts))
    assert owned is not None
    alone = neutron_only(facts)
    texts = (owned.id, owned.server_id, owned.mac, owned.mac.upper(), owned.mac.replace(":", "-"))
    for text in (*texts, "vm1", "10.0.0.11", "203.0.113.101", "tap" + owned.id[:11]):
        assert find(alone, text) == owned.id, text


@pytest.mark.parametrize(
    "text", ["vm9", "10.0.0.99", "fa:16:3e:00:00:00", "tap00000000-00", "A:B:C"]
)
@pytest.mark.parametrize("owner", [True, False])
def test_what_nobody_knows_is_unknown(text: str, owner: bool) -> None:
    facts = healthy() if owner else neutron_only(healthy())
    with pytest.raises(UnknownTarget) as caught:
        find(facts, text)
    assert text in caught.value.what
    assert caught.value.do


def named(facts: Facts, kind: str) -> str:
    return next(row.name for row in facts.nb[LogicalSwitchPort] if row.type == kind)


@pytest.mark.parametrize("owner", [True, False])
def test_what_is_a_port_of_the_network_itself_is_said_to_be_that(owner: bool) -> None:
    facts = healthy() if owner else neutron_only(healthy())
    leg = next(row.name for row in facts.nb[LogicalRouterPort] if row.gateway_chassis)
    router = facts.nb[LogicalRouter]
    name = next(row.external_ids.get("neutron:router_name") or row.name for row in router)
    for text, what in (
        (named(facts, "router"), f"a router port of {name}"),
        (leg, f"a router port of {name}"),
        (f"cr-{leg}", f"a router port of {name}"),
        ("10.0.0.1", f"a router port of {name}"),
        (named(facts, "localport"), "a metadata port"),
        ("10.0.0.2", "a metadata port"),
        (named(facts, "localnet"), "the way out of a provider network"),
    ):
        with pytest.raises(UnknownTarget) as caught:
            find(facts, text)
        assert f"{text} is {what}" in caught.value.what


def test_a_vms_port_that_somebody_retyped_is_still_the_vms() -> None:
    facts = neutron_only(facts_of("pb-wrong-type"))
    retyped = next(
        row
        for row in facts.nb[LogicalSwitchPort]
        if row.type and row.external_ids["neutron:device_owner"] == "compute:nova"
    )
    assert find(facts, retyped.name) == retyped.name


def test_a_virtual_port_is_a_target() -> None:
    facts = change_port(healthy(), type="virtual", external_ids={})
    assert find(neutron_only(facts), vm(facts)) == vm(facts)


@pytest.mark.parametrize("owner", [True, False])
def test_the_external_address_of_a_router_is_no_vm_and_it_is_said_whose_it_is(owner: bool) -> None:
    with pytest.raises(UnknownTarget, match="10 is the external address of router router1,"):
        find(healthy() if owner else neutron_only(healthy()), "203.0.113.10")


def test_a_vm_of_the_address_that_a_router_hides_behind_is_found() -> None:
    facts = edit(
        neutron_only(healthy()),
        NAT,
        lambda row: (
            msgspec.structs.replace(row, external_ip="10.0.0.11") if row.type == "snat" else row
        ),
    )
    assert find(facts, "10.0.0.11") == vm(healthy())


def test_two_servers_of_one_name_are_listed() -> None:
    facts = healthy()
    owner = facts.owner
    twins = tuple(msgspec.structs.replace(port, server="web") for port in owner.ports[:2])
    facts = replace(facts, owner=msgspec.structs.replace(owner, ports=(*twins, *owner.ports[2:])))
    with pytest.raises(AmbiguousTarget) as caught:
        find(facts, "web")
    assert len(caught.value.candidates) == 2
    for port, line in zip(sorted(twins, key=lambda p: p.id), caught.value.candidates, strict=True):
        assert line.startswith(port.id)
        assert port.addresses[0] in line


def test_a_server_with_two_ports_is_ambiguous_without_an_owner_too() -> None:
    def same_device(row: LogicalSwitchPort) -> LogicalSwitchPort:
        keys = {**row.external_ids, "neutron:device_id": "one-server"}
        return msgspec.structs.replace(row, external_ids=keys) if row.type == "" else row

    facts = edit(neutron_only(healthy()), LogicalSwitchPort, same_device)
    with pytest.raises(AmbiguousTarget) as caught:
        find(facts, "one-server")
    assert len(caught.value.candidates) == 3


def advice(facts: Facts, text: str) -> str:
    with pytest.raises(UnknownTarget) as caught:
        find(facts, text)
    return caught.value.do


def test_a_mistyped_name_is_answered_with_those_that_are_like_it() -> None:
    facts = healthy()
    owner = facts.owner
    web = tuple(msgspec.structs.replace(p, server=f"web-{p.server}") for p in owner.ports)
    facts = replace(facts, owner=msgspec.structs.replace(owner, ports=web))
    assert advice(facts, "wbe-vm1").startswith("Did you mean web-vm1")
    assert "vm1" not in advice(facts, "somethingelse")


def test_who_has_only_ovn_to_ask_is_not_told_to_give_a_name() -> None:
    told = advice(neutron_only(healthy()), "web-1")
    assert "does not know servers' names" in told
    for word in ("server's id", "port id", "IP", "tap", "--os-cloud"):
        assert word in told
    assert "--os-cloud" not in advice(healthy(), "web-1")


def test_of_an_address_that_nobody_has_no_name_is_guessed() -> None:
    assert "nothing has this address" in advice(healthy(), "10.0.0.99")
