"""tunnel-not-made, tunnel-transport-zone: refused or forbidden, and needed."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, conf, edit, healthy, on_host, settings, stage, without
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitch
from viftrail.facts.southbound import Chassis, Encap
from viftrail.facts.vswitch import Interface
from viftrail.verdict import Cause, Certainty, Risk, State

REFUSED = facts_of("tunnel-not-made")
APART = facts_of("tunnel-transport-zone")


def causes(facts: Facts, fault: str) -> list[Cause]:
    return [cause for cause in audit(facts).causes if cause.id == fault]


def tunnel_to(facts: Facts, there: str, here: str = "compute1") -> Interface:
    chassis = facts.sb[Chassis].one("hostname", there)
    assert chassis is not None
    return facts.hosts[here].tunnels[chassis.name][0]


def no_tunnel(facts: Facts, there: str, here: str = "compute1") -> Facts:
    """ovn-controller on ``here`` has made no port towards ``there``."""
    gone = tunnel_to(facts, there, here).name
    vswitch = facts.hosts[here].vswitch
    return on_host(
        facts,
        here,
        vswitch={
            **vswitch,
            "Port": [row for row in vswitch["Port"] if row["name"] != gone],
            "Interface": [row for row in vswitch["Interface"] if row["name"] != gone],
        },
    )


# tunnel-not-made


def test_the_port_that_was_first_is_named_and_can_be_had_back() -> None:
    (cause,) = causes(REFUSED, "tunnel-not-made")
    assert cause.subject == "tunnel compute1 and network1"
    assert cause.confidence is Certainty.PROVEN
    assert any("File exists" in item.seen for item in cause.evidence)
    assert any("leftover0 in br-ex" in item.what for item in cause.evidence)
    first, second = cause.remedy.steps
    assert first.command == "ovs-vsctl --if-exists del-port br-ex leftover0"
    assert first.risk is Risk.DISRUPTIVE
    assert first.undo == (
        "ovs-vsctl --may-exist add-port br-ex leftover0 -- set Interface leftover0 type=geneve "
        "'options:key=\"flow\"' 'options:remote_ip=\"198.51.100.11\"'"
    )
    assert second.command.endswith(tunnel_to(REFUSED, "network1").name)


@pytest.mark.parametrize(
    "options",
    [
        {"key": "flow", "remote_ip": "198.51.100.77"},
        {"key": "7", "remote_ip": "198.51.100.11"},
        {"key": "flow", "remote_ip": "198.51.100.11", "dst_port": "6082"},
        {"key": "flow", "remote_ip": "198.51.100.11", "local_ip": "198.51.100.21"},
    ],
)
def test_a_port_that_can_be_told_apart_is_not_to_blame(options: dict[str, str]) -> None:
    pairs = ["map", [[key, value] for key, value in options.items()]]
    facts = conf(REFUSED, "compute1", "Interface", {"name": "leftover0"}, options=pairs)
    (cause,) = causes(facts, "tunnel-not-made")
    (step,) = cause.remedy.steps
    assert "leftover0" not in step.command


def test_the_key_may_be_given_for_incoming_packets_alone() -> None:
    pairs = ["map", [["in_key", "flow"], ["out_key", "flow"], ["remote_ip", "198.51.100.11"]]]
    facts = conf(REFUSED, "compute1", "Interface", {"name": "leftover0"}, options=pairs)
    (cause,) = causes(facts, "tunnel-not-made")
    assert "leftover0" in cause.remedy.steps[0].command


def test_a_port_that_is_not_there_may_be_on_its_way() -> None:
    facts = no_tunnel(healthy(), "network1")
    (cause,) = causes(facts, "tunnel-not-made")
    assert (cause.confidence, cause.remedy.steps) == (Certainty.LIKELY, ())
    assert "ovn-controller.log" in cause.remedy.note
    assert accused(ask(facts)) == {"tunnel-not-made"}
    assert accused(ask(facts, "vm3")) == set()


def test_both_directions_are_one_case() -> None:
    facts = no_tunnel(no_tunnel(healthy(), "network1"), "compute1", "network1")
    (group,) = audit(facts).groups
    assert group.subjects == ("tunnel compute1 and network1",)
    assert [item.where for item in group.example.evidence] == ["compute1", "network1"]


def change(facts: Facts, hostname: str, **columns: object) -> Facts:
    """A Chassis row with other columns."""
    return edit(
        facts,
        Chassis,
        lambda row: msgspec.structs.replace(row, **columns) if row.hostname == hostname else row,
    )


def test_who_makes_no_tunnel_to_the_peer_lacks_none() -> None:
    facts = no_tunnel(healthy(), "compute2")
    assert causes(facts, "tunnel-not-made")
    compute2 = facts.sb[Chassis].one("hostname", "compute2")
    assert compute2 is not None
    for harmless in (
        # ovn-ic's view of another cloud's gateway
        change(facts, "compute2", other_config={"is-remote": "true"}),
        change(facts, "compute2", transport_zones=("edge",)),
        edit(
            facts,
            Encap,
            lambda row: (
                msgspec.structs.replace(row, type="vxlan") if row.uuid in compute2.encaps else row
            ),
        ),
        edit(facts, Chassis, lambda row: None if row.hostname == "compute2" else row),
        settings(facts, "compute1", ovn_enable_flow_based_tunnels="true"),
    ):
        assert causes(harmless, "tunnel-not-made") == []


@pytest.mark.parametrize(
    ("daemon", "answers"),
    [
        ("ovn-controller", {"connection-status": "not connected", "debug/status": "running"}),
        ("ovn-controller", {"connection-status": "connected", "debug/status": "paused"}),
        ("ovn-controller", {}),
        ("ovs-vswitchd", {}),
    ],
)
def test_a_host_that_does_not_work_is_another_fault(daemon: str, answers: dict[str, str]) -> None:
    facts = no_tunnel(healthy(), "network1")
    known = facts.hosts["compute1"].unixctl
    facts = on_host(facts, "compute1", unixctl={**known, daemon: answers})
    assert causes(facts, "tunnel-not-made") == []


def test_a_single_chassis_has_no_tunnel_and_needs_none() -> None:
    facts = no_tunnel(no_tunnel(healthy(), "network1"), "compute2")
    facts = edit(facts, Chassis, lambda row: row if row.hostname == "compute1" else None)
    assert causes(facts, "tunnel-not-made") == []


# tunnel-transport-zone


def in_zones(facts: Facts, **zones: str) -> Facts:
    """These hosts are in these zones, comma-separated; their controllers made no other tunnel."""
    for hostname, names in zones.items():
        facts = change(facts, hostname, transport_zones=tuple(filter(None, names.split(","))))
    return facts


def zone_causes(**zones: str) -> list[Cause]:
    return causes(in_zones(healthy(), **zones), "tunnel-transport-zone")


def test_the_odd_one_leaves_a_zone_that_it_is_alone_in() -> None:
    (cause,) = causes(APART, "tunnel-transport-zone")
    assert (cause.subject, cause.confidence) == ("host compute1", Certainty.PROVEN)
    (step,) = cause.remedy.steps
    assert step.command == "ovs-vsctl remove Open_vSwitch . external_ids ovn-transport-zones"
    assert step.undo == "ovs-vsctl set Open_vSwitch . external_ids:ovn-transport-zones=edge"
    assert step.risk is Risk.SAFE


def test_its_own_vms_suffer_and_the_others_do_not() -> None:
    (group,) = audit(APART).groups
    assert group.victims == 2
    assert accused(ask(APART, "vm2")) == {"tunnel-transport-zone"}
    assert ask(APART, "vm3").verdict.state is State.HEALTHY


def test_an_odd_gateway_cuts_off_all() -> None:
    facts = in_zones(healthy(), network1="edge")
    facts = no_tunnel(no_tunnel(facts, "network1"), "network1", "compute2")
    (group,) = audit(facts).groups
    assert (group.id, group.subjects) == ("tunnel-transport-zone", ("host network1",))
    assert group.victims == 3
    assert stage(ask(facts, "vm3"), "S10") == "broken"


def test_a_zone_is_added_where_hosts_name_theirs() -> None:
    (cause,) = zone_causes(compute1="edge", compute2="core", network1="core")
    (step,) = cause.remedy.steps
    assert step.where == "compute1"
    assert step.command.endswith("ovn-transport-zones=core,edge")
    (cause,) = zone_causes(compute2="core", network1="core")
    assert cause.remedy.steps[0].command.endswith("ovn-transport-zones=core")
    assert cause.remedy.steps[0].undo.endswith("external_ids ovn-transport-zones")


def test_who_has_company_in_its_zone_is_not_torn_out_of_it() -> None:
    """compute1 and another host are in the default zone, which a named zone would end."""
    more = [Chassis(uuid=f"c{i}", name=f"c{i}", hostname=f"core{i}") for i in range(3)]
    rows = [
        more[0],
        *(msgspec.structs.replace(row, transport_zones=("core",)) for row in more[1:]),
    ]
    facts = in_zones(add(healthy(), *rows), compute2="core", network1="core")
    (cause,) = causes(facts, "tunnel-transport-zone")
    assert (cause.subject, cause.remedy.steps) == ("host compute1", ())
    assert "one zone in common" in cause.remedy.note


def test_of_two_zones_equally_common_the_first_is_the_odd_one() -> None:
    """In whatever order a set yields them."""
    for zones in ({"compute1": "a,z", "network1": "b,c"}, {"network1": "c,b", "compute1": "z,a"}):
        assert {cause.subject for cause in zone_causes(compute2="a,b,c,z", **zones)} == {
            "host compute1"
        }


@pytest.mark.parametrize(
    "zones",
    [
        {"compute1": "edge", "compute2": "edge", "network1": "edge"},
        {"compute1": "a", "compute2": "a,b", "network1": "a"},
        {"compute1": "", "compute2": "", "network1": ""},
    ],
)
def test_who_shares_a_zone_is_not_accused(zones: dict[str, str]) -> None:
    assert zone_causes(**zones) == []


def test_an_edge_site_that_nothing_joins_to_the_core_is_meant_to_be_apart() -> None:
    edge = Chassis(uuid="e", name="e", hostname="edge1", transport_zones=("edge",))
    assert audit(add(healthy(), edge)).causes == ()
    # Two networks, each on hosts of its own zone.
    facts = edit(healthy(), LogicalSwitch, lambda row: msgspec.structs.replace(row, ports=()))
    facts = in_zones(facts, compute1="edge")
    assert causes(facts, "tunnel-transport-zone") == []


def test_a_pair_that_needs_no_tunnel_is_not_broken_for_want_of_one() -> None:
    """vm1 and vm3 are asked about together, and are in no common network."""
    facts = edit(healthy(), LogicalSwitch, lambda row: msgspec.structs.replace(row, ports=()))
    facts = in_zones(facts, compute1="edge")
    for here, there in (("compute1", "compute2"), ("compute2", "compute1")):
        facts = no_tunnel(facts, there, here)
    finding = next(f for f in ask(facts, "vm1:vm3").stages if f.id == "S10")
    assert finding.state is State.OK
    assert "separate transport zones" in finding.summary
    assert stage(ask(no_tunnel(healthy(), "compute2"), "vm1:vm3"), "S10") == "broken"


def test_without_the_rows_nobody_is_accused() -> None:
    assert audit(without(APART, "OVN_Northbound")).causes == ()
    assert "tunnel-transport-zone" not in {
        c.id for c in audit(without(APART, "OVN_Southbound")).causes
    }
