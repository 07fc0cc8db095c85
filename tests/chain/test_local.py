"""What br-int answers on the VM's own host."""

from __future__ import annotations

from tests.cloud import add, ask, change_port, edit, healthy, neutron_only, on_host, stage, vm
from viftrail.chain.cloud import Cloud
from viftrail.chain.local import dropped, examine, guest_macs, lets_out, rules_known
from viftrail.chain.trail import trail_of
from viftrail.facts.host import Guest
from viftrail.facts.northbound import ACL, LogicalSwitchPort, PortGroup
from viftrail.verdict import State


def test_groups_let_out_by_an_allow_rule_from_the_port() -> None:
    cloud = Cloud(healthy())
    groups = {group.name: group for group in cloud.nb[PortGroup]}
    drop = groups.pop("neutron_pg_drop")
    (default,) = groups.values()
    assert lets_out(cloud, default)
    assert not lets_out(cloud, drop)


def test_rules_for_what_comes_in_let_nothing_out() -> None:
    facts = edit(
        healthy(),
        ACL,
        lambda acl: None if acl.direction == "from-lport" and acl.action != "drop" else acl,
    )
    assert stage(ask(facts), "S9") == "broken"


def test_without_port_security_no_group_is_asked_for() -> None:
    facts = edit(healthy(), PortGroup, lambda _: None)
    cloud = Cloud(facts)
    assert not dropped(cloud, cloud.ports[vm(facts)])
    assert ask(change_port(facts, port_security=())).verdict.state is State.HEALTHY


def test_rules_are_known_in_a_complete_table() -> None:
    cloud = Cloud(healthy())
    assert rules_known(cloud, cloud.ports[vm(healthy())])


def heard(**macs: tuple[str, ...]) -> tuple[str, ...]:
    tap = "tap" + vm(healthy())[:11]
    facts = on_host(healthy(), "compute1", guests=(), heard={tap: macs["tap"]})
    cloud = Cloud(facts)
    return guest_macs(cloud, trail_of(cloud, cloud.ports[vm(facts)], "vm1"))


def test_the_guest_is_asked_before_its_tap_is_listened_to() -> None:
    assert heard(tap=("fa:16:3e:00:00:01",)) == ("fa:16:3e:00:00:01",)
    guest = Guest(port_id=vm(healthy()), mac="FA:16:3E:BE:86:EA")
    facts = on_host(healthy(), "compute1", guests=(guest,))
    cloud = Cloud(facts)
    assert guest_macs(cloud, trail_of(cloud, cloud.ports[vm(facts)], "vm1")) == (
        "fa:16:3e:be:86:ea",
    )


def test_a_guest_that_was_not_asked_is_said_to_be_so() -> None:
    facts = on_host(healthy(), "compute1", guests=(), heard={})
    found = next(f for f in ask(facts).stages if f.id == "S9")
    assert found.state is State.OK
    assert "the guest itself was not asked" in found.summary


def test_an_ipv6_only_port_needs_no_dhcpv4() -> None:
    row = LogicalSwitchPort(uuid="p", name="p", addresses=("fa:16:3e:00:00:01 fd00::11",))
    cloud = Cloud(add(neutron_only(healthy()), row))
    found = examine(cloud, trail_of(cloud, cloud.ports["p"], "p"))
    assert not any("dhcpv4" in item.what for item in found.evidence)
