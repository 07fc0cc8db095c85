"""Every recorded fault against the healthy lab: what was broken is named in the first lines.

Half of the recordings are of another lab than the healthy one, as of a cloud that was built
again in between: other ids, other MACs, at times another shape.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from click import unstyle

from tests.recordings import FAULTS, HARMFUL, HEALTHY, facts_of, port_of, recorded, source_of
from viftrail.difference.ask import difference
from viftrail.difference.change import Difference
from viftrail.errors import UnknownTarget, Unreachable
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.stored import StoredSource
from viftrail.report.difference import as_text

NAMES = ("healthy", "broken")
FIRST = 3
"""Lines of changes in which it has to be."""

NAMED = {
    "br-int-recreated": "bridge br-int",
    "chassis-missing-graceful-stop": "chassis compute1: is gone",
    "chassis-private-ghost": "a-host-of-yesterday: is new",
    "chassis-stale-same-encap": "system-id",
    "chassis-stale-same-hostname": "chassis compute1: is new",
    "conntrack-full": "tracked connections",
    "controller-crashed": "ovn-controller: state runs → gone",
    "controller-flow-lag": "debug/status running → paused",
    "controller-hung": "ovn-controller: state runs → stopped",
    "controller-no-openflow": "br-int: protocols",
    "controller-not-configured": "ovn-encap-ip",
    "controller-sb-unreachable": "ovn-remote",
    "controller-ssl": "TLS ca_cert",
    "controller-wrong-bridge": "ovn-bridge br-int → br-other",
    "dhcp-options-foreign": "DHCP options 10.0.0.0/24 → 192.168.77.0/24",
    "dhcp-options-incomplete": "server_mac",
    "dhcp-options-missing": "DHCP options 10.0.0.0/24 → none",
    "dhcpv6-options-incomplete": "server_id",
    "dhcpv6-options-missing": "DHCPv6 options",
    "encap-duplicate-ip": "ovn-encap-ip",
    "fip-distributed-no-mapping": "floating IPs",
    "fip-external-ip-conflict": "+ 203.0.113.101",
    "fip-external-mac-missing": "floating IPs",
    "fip-logical-port-wrong": "yesterday",
    "fip-nat-row-missing": "floating IPs - 203.0.113.101",
    "fip-on-wrong-fixed-ip": "10.0.0.250",
    "fip-wrong-router": "floating IPs - 203.0.113.101",
    "flows-wiped": "→ 0 flows",
    "guest-dhcp-silent": "guest behind",
    "infra-controller-disk-full": "full",
    "infra-network-node-disk-full": "full",
    "ipv6-ra-missing": "ipv6_ra_configs",
    "metadata-not-provisioned": "tap5d50557d-50: is gone",
    "metadata-port-without-ip": "addresses",
    "nb-addresses-drift": "addresses - fa:16:3e:be:86:ea 10.0.0.11",
    "nb-lsp-missing": "is gone",
    "nb-orphan-lsp": "0a1d0a1d",
    "nb-orphan-nat": "203.0.113.222",
    "nb-revision-mismatch": "revision",
    "nb-server-down": "ovnnb_db: state runs → gone",
    "nb-unreachable-from-neutron": "ports",
    "northd-bad-config-skipped": "router-of-somebody",
    "northd-no-active": "ovn-northd: state runs → stopped",
    "northd-not-running": "ovn-northd: is gone",
    "northd-paused": "Status: paused",
    "northd-wrong-endpoints": "ovn-northd: command",
    "pb-migration-leftover": "requested-chassis compute1 → compute1,compute2",
    "pb-pingpong": "requested-chassis compute1 → none",
    "pb-requested-chassis-mismatch": "requested-chassis compute1 → compute2",
    "pb-wrong-type": "type none → localport",
    "port-admin-down": "enabled yes → no",
    "portsec-ip-not-allowed": "10.0.0.200",
    "portsec-mac-mismatch": "MAC fa:16:3e:be:86:ea → 52:54:00:be:86:ea",
    "prov-localnet-wrong": "physnet7",
    "prov-mapping-bridge-missing": "physnet1:br-provider",
    "prov-mapping-missing": "ovn-bridge-mappings physnet1:br-ex → none",
    "prov-mapping-syntax": "physnet1=br-ex",
    "prov-nic-down": "eth2: state up → down",
    "prov-nic-not-in-bridge": "eth2: is gone",
    "prov-vlan-mismatch": "tag none → 123",
    "raft-member-apart": "controller3",
    "router-disabled": "enabled yes → no",
    "router-gateway-bfd-flap": "goes up and down",
    "router-gateway-chassis-gone": "a-host-of-yesterday",
    "router-gw-nic-down-no-failover": "state up → down",
    "router-interface-missing": "is gone",
    "router-mode-conflict": "options:chassis none",
    "router-nexthop-dead": "10.0.0.254",
    "router-no-default-route": "routes - 0.0.0.0/0",
    "router-no-gateway-chassis": "gateway chassis - network1",
    "router-peer-mismatch": "lrp-of-yesterday",
    "router-route-wrong": "198.51.100.254",
    "sb-listener-gone": "ports",
    "sb-raft-no-quorum": "connected yes → no",
    "sb-server-down": "ovnsb_db: state runs → gone",
    "sb-stale-or-single-endpoint": "ovn-remote",
    "sg-egress-missing": "security groups -",
    "sg-egress-version-missing": "rules",
    "sg-ingress-missing": "rules - to-lport",
    "sg-portgroup-drift": "security groups pg_",
    "sg-remote-group-empty": "rules",
    "snat-disabled": "source NAT -",
    "snat-wrong-address": "198.51.100.77",
    "subnet-without-gateway": "router 10.0.0.1 → none",
    "tunnel-encap-type-mismatch": "ovn-encap-type geneve → vxlan",
    "tunnel-mtu": "MTU 1500 → 1400",
    "tunnel-not-made": "leftover0",
    "tunnel-transport-zone": "ovn-transport-zones none → edge",
    "tunnel-udp-blocked": "udp 6081 dropped",
    "tunnel-wrong-encap-ip": "ovn-encap-ip",
    "underlay-address-lost": "addresses - 198.51.100.21",
    "underlay-nic-down": "eth1: state up → down",
    "vif-duplicate-iface-id": "tapstale0: is new",
    "vif-guest-link-or-mac": "carrier yes → no",
    "vif-hybrid-leg-broken": "is new",
    "vif-iface-id-missing": "iface-id",
    "vif-iface-id-wrong": "iface-id",
    "vif-netdev-missing": "link_state up → down",
    "vif-not-in-br-int": "is gone",
    "vif-orphan": "is new",
    "vif-plug-missing": "is gone",
    "vif-tap-down": "state up → down",
    "vswitchd-dead": "ovs-vswitchd: state runs → gone",
}
"""What was provoked, as a person would point at it; by fault."""

FLOOR = 0.89
"""Of them, as measured: 2026-11-21."""


@cache
def found(name: str) -> Difference:
    harmful = any(fault.id == name for fault in HARMFUL)
    return difference(source_of(HEALTHY), source_of(name), NAMES, "vm1" if harmful else "")


def first_lines(name: str) -> str:
    lines = unstyle(as_text(found(name))).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("Changed from A to B"))
    told: list[str] = []
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            break
        if line.startswith("  S"):
            told.append(line)
        elif told:
            told[-1] += f" {line.strip()}"
    return "\n".join(told[:FIRST])


def test_every_recording_is_counted() -> None:
    assert NAMED.keys() == {fault.id for fault in FAULTS}


def test_what_was_broken_is_named_in_the_first_lines_of_most() -> None:
    missed = [name for name, words in NAMED.items() if words not in first_lines(name)]
    assert len(missed) <= len(NAMED) * (1 - FLOOR), missed


def test_nothing_differs_between_a_recording_and_itself() -> None:
    for target in ("vm1", ""):
        same = difference(source_of(HEALTHY), source_of(HEALTHY), NAMES, target)
        assert same.nothing
        assert same.changes == ()
        assert same.compared > 100


def test_both_verdicts_are_told() -> None:
    seen = found("vif-tap-down")
    assert (seen.before.state, seen.after.state) == ("healthy", "broken")
    assert (seen.after.stage, seen.after.cause) == ("S8", "vif-tap-down")


def test_the_first_broken_stage_comes_first_and_then_the_chain() -> None:
    changes = [
        c for c in found("vif-not-in-br-int").changes if c.trait not in ("started", "booted")
    ]
    assert changes[0].stage == "S8"
    rest = [int(change.stage[1:]) for change in changes if change.stage != "S8"]
    assert rest == sorted(rest)


def test_the_other_way_round_it_is_the_mend() -> None:
    back = difference(source_of("vif-tap-down"), source_of(HEALTHY), NAMES, "vm1")
    assert (back.before.state, back.after.state) == ("broken", "healthy")
    first = back.changes[0]
    assert (first.what, first.before, first.after) == ("device tapb869579b-cd", ("down",), ("up",))


def test_a_vm_that_was_made_anew_is_the_same_vm() -> None:
    """Another port id, MAC and tap; what else changed is told as if they were the old ones."""
    assert port_of(facts_of(HEALTHY), "vm1") != port_of(facts_of("pb-wrong-type"), "vm1")
    changes = found("pb-wrong-type").changes
    anew = [change.before for change in changes if change.kind == "port" and change.trait == "id"]
    assert (port_of(facts_of(HEALTHY), "vm1"),) in anew
    assert not [c for c in changes if c.kind in ("port", "device") and c.presence]


def test_neighbours_of_the_target_are_left_out() -> None:
    mine = {change.id for change in found("vif-tap-down").changes if change.kind == "device"}
    assert mine == {"tapb869579b-cd"}


def test_a_target_that_only_one_side_knows() -> None:
    port = port_of(facts_of("pb-wrong-type"), "vm1")
    seen = difference(source_of(HEALTHY), source_of("pb-wrong-type"), NAMES, port)
    assert (seen.before.state, seen.after.state) == ("absent", "broken")
    assert not seen.nothing
    with pytest.raises(UnknownTarget):
        difference(source_of(HEALTHY), source_of(HEALTHY), NAMES, "nobody")


def test_a_host_that_one_side_did_not_look_at_is_no_change() -> None:
    facts, time = recorded(HEALTHY)
    hosts = {name: host for name, host in facts.hosts.items() if name != "compute1"}
    seen = difference(
        StoredSource(facts, time), StoredSource(replace(facts, hosts=hosts), time), NAMES
    )
    assert not [change for change in seen.changes if change.host == "compute1"]
    assert any("host compute1" in text for text in seen.unseen)


def test_of_a_whole_cloud_the_findings_are_compared() -> None:
    seen = difference(source_of(HEALTHY), source_of("vif-orphan"), NAMES)
    assert seen.before.findings == ()
    assert [text.partition(":")[0] for text in seen.after.findings] == ["vif-orphan"]


def test_databases_that_a_side_lacks_are_told() -> None:
    facts, time = recorded(HEALTHY)
    bare = StoredSource(
        replace(facts, nb=Database(), gaps=(Gap(NORTHBOUND, "No file.", ""),)), time
    )
    seen = difference(StoredSource(facts, time), bare, NAMES)
    assert seen.unseen == (f"{NORTHBOUND} is not known in broken. No file.",)
    assert not [change for change in seen.changes if change.kind == "port"]
    assert difference(bare, bare, NAMES).unseen == (f"{NORTHBOUND} is not known in either.",)


def test_where_nothing_is_known_nothing_is_alike() -> None:
    empty, whole = StoredSource(Facts(), "2026-11-21T10:00:00+00:00"), source_of(HEALTHY)
    for one, other in ((empty, empty), (empty, whole), (whole, empty)):
        seen = difference(one, other, NAMES)
        assert seen.blind
        assert "Nothing could be compared" in as_text(seen)
    assert not difference(whole, whole, NAMES).blind


def test_an_error_says_which_side_it_is_of() -> None:
    with pytest.raises(Unreachable, match=r"^B \(broken\) cannot be judged: .*not recorded"):
        difference(source_of(HEALTHY), StoredSource(Facts(), "2026"), NAMES, "vm1")
