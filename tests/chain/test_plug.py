"""Whether it is one plug that is wrong, or the whole bridge."""

from __future__ import annotations

from tests.recordings import HOSTS, facts_of
from viftrail.chain.cloud import Cloud
from viftrail.chain.plug import diverted, emptied, usual_datapath, wrong_datapath

ANEW = Cloud(facts_of("br-int-recreated"))


def test_a_healthy_host_has_nothing_of_the_kind() -> None:
    cloud = Cloud(facts_of("healthy"))
    for name in HOSTS:
        assert diverted(cloud.hosts[name]) == ""
        assert emptied(cloud, name) == ()
        assert not wrong_datapath(cloud, name)


def test_the_other_bridges_tell_the_datapath_type() -> None:
    assert usual_datapath(ANEW, "compute1") == "netdev"
    assert wrong_datapath(ANEW, "compute1")
    assert not wrong_datapath(ANEW, "compute2")


def test_all_vms_of_the_host_are_left_out_of_a_new_bridge() -> None:
    assert {port.label for port in emptied(ANEW, "compute1")} == {"vm1", "vm2"}
    assert diverted(ANEW.hosts["compute1"]) == ""


def test_the_ports_are_in_the_bridge_that_is_not_filled() -> None:
    cloud = Cloud(facts_of("controller-wrong-bridge"))
    assert diverted(cloud.hosts["compute1"]) == "br-int"
    assert emptied(cloud, "compute1") == ()


def test_one_stray_device_empties_no_bridge() -> None:
    assert emptied(Cloud(facts_of("vif-not-in-br-int")), "compute1") == ()
