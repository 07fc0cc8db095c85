"""br-int made anew, filled elsewhere, or mute; and what one plug alone looks like."""

from __future__ import annotations

from tests.cloud import accused, ask, conf, healthy, settings
from tests.recordings import facts_of

ANEW = facts_of("br-int-recreated")
DIVERTED = facts_of("controller-wrong-bridge")


def protocols(*names: str) -> list[object]:
    return ["set", list(names)]


def test_versions_without_ovn_controllers_are_a_fault_and_all_versions_are_none() -> None:
    for names, found in (
        (("OpenFlow10", "OpenFlow13"), {"controller-no-openflow"}),
        (("OpenFlow10", "OpenFlow15"), set()),
        ((), set()),
    ):
        facts = conf(
            healthy(), "compute1", "Bridge", {"name": "br-int"}, protocols=protocols(*names)
        )
        assert accused(ask(facts)) == found


def test_the_undo_names_the_versions_that_were_set() -> None:
    (step,) = ask(facts_of("controller-no-openflow")).remedy.steps
    assert step.undo.endswith("protocols=OpenFlow10,OpenFlow13")


def test_one_device_out_of_the_bridge_is_not_a_new_bridge() -> None:
    assert accused(ask(facts_of("vif-not-in-br-int"))) == {"vif-not-in-br-int"}


def test_the_datapath_type_is_put_right_before_the_plugs() -> None:
    first, second, third = ask(ANEW).remedy.steps
    assert "datapath_type=netdev" in first.command
    assert first.undo.endswith("external_ids ovn-bridge-datapath-type")
    assert second.command == "systemctl restart nova-compute"
    assert third.command == "systemctl restart neutron-ovn-metadata-agent"


def test_where_the_type_is_right_only_the_plugs_are_missing() -> None:
    facts = settings(ANEW, "compute1", ovn_bridge_datapath_type="system")
    step, _ = ask(facts).remedy.steps
    assert step.command == "systemctl restart nova-compute"


def test_the_bridge_with_the_ports_is_the_right_one() -> None:
    (step,) = ask(DIVERTED).remedy.steps
    assert "ovn-bridge=br-int" in step.command
    assert "del-br br-other" in step.command, "its tunnel ports are in the way of the right ones"
