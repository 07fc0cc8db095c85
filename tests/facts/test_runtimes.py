"""Container runtimes: what they print, and which containers matter."""

from __future__ import annotations

import pytest

from viftrail.facts import runtimes

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "groups",
    [
        f"0::/system.slice/docker-{ID}.scope\n",
        f"12:pids:/docker/{ID}\n0::/\n",
        f"0::/machine.slice/libpod-{ID}.scope/container\n",
        f"0::/kubepods.slice/kubepods-besteffort.slice/pod-1/crio-{ID}.scope\n",
        f"0::/kubepods/besteffort/pod1f/{ID}\n",
    ],
)
def test_a_process_tells_its_container(groups: str) -> None:
    assert runtimes.container_id(groups) == ID
    assert runtimes.container_id("0::/user.slice\n") == ""


@pytest.mark.parametrize(
    ("container", "daemons"),
    [
        ("ovn_controller", ["ovn-controller"]),
        ("openvswitch_vswitchd", ["ovs-vswitchd"]),
        ("openvswitch_db", ["ovsdb-server"]),
        ("ovn_nb_db", ["ovnnb_db"]),
        ("ovn_cluster_south_db_server", ["ovnsb_db"]),
        ("ovn-dbs-bundle-podman-0", ["ovnnb_db", "ovnsb_db", "ovn-northd"]),
        ("nbdb", ["ovnnb_db"]),
        ("ovn_northd", ["ovn-northd"]),
        ("nova_compute", []),
        ("mariadb", []),
        ("neutron_ovn_metadata_agent", []),
    ],
)
def test_containers_are_known_by_their_deployers_names(container: str, daemons: list[str]) -> None:
    assert runtimes.daemons_by_name(container) == daemons


def test_what_the_runtimes_print() -> None:
    text = f"{ID} ovn_controller,x/alias quay.io/x/ovn:1\nWARNING: odd\n"
    assert runtimes.listed("/usr/bin/docker", text) == [[ID, "ovn_controller", "quay.io/x/ovn:1"]]
    json = '{"containers":[{"id":"a","metadata":{"name":"nbdb"},"image":{"image":"i"}}]}'
    assert runtimes.listed("/usr/bin/crictl", json) == [["a", "nbdb", "i"]]
    assert runtimes.listed("/usr/bin/crictl", "{}") == []
