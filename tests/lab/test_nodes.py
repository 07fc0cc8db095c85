"""Nodes and VMs are what an operator expects of them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from viftrail.lab.client import Lab, labs

from .harness import Cli, wait_for

pytestmark = pytest.mark.lab


def sh(lab: Cli, node: str, script: str) -> str:
    return lab("exec", node, "--", "sh", "-c", script).stdout.strip()


def test_programs_work_unqualified_on_a_chassis(lab: Cli) -> None:
    assert "br-int" in sh(lab, "compute1", "ovs-vsctl show")
    assert sh(lab, "compute1", "ovn-appctl -t ovn-controller connection-status") == "connected"
    assert "ovs_version" not in sh(lab, "compute1", "ovs-appctl -t ovs-vswitchd version")
    assert "cookie" in sh(lab, "compute1", "ovs-ofctl dump-flows br-int")
    assert "neutron-" in sh(lab, "compute1", "ovn-nbctl show")
    assert "compute2" in sh(lab, "compute1", "ovn-sbctl show")


def test_the_controller_has_the_databases(lab: Cli) -> None:
    assert "active" in sh(lab, "controller", "ovn-appctl -t ovn-northd status")
    assert sh(lab, "controller", "echo $OVN_NB_DB").startswith("unix:")
    assert "neutron_pg_drop" in sh(lab, "controller", "ovn-nbctl list Port_Group")


def test_pid_files_name_the_daemons(lab: Cli) -> None:
    for node, daemons in {
        "compute1": ("ovsdb-server", "ovs-vswitchd", "ovn-controller"),
        "controller": ("ovnnb_db", "ovnsb_db", "ovn-northd"),
    }.items():
        for daemon in daemons:
            pid = sh(lab, node, f"cat $OVN_RUNDIR/{daemon}.pid")
            assert Path(f"/proc/{pid}/comm").exists()


def test_a_node_sees_its_own_links_and_name(lab: Cli) -> None:
    assert {"br-int", "br-phy", "br-ex", "eth0"} <= set(
        sh(lab, "compute1", "ls /sys/class/net").split()
    )
    assert sh(lab, "compute1", "hostname") == "compute1"
    assert "192.0.2.10 controller" in sh(lab, "compute1", "cat /etc/hosts")
    assert sh(lab, "vm1", "hostname; ls /sys/class/net").split() == ["vm1", "eth0", "lo"]


def test_exec_hands_on_exit_code_and_standard_input(lab: Cli) -> None:
    assert lab("exec", "vm1", "--", "sh", "-c", "exit 7", check=False).returncode == 7
    found = Lab.find(lab.name)
    assert found.run("vm1", ["cat"], stdin=b"as it came").stdout == b"as it came"
    assert lab("exec", "nobody", "--", "true", check=False).returncode == 64
    assert lab("exec", "vm1", "--", "no-such-command", check=False).returncode == 64


def test_the_api_finds_labs_and_machines(lab: Cli) -> None:
    assert lab.name in labs()
    found = Lab.find(lab.name)
    assert found.status().vms[0].lease == "10.0.0.11"
    assert found.node("compute1").environment["OVS_RUNDIR"] == found.node("compute1").run_dir


def test_the_lab_can_be_used_from_inside(lab: Cli) -> None:
    inside = sh(lab, "controller", "viftrail lab reboot vm2 --name $VIFTRAIL_LAB")
    assert "vm2 runs on compute1" in inside


def test_the_metadata_port_answers_tcp(lab: Cli) -> None:
    code = "import urllib.request as r; print(r.urlopen('http://169.254.169.254/').read())"
    answer = Lab.find(lab.name).run("vm1", [sys.executable, "-c", code], timeout=10)
    assert b"ovnmeta-" in answer.stdout


@pytest.mark.parametrize(
    ("node", "unit"),
    [
        ("controller", "ovn-northd"),
        ("controller", "ovn-central"),
        ("controller", "ovn-ovsdb-server-sb"),
        ("compute1", "ovn-controller"),
        ("compute1", "ovn-host.service"),
        ("compute1", "ovs-vswitchd"),
        ("compute1", "openvswitch-switch"),
        ("compute1", "nova-compute"),
    ],
)
def test_restarting_a_unit_heals(lab: Cli, node: str, unit: str) -> None:
    sh(lab, node, f"systemctl restart {unit}")
    assert sh(lab, node, f"systemctl is-active {unit}") == "active"
    assert wait_for(lambda: lab.failing() == set(), 20.0), lab.failing()


def test_stop_is_graceful_and_start_after_a_crash_works(lab: Cli) -> None:
    sh(lab, "compute2", "systemctl stop ovn-controller")
    assert "compute2" not in sh(lab, "controller", "ovn-sbctl show")
    status = lab("exec", "compute2", "--", "systemctl", "is-active", "ovn-controller", check=False)
    assert (status.returncode, status.stdout.strip()) == (3, "inactive")
    sh(lab, "compute2", "systemctl start ovn-controller; systemctl start ovn-controller")
    pid = int(sh(lab, "compute2", "cat $OVN_RUNDIR/ovn-controller.pid"))
    os.kill(pid, signal.SIGKILL)
    sh(lab, "compute2", "systemctl start ovn-controller")
    assert wait_for(lambda: lab.failing() == set(), 10.0), lab.failing()


def test_an_unknown_unit_is_refused(lab: Cli) -> None:
    done = lab("exec", "compute1", "--", "systemctl", "restart", "sshd", check=False)
    assert done.returncode == 5
    assert "could not be found" in done.stderr


def test_nova_compute_plugs_again_what_is_missing(lab: Cli) -> None:
    tap = lab.vm("vm1")["tap"]
    sh(lab, "compute1", f"ovs-vsctl del-port br-int {tap}")
    sh(lab, "compute1", "systemctl restart nova-compute")
    assert wait_for(lambda: lab.failing("--vm", "vm1") == set())


def test_a_vm_boots_reboots_and_goes(lab: Cli) -> None:
    said = lab("boot", "vm7", "--host", "compute2", "--floating-ip").stdout
    assert said == "vm7 runs on compute2 with 10.0.0.17.\n"
    assert lab("boot", "vm7").stdout == "vm7 runs on compute2 already.\n"
    assert lab("boot", "vm7", "--host", "compute1", check=False).returncode == 64
    assert lab.failing() == set()
    before = lab.vm("vm7")
    assert before["floating_ip"] == "203.0.113.107"
    sh(lab, "compute2", f"ip link delete {before['tap']}")
    assert lab.vm("vm7")["lease"] is None
    lab("reboot", "vm7")
    assert lab.vm("vm7") == before
    assert lab.failing() == set()
    lab("delete", "vm7")
    assert before["port_id"] not in sh(lab, "controller", "ovn-nbctl show")
    assert before["tap"] not in sh(lab, "compute2", "ovs-vsctl show; ip link")
    lab("boot", "vm7", "--host", "compute2")
    after = lab.vm("vm7")
    assert after["ip"] == before["ip"]
    assert after["port_id"] != before["port_id"]
    lab("delete", "vm7")


def test_no_zombies_gather(lab: Cli) -> None:
    lab("reboot", "vm1")
    keeper = lab.status()["keeper"]
    janitor = stat(keeper)[1]

    def zombies() -> list[Path]:
        family = (keeper, int(janitor))
        return [
            process
            for process in Path("/proc").glob("[0-9]*")
            if (fields := stat(process.name)) and fields[0] == "Z" and int(fields[1]) in family
        ]

    assert wait_for(lambda: not zombies()), zombies()


def stat(pid: int | str) -> list[str]:
    """State, parent and so on of a process; nothing if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def test_a_hybrid_plug_works(lab: Cli) -> None:
    lab("boot", "vm8", "--hybrid")
    vm = lab.vm("vm8")
    links = sh(lab, vm["host"], "ip -br link; ovs-vsctl list-ports br-int")
    for prefix in ("tap", "qbr", "qvb", "qvo"):
        assert prefix + vm["port_id"][:11] in links
    assert vm["ovs_port"] == "qvo" + vm["port_id"][:11]
    assert lab.failing() == set()
    lab("delete", "vm8")
    assert vm["port_id"][:11] not in sh(lab, vm["host"], "ip -br link; ovs-vsctl show")


def test_without_northd_a_vm_boots_without_a_lease(lab: Cli) -> None:
    sh(lab, "controller", "systemctl stop ovn-northd")
    said = lab("boot", "vm9").stdout
    assert "no lease yet" in said
    sh(lab, "controller", "systemctl start ovn-northd")
    assert wait_for(lambda: lab.vm("vm9")["lease"] == "10.0.0.19", 10.0)
    lab("delete", "vm9")


def test_a_boot_that_fails_leaves_no_vm(lab: Cli) -> None:
    sh(lab, "controller", "systemctl stop ovn-ovsdb-server-nb")
    assert lab("boot", "vm9", check=False).returncode == 75
    sh(lab, "controller", "systemctl start ovn-ovsdb-server-nb")
    assert [vm["name"] for vm in lab.status()["vms"]] == ["vm1", "vm2", "vm3"]
    assert wait_for(lambda: lab.failing() == set(), 10.0)
