"""OVN in containers: a host that sees no control socket, and what its runtime shows.

The runtimes are small programs of the same command line; what they enter is a real lab node.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from viftrail.facts.host import Host
from viftrail.facts.ways.carrier import visit
from viftrail.lab.source import Node
from viftrail.lab.status import MachineRef

from .harness import told, viftrail
from .site import Site
from .sshd import ODD, RUN_SSHD, SSHD, Ssh

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-containers")]

NODE = "compute1"
COMPUTE = ("ovn_controller", "openvswitch_vswitchd", "openvswitch_db")
CENTRAL = ("ovn_nb_db", "ovn_sb_db", "ovn_northd")


@dataclass(frozen=True)
class Outside:
    """The host as its containers leave it: their network, and neither their folders nor settings."""

    net: str
    path: str

    def command(self, program: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={self.net}", "--", "env", "-i", f"PATH={self.path}", *program]


def machine(site: Site, name: str = NODE) -> MachineRef:
    return next(each for each in site.lab.machines() if each.name == name)


def runtime(
    folder: Path, name: str, site: Site, where: str = NODE, names: Sequence[str] = COMPUTE
) -> Outside:
    """A runtime of that name, whose containers are all of one of the lab's nodes."""
    node = machine(site, where)
    settings = shlex.join(f"{key}={value}" for key, value in node.environment.items())
    enter = f"nsenter --net={node.net} --mount={node.mnt} --uts={node.uts} -- env -i {settings}"
    keys = {f"{number:064x}": each for number, each in enumerate(names)}
    if name == "crictl":
        rows = (f'{{"id":"{key}","metadata":{{"name":"{each}"}}}}' for key, each in keys.items())
        listing, user, known = f'{{"containers":[{",".join(rows)}]}}', "", "|".join(keys)
    else:
        listing = "\n".join(f"{key} {each} kolla/{each}:2026.1" for key, each in keys.items())
        user, known = '[ "$3 $4" = "-u 0" ] || exit 2; shift 2', "|".join(names)
    program = folder / name
    program.write_text(
        f"#!/bin/sh\n"
        f'if [ "$1" = ps ]; then echo {shlex.quote(listing)}; exit; fi\n'
        f'[ "$1 $2" = "exec -i" ] || exit 2\n'
        f"{user}\n"
        f'case "$3" in {known}) ;; *) exit 2;; esac\n'
        f'shift 3; exec {enter} "$@"\n'
    )
    program.chmod(0o755)
    return Outside(node.net, f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin")


def blind(site: Site) -> Host:
    """What the host alone sees."""
    return visit(NODE, Outside(machine(site).net, "/usr/sbin:/usr/bin:/sbin:/bin"), 0.0)


def test_alone_the_host_sees_that_they_run_and_no_more(site: Site) -> None:
    host = blind(site)
    assert host.processes["ovn-controller"].runs
    assert not host.unixctl["ovn-controller"]
    assert not host.vswitch


@pytest.mark.parametrize("name", ["docker", "podman", "crictl"])
def test_its_containers_make_it_whole(name: str, site: Site, tmp_path: Path) -> None:
    host = visit(NODE, runtime(tmp_path, name, site), 0.3)
    assert {each.name for each in host.places.containers} == set(COMPUTE)
    assert host.unixctl["ovn-controller"]["connection-status"] == "connected"
    assert host.unixctl["ovs-vswitchd"]["version"]
    assert host.chassis_name == visit(NODE, Node(machine(site)), 0.0).chassis_name
    assert host.flows is not None
    assert host.counters.seconds > 0
    assert host.processes["ovn-controller"].runs
    assert not host.failures("ovs-appctl")
    assert not host.failures("Open_vSwitch")


def test_databases_and_northd_in_containers(site: Site, tmp_path: Path) -> None:
    outside = runtime(tmp_path, "docker", site, "controller", CENTRAL)
    host = visit("controller", outside, 0.0)
    assert host.central
    assert {name: server.model for name, server in host.servers.items()} == {
        "OVN_Northbound": "standalone",
        "OVN_Southbound": "standalone",
    }
    assert "active" in host.unixctl["ovn-northd"]["status"]
    assert host.processes["ovnnb_db"].runs
    assert not host.failures("OVN_")


def test_a_container_without_python_is_said(site: Site, tmp_path: Path) -> None:
    outside = runtime(tmp_path, "docker", site)
    script = (tmp_path / "docker").read_text()
    broken = script.replace("shift 3; exec", "echo 'exec: python3: not found' >&2; exit 127 #")
    (tmp_path / "docker").write_text(broken)
    host = visit(NODE, outside, 0.0)
    (failure,) = host.failures("container ovn_controller")
    assert "python3" in failure.why


def test_the_doctor_tells_of_containers(site: Site, tmp_path: Path) -> None:
    outside = runtime(tmp_path, "docker", site)
    prefix = ("nsenter", f"--net={outside.net}", "--")
    where = ("--nb", site.nb, "--sb", site.sb)
    done = viftrail("doctor", *where, prefix=prefix, PATH=outside.path)
    assert done.code == 0, done
    assert "ovn_controller (docker)" in done.out
    assert "Ready: viftrail why" in done.out


@pytest.mark.skipif(not SSHD or not shutil.which("ssh"), reason="openssh is not installed")
@pytest.mark.parametrize("way", ["ssh", "ansible"])
def test_through_the_host_into_its_containers(way: str, site: Site, tmp_path: Path) -> None:
    """The whole way: `why` from the controller, a real sshd, a host that sees nothing by itself."""
    outside = runtime(tmp_path, "podman", site)
    RUN_SSHD.mkdir(exist_ok=True)
    ssh = Ssh(site, tmp_path)
    blinded = f'env -i PATH={outside.path} sh -c "$SSH_ORIGINAL_COMMAND"'
    port = next(iter(ODD))
    inventory = tmp_path / "inventory"
    inventory.write_text(
        f"{NODE} ansible_port={port} ansible_user=root "
        f"ansible_ssh_private_key_file={tmp_path}/user ansible_ssh_common_args="
        f"'-o UserKnownHostsFile={tmp_path}/known -o StrictHostKeyChecking=no'\n"
    )
    ways = {"ssh": ssh.port(port), "ansible": ("--inventory", str(inventory))}
    with ssh.server(NODE, port, f"ForceCommand {blinded}\n"):
        options = (*ways[way], "--central", "controller")
        site.lab.ask("break", fault="vif-tap-down", vm="vm1")
        try:
            broken = site.why_live(*options)
        finally:
            site.lab.ask("mend")
        assert told(broken, 1, within=30.0)["cause"] == "vif-tap-down"
        assert not [gap for gap in broken.gaps if NODE in gap["place"]], broken.gaps
        assert broken.stages["S7"] == "ok"
        if way == "ansible":
            return  # the rest is the same, and Ansible takes its time
        doctor = viftrail(
            *("doctor", "--nb", site.nb, "--sb", site.sb, *ways[way], "--host", NODE),
            prefix=site.inside("controller"),
        )
        assert doctor.code == 0, doctor
        assert f"{NODE}       ok as root: ovn-controller " in doctor.out
