"""vif-duplicate-iface-id, vif-ofport-unassigned and vif-add-to-ofproto-failed."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, conf, healthy, on_host, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts

TWICE = facts_of("vif-duplicate-iface-id")
ERROR = "could not add network device {} to ofproto (Device or resource busy)"


def tap(facts: Facts) -> str:
    return "tap" + vm(facts)[:11]


def interface(facts: Facts, **columns: object) -> Facts:
    """vm1's Interface with these columns, in wire form."""
    return conf(facts, "compute1", "Interface", {"name": tap(facts)}, **columns)


def test_the_one_that_is_not_called_after_the_port_goes() -> None:
    (step,) = ask(TWICE).remedy.steps
    assert step.command == "ovs-vsctl del-port br-int tapstale0"
    assert "add-port br-int tapstale0" in step.undo


def test_where_the_vms_own_was_bound_it_is_no_victim() -> None:
    host = TWICE.hosts["compute1"]
    assert host.flows is not None
    own, stale = (
        next(str(row["ofport"]) for row in host.vswitch["Interface"] if row["name"] == name)
        for name in (tap(TWICE), "tapstale0")
    )
    ports = tuple(flow.replace(f"in_port={stale} ", f"in_port={own} ") for flow in host.flows.ports)
    flows = msgspec.structs.replace(host.flows, ports=ports)
    facts = on_host(TWICE, "compute1", flows=flows)
    (group,) = audit(facts).groups
    assert (group.id, group.victims) == ("vif-duplicate-iface-id", 0)


def test_no_number_in_a_bridge_that_works_is_ovs_vswitchds_doing() -> None:
    verdict = ask(interface(healthy(), ofport=["set", []]))
    assert accused(verdict) == {"vif-ofport-unassigned"}
    assert verdict.causes[0].confidence.value == "likely"


def test_no_number_beside_a_dead_switch_follows_from_that() -> None:
    facts = facts_of("vswitchd-dead")
    assert accused(ask(interface(facts, ofport=["set", []]))) == {"vswitchd-dead"}


def test_a_refused_device_is_taken_out_of_what_holds_it() -> None:
    facts = interface(healthy(), ofport=-1, error=ERROR.format(tap(healthy())))
    links = tuple(
        msgspec.structs.replace(link, master="br0") if link.ifname == tap(facts) else link
        for link in facts.hosts["compute1"].links
    )
    verdict = ask(on_host(facts, "compute1", links=links))
    assert accused(verdict) == {"vif-add-to-ofproto-failed"}
    assert verdict.remedy.steps[0].command.startswith(f"ip link set {tap(facts)} nomaster")
    assert verdict.remedy.steps[0].undo.endswith("master br0")


def test_a_refused_tunnel_port_is_no_vms() -> None:
    assert accused(ask(facts_of("tunnel-not-made"))) == {"tunnel-not-made"}
