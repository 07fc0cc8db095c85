"""Hosts as things: what differs on its own from minute to minute is no change."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import healthy
from viftrail.difference import hosts
from viftrail.difference.compare import compare
from viftrail.difference.picture import Picture
from viftrail.facts.facts import NOT_ASKED, Facts
from viftrail.facts.host import ConnTrack, Disk, Failure, FirewallRule, Flows, Host


def drawn(facts: Facts) -> Picture:
    picture = Picture()
    hosts.draw(picture, facts, {})
    return picture


def changed(**values: object) -> list[tuple[str, str, str]]:
    """What is told of compute1 with these parts of it changed."""
    host = msgspec.structs.replace(healthy().hosts["compute1"], **values)
    facts = replace(healthy(), hosts={**healthy().hosts, "compute1": host})
    return [(c.stage, c.kind, c.trait) for c in compare(drawn(healthy()), drawn(facts))]


def own() -> Host:
    return healthy().hosts["compute1"]


def test_time_and_counters_pass() -> None:
    host = own()
    assert changed(time=host.time + 5, uptime=host.uptime + 5, counters=type(host.counters)()) == []


def test_a_few_flows_more_are_no_change_and_none_at_all_are() -> None:
    flows = own().flows
    assert flows is not None
    assert changed(flows=Flows(flows.bridge, flows.count + 5, flows.ports)) == []
    assert ("S7", "flows", "flows") in changed(flows=Flows(flows.bridge, 0, ()))


def test_disks_and_conntrack_in_words() -> None:
    disks = (*own().disks, Disk("/var/lib/ovn", 1000, 1))
    assert ("S0", "host", "disk /var/lib/ovn") in changed(disks=disks)
    assert changed(conntrack=ConnTrack(1, 1000)) == []


def test_a_reboot_is_told() -> None:
    assert ("S0", "host", "booted") in changed(uptime=1000.0)


def test_a_daemon_that_is_restarted_and_one_that_is_dead() -> None:
    process = own().processes["ovn-controller"]
    later = msgspec.structs.replace(process, started=process.started + 100, pid=1)
    assert ("S7", "daemon", "started") in changed(
        processes={**own().processes, "ovn-controller": later}
    )
    dead = msgspec.structs.replace(process, state="")
    assert ("S7", "daemon", "state") in changed(
        processes={**own().processes, "ovn-controller": dead}
    )


def test_a_device_that_is_gone() -> None:
    left = tuple(link for link in own().links if not link.ifname.startswith("tap"))
    assert ("S8", "device", "") in changed(links=left)


def test_what_a_report_does_not_answer_is_no_change() -> None:
    """As of a sosreport, which has no ruleset: a rule that was there need not be gone."""
    rule = FirewallRule(
        family="inet", table="filter", chain="input", handle=1, udp_port=6081, drops=True
    )
    before = msgspec.structs.replace(own(), firewall=(rule,))
    silent = msgspec.structs.replace(own(), errors=(Failure("nft -j list ruleset", NOT_ASKED),))
    one, other = (drawn(replace(healthy(), hosts={"compute1": host})) for host in (before, silent))
    assert list(compare(one, other)) == []


def test_when_a_daemon_was_started_a_report_does_not_know() -> None:
    later, uptime = own().time + 500, own().uptime + 500
    processes = {
        name: msgspec.structs.replace(each, started=0.0) for name, each in own().processes.items()
    }
    assert changed(time=later, uptime=uptime, processes=processes) == []
    assert changed(time=later, uptime=0.0) == []
