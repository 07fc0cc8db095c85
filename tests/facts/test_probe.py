"""The probe: Python 3.6, standard library, no traceback, one JSON document."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from viftrail.facts import probe
from viftrail.facts.host import probe_script, read_probe

SOURCE = probe_script().decode()


def pythons() -> list[str]:
    """Every python3 between 3.6 and this one that is installed here."""
    found = {sys.executable}
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(6, 14):
        found.update(str(path) for path in versions.glob(f"3.{minor}.*/bin/python3"))
    return sorted(found)


OLDEST = [python for python in pythons() if "/3.6." in python]


def test_it_is_python_36() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 6))
    features = {type(node).__name__ for node in ast.walk(tree)}
    assert not features & {"NamedExpr", "Match"}
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any(node.module == "__future__" for node in imported), "annotations came with 3.7"


def test_it_imports_the_standard_library_only() -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").partition(".")[0])
    assert names <= set(sys.stdlib_module_names)


def test_it_opens_nothing_for_writing() -> None:
    for node in ast.walk(ast.parse(SOURCE)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "open"
        ):
            modes = [arg.value for arg in node.args[1:] if isinstance(arg, ast.Constant)]
            assert set(modes) <= {"r", "rb"}, ast.unparse(node)


def look(python: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    empty = {"OVS_RUNDIR": str(folder), "OVN_RUNDIR": str(folder)}
    return subprocess.run(
        [python, "-", *arguments],
        input=probe_script(),
        capture_output=True,
        env={**os.environ, **empty},
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("python", dict.fromkeys([*OLDEST, sys.executable]))
def test_on_a_host_without_ovn_it_says_so(python: str, tmp_path: Path) -> None:
    done = look(python, tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    host = read_probe(done.stdout)
    assert host.processes == {}
    assert not host.vswitch
    assert host.memory.total > 0
    assert host.disks
    assert not any("Open_vSwitch" in error.what for error in host.errors)


@pytest.mark.skipif(not OLDEST, reason="no Python 3.6 is installed here")
@pytest.mark.parametrize("python", OLDEST)
def test_the_oldest_python_sees_the_same_shape(python: str, tmp_path: Path) -> None:
    old, new = (json.loads(look(p, tmp_path).stdout) for p in (python, sys.executable))
    assert old.keys() == new.keys()
    assert old["python"].startswith("3.6.")


def test_a_dead_daemon_left_its_pid_file(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    (tmp_path / "ovn-controller.pid").write_bytes(gone.stdout)
    (tmp_path / "ovs-vswitchd.pid").write_text(f"{os.getpid()}\n")  # given to somebody else
    (tmp_path / "ovn-northd.pid").write_text("no number\n")
    host = read_probe(look(sys.executable, tmp_path).stdout)
    assert host.processes["ovn-controller"].state == ""
    assert not host.processes["ovs-vswitchd"].runs
    assert "ovn-northd" not in host.processes


def test_a_database_that_ran_and_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ovsdb-server.pid").write_text("1\n")
    host = read_probe(look(sys.executable, tmp_path).stdout)
    assert any("Open_vSwitch" in error.what for error in host.errors)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("  port  1: rx pkts=12, bytes=1, drop=0, errs=0, frame=0, over=0, crc=0", 12),
        ("           tx pkts=7, bytes=1, drop=0, errs=0, coll=0", 7),
        ("  port  2: rx pkts=?, bytes=?, drop=?, errs=?, frame=?, over=?, crc=?", 0),
        ("", 0),
    ],
)
def test_packets_of_a_port(line: str, count: int) -> None:
    assert probe.packets(line) == count


def test_counters_of_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ovs-ofctl dump-ports` of Open vSwitch 3.1 prints them."""
    text = (
        "OFPST_PORT reply (xid=0x2): 3 ports\n"
        "  port LOCAL: rx pkts=1, bytes=0, drop=0, errs=0, frame=0, over=0, crc=0\n"
        "           tx pkts=2, bytes=0, drop=0, errs=0, coll=0\n"
        '  port "tap0": rx pkts=3, bytes=0, drop=?, errs=0, frame=0, over=0, crc=0\n'
        "           tx pkts=4, bytes=0, drop=?, errs=0, coll=0\n"
        "  port  5: rx pkts=?, bytes=?, drop=?, errs=?, frame=?, over=?, crc=?\n"
        "           tx pkts=?, bytes=?, drop=?, errs=?, coll=?\n"
    )
    monkeypatch.setattr(probe, "run", lambda *_, **__: text)
    assert probe.counters("br-int") == {"LOCAL": [1, 2], "tap0": [3, 4], "5": [0, 0]}


def test_the_integration_bridge_can_have_another_name() -> None:
    rows = [{"external_ids": ["map", [["ovn-bridge", "br-ovn"]]]}]
    assert probe.integration_bridge({"vswitch": {"Open_vSwitch": rows}}) == "br-ovn"
    assert probe.integration_bridge({}) == "br-int"


def firewall(monkeypatch: pytest.MonkeyPatch, *expressions: object) -> list[dict[str, object]]:
    rule = {"family": "inet", "table": "t", "chain": "c", "handle": 4, "expr": list(expressions)}
    text = json.dumps({"nftables": [{"metainfo": {}}, {"rule": rule}]})
    monkeypatch.setattr(probe, "run", lambda *_, **__: text)
    seen: dict[str, object] = {}
    report = probe.Report()
    probe.look_at_firewall(seen, report)
    assert report.errors == []
    found = seen["firewall"]
    assert isinstance(found, list)
    return found


DPORT = {
    "match": {
        "op": "==",
        "left": {"payload": {"protocol": "udp", "field": "dport"}},
        "right": 6081,
    }
}
SADDR = {
    "match": {
        "op": "==",
        "left": {"payload": {"protocol": "ip", "field": "saddr"}},
        "right": "192.0.2.1",
    }
}


def test_rules_about_a_udp_port(monkeypatch: pytest.MonkeyPatch) -> None:
    (rule,) = firewall(monkeypatch, DPORT, {"drop": None})
    assert (rule["udp_port"], rule["drops"], rule["narrow"], rule["handle"]) == (
        6081,
        True,
        False,
        4,
    )
    (rule,) = firewall(monkeypatch, SADDR, DPORT, {"reject": None})
    assert (rule["drops"], rule["narrow"]) == (True, True)
    (rule,) = firewall(monkeypatch, DPORT, {"accept": None})
    assert rule["drops"] is False
    assert firewall(monkeypatch, SADDR, {"drop": None}) == []


def test_a_daemon_without_a_pid_file_is_found_by_its_name(tmp_path: Path) -> None:
    """As in a container that shares the host's network and keeps its run folder to itself."""
    daemon = tmp_path / "ovn-controller"
    shutil.copy(str(shutil.which("sleep")), daemon)
    environment = {k: v for k, v in os.environ.items() if k not in ("OVS_RUNDIR", "OVN_RUNDIR")}
    with subprocess.Popen([daemon, "60"]) as running:
        try:
            done = subprocess.run(
                [sys.executable, "-"],
                input=probe_script(),
                capture_output=True,
                env=environment,
                timeout=20,
                check=True,
            )
        finally:
            running.kill()
    found = read_probe(done.stdout).processes["ovn-controller"]
    assert found.runs
    assert "ovn-controller" in found.command


def test_the_ports_that_a_process_listens_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert port not in (probe.listening(os.getpid()) or ())
        listener.listen()
        assert port in (probe.listening(os.getpid()) or ())
    assert probe.listening(1 << 22) is None


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_what_a_certificate_is_and_whose(tmp_path: Path) -> None:
    for name in ("a", "b"):
        key, made = str(tmp_path / f"{name}.key"), str(tmp_path / f"{name}.pem")
        new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        argv = (*new, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", made)
        subprocess.run(argv, check=True, capture_output=True)
    first, other = str(tmp_path / "a.pem"), str(tmp_path / "b.pem")
    (digest,) = probe.digests(first)
    both = tmp_path / "both.pem"
    both.write_text(Path(first).read_text() + Path(other).read_text())
    assert probe.digests(str(both)) == [digest, *probe.digests(other)]
    assert probe.digests(str(tmp_path / "a.key")) == []
    assert probe.digests(str(tmp_path / "none.pem")) == []
    assert probe.verified(first, first) == "OK"
    assert "error" in probe.verified(first, other)


def test_a_member_that_gives_no_status_is_a_member_all_the_same(tmp_path: Path) -> None:
    assert probe.cluster_status("OVN_Southbound", str(tmp_path / "ovnsb_db.sock")) == ""


RUNNING = """\
<domstatus state='running' reason='booted' pid='4711'>
  <domain type='qemu' id='1'>
    <name>instance-00000001</name>
    <uuid>11111111-1111-1111-1111-111111111111</uuid>
    <devices>
      <interface type='ethernet'>
        <mac address='FA:16:3E:00:00:01'/>
        <target dev='tap1' managed='no'/>
        <link state='down'/>
      </interface>
      <interface type='bridge'>
        <mac address='fa:16:3e:00:00:02'/>
        <source bridge='br-int'/>
        <virtualport type='openvswitch'><parameters interfaceid='port-2'/></virtualport>
        <target dev='tap2'/>
      </interface>
    </devices>
  </domain>
</domstatus>
"""


def test_the_nics_of_running_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xml").write_text(RUNNING)
    (tmp_path / "b.xml").write_text("<domstatus>")
    (tmp_path / "c.xml").write_text("<network/>")
    (tmp_path / "d.xml").write_text(" " * (probe.MAX_DOMAIN + 1))
    monkeypatch.setattr(probe, "DOMAINS", [str(tmp_path / "absent"), str(tmp_path)])
    seen: probe.Seen = {}
    report = probe.Report()
    probe.look_at_domains(seen, report)
    (domain,) = seen["domains"]
    assert (domain["name"], domain["state"]) == ("instance-00000001", "running")
    first, second = domain["cards"]
    assert (first["mac"], first["device"], first["down"]) == ("fa:16:3e:00:00:01", "tap1", True)
    assert (second["bridge"], second["port_id"]) == ("br-int", "port-2")
    assert [Path(each["what"]).name for each in report.errors] == ["b.xml", "c.xml"]


def test_a_host_without_libvirt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DOMAINS", [str(tmp_path / "absent")])
    seen: probe.Seen = {}
    probe.look_at_domains(seen, probe.Report())
    assert "domains" not in seen


V1 = "1:cpu:/docker/0a1b\n"


@pytest.mark.parametrize(
    ("theirs", "own", "contained"),
    [
        ("0::/system.slice/docker-0a1b.scope\n", "0::/user.slice\n", True),
        ("0::/machine.slice/libpod-0a1b.scope\n", "0::/user.slice\n", True),
        (V1, "1:cpu:/\n", True),
        (V1, V1, False),
        ("0::/system.slice/ovn-controller.service\n", "0::/user.slice\n", False),
        ("0::/system.slice/snap.microovn.chassis.service\n", "0::/user.slice\n", False),
        (None, "0::/user.slice\n", False),
    ],
)
def test_a_control_group_tells_who_runs_a_daemon(
    monkeypatch: pytest.MonkeyPatch, theirs: str | None, own: str, contained: bool
) -> None:
    """As Docker and podman name them, of both versions of control groups; a snap is a unit."""

    def opened(path: str) -> io.StringIO:
        text = {"/proc/77/cgroup": theirs, "/proc/self/cgroup": own}[path]
        if text is None:
            raise ProcessLookupError(path)
        return io.StringIO(text)

    monkeypatch.setattr(probe, "open", opened, raising=False)
    assert probe.contained(77) is contained


def alive(**daemons: bool) -> dict[str, object]:
    """Daemons that run, and whether each is in a container."""
    names = {name.replace("_", "-"): contained for name, contained in daemons.items()}
    return {
        "processes": {name: {"state": "S", "container": c} for name, c in names.items()},
        "unixctl": {name: {"version": "1"} for name in names},
    }


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        (alive(), True),
        (alive(ovs_vswitchd=False), True),
        (alive(ovs_vswitchd=False, ovn_controller=False), False),
        (alive(ovs_vswitchd=False, ovn_controller=True), True),
        ({**alive(ovn_controller=False), "unixctl": {"ovn-controller": {}}}, True),
    ],
)
def test_runtimes_are_asked_only_where_the_hosts_own_view_may_not_suffice(
    seen: dict[str, object], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
        monkeypatch.delenv(name, raising=False)
    assert probe.may_be_contained(seen) is asked
    monkeypatch.setenv("OVS_RUNDIR", "/named")
    assert not probe.may_be_contained(seen)


def runtime(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_runtimes_say_and_why_they_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"echo {'a' * 64} ovn_controller quay.io/ovn:1"
    runtime(tmp_path, "docker", "echo 'permission denied: docker.sock' >&2; exit 1")
    runtime(tmp_path, "podman", f'[ "$1" = ps ] && {line}; echo {"b" * 64} mariadb quay.io/db:1')
    runtime(tmp_path, "crictl", "echo no JSON")
    for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    seen: probe.Seen = {}
    report = probe.Report()
    probe.look_at_places(seen, report)
    (refused,) = report.errors
    assert refused["what"] == f"containers of {tmp_path / 'docker'}"
    assert refused["why"].startswith("Permission denied"), "as carriers know a refusal"
    (container,) = seen["places"]["containers"]
    assert (container["name"], container["daemons"]) == ("ovn_controller", ["ovn-controller"])
    assert container["runtime"] == str(tmp_path / "podman")
    whys = [row["why"] for row in seen["places"]["runtimes"]]
    assert whys[0] == "permission denied: docker.sock"
    assert whys[1] == ""
    assert whys[2], "what is no JSON is no answer"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("ovsdb-server -vfile:info --pidfile=/run/ovn/ovnnb_db.pid --remote=db:x", "ovnnb_db"),
        (
            "ovsdb-server --remote=punix:/run/ovn/ovnsb_db.sock /var/lib/openvswitch/ovn-sb/ovnsb.db",
            "ovnsb_db",
        ),
        (
            "ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock",
            "ovsdb-server",
        ),
        ("ovsdb-server --pidfile=/run/ovn/ovnsb_db_relay_1.pid relay:OVN_Southbound:tcp:a:1", ""),
        ("ovsdb-server --unixctl=/run/ovn/ovn_ic_nb_db.ctl /etc/ovn/ovn_ic_nb_db.db", ""),
        ("ovsdb-server /etc/vtep.db", ""),
    ],
)
def test_which_database_a_server_has(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "command_of", lambda _: command)
    assert probe.serves(1) == name


def test_a_pid_of_another_namespace_is_not_taken_for_a_dead_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with kolla-ansible: a shared run folder, and in it the pid that the container knows."""
    for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ovn-northd.pid").write_text("1\n")
    monkeypatch.setattr(probe, "run_folder", lambda *_: str(tmp_path))
    program = tmp_path / "ovn-northd"
    shutil.copy(str(shutil.which("sleep")), program)
    dead = probe.daemon("ovn-northd", "ovn")
    assert dead is not None
    with subprocess.Popen([program, "60"]) as running:
        try:
            found = probe.daemon("ovn-northd", "ovn")
        finally:
            running.kill()
    assert found is not None
    assert found["state"]


def test_somebodys_copy_of_a_database_is_no_server_of_this_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served from the same file system, and without the pid file that OVN leaves."""
    for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
        monkeypatch.delenv(name, raising=False)
    program = tmp_path / "ovsdb-server"
    shutil.copy(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "60"]) as running:
        monkeypatch.setattr(probe, "command_of", lambda _: "ovsdb-server /tmp/ovnnb_db.db")
        try:
            assert probe.elsewhere("ovnnb_db") != running.pid
            assert probe.elsewhere("ovsdb-server") != running.pid, "it has another database"
        finally:
            running.kill()


def test_the_parts_of_the_probe_fit_together() -> None:
    """They become one file, so no name may be in two, and none may be imported from here."""
    assert "viftrail." not in "".join(
        ast.unparse(node)
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    defined = [
        node.name
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ] + [
        target.id
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(defined) == len(set(defined))
