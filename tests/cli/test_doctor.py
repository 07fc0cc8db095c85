"""`viftrail doctor` on this very host, with real database servers."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cloud import healthy
from tests.facts.ovsdb.ovsdb_servers import Server, central, needs_ovsdb, short_directory
from tests.facts.ovsdb.ovsdb_servers import run as shell
from viftrail.facts.places import Places, Remote
from viftrail.facts.ways import ledger
from viftrail.facts.ways.fleet import Fleet
from viftrail.facts.ways.inventory import Entry
from viftrail.facts.ways.play import Ansible

SCHEMAS = Path("/usr/share/ovn")


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lab of somebody else, no credentials, no container runtime."""
    monkeypatch.setattr("viftrail.lab.folder.living", list)
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run folder that the environment names, so that nothing else of this host is meant."""
    with short_directory() as directory:
        for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
            monkeypatch.setenv(name, str(directory))
        yield directory


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_a_central_host_is_ready_without_any_option(run: Run, folder: Path) -> None:
    with central(folder):
        done = run("doctor")
        assert (done.code, done.err) == (0, ""), done
        assert "Northbound     ok standalone, " in done.out
        assert f"at unix:{folder}/ovnnb_db.sock, from the socket" in " ".join(done.out.split())
        assert "Ready: viftrail why" in done.out
        whole = json.loads(run("doctor", "-f", "json").out)
        assert [each["reached"] for each in whole["databases"]] == [True, True]
        assert whole["databases"][0]["source"] == "the socket of its server"
        assert whole["databases"][1]["schema"]


def test_a_host_that_knows_of_no_cloud_is_2(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del folder
    monkeypatch.setattr("viftrail.facts.places.places_here", Places)
    done = run("doctor")
    assert done.code == 2
    assert "Nobody names it" in done.out
    assert "Not ready" in done.out


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_a_dead_server_of_this_host_is_passed_over_for_another_member(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remotes = []
    with central(folder) as addresses:
        for which, live in addresses.items():
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(f"{folder}/{which}.dead")
            remotes += [
                Remote(database=which, address=f"unix:{folder}/{which}.dead", source="its socket"),
                Remote(database=which, address=live, source="ml2_conf.ini"),
            ]
        found = Places(remotes=tuple(remotes))
        monkeypatch.setattr("viftrail.facts.places.places_here", lambda: found)
        done = run("doctor")
        assert done.code == 0, done
        assert f"at unix:{folder}/ovnnb_db.sock, from ml2_conf.ini" in " ".join(done.out.split())
    silent = run("why", "vm1")
    assert silent.code == 69
    assert "The addresses are from its socket, then ml2_conf.ini." in silent.err


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_one_database_alone_is_1(run: Run, folder: Path) -> None:
    file = folder / "ovnsb_db.db"
    shell("ovsdb-tool", "create", file, SCHEMAS / "ovn-sb.ovsschema")
    server = Server(folder, [file]).wait()
    try:
        done = run("doctor", "--sb", f"unix:{folder}/ovnsb_db.sock")
        assert "Southbound     ok" in done.out
        assert "Not ready" in done.out
        assert done.code == 1
    finally:
        server.kill()


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_every_member_of_a_cluster_is_asked(run: Run, folder: Path) -> None:
    files = [folder / f"nb{number}.db" for number in (1, 2)]
    rafts = [f"unix:{folder}/raft{number}" for number in (1, 2)]
    shell("ovsdb-tool", "create-cluster", files[0], SCHEMAS / "ovn-nb.ovsschema", rafts[0])
    shell("ovsdb-tool", "join-cluster", files[1], "OVN_Northbound", rafts[1], rafts[0])
    servers = [Server(folder, [file]).wait() for file in files]
    try:
        shell("ovsdb-client", "wait", servers[1].remote, "OVN_Northbound", "connected")
        remotes = ",".join((*(server.remote for server in servers), f"unix:{folder}/gone.sock"))
        done = run("doctor", "--nb", remotes, "-f", "json")
        (north,) = (d for d in json.loads(done.out)["databases"] if d["name"] == "OVN_Northbound")
        assert sorted(each["role"] for each in north["members"]) == ["", "follower", "leader"]
        text = " ".join(run("doctor", "--nb", remotes).out.split())
        assert f"unix:{folder}/gone.sock silent" in text
        assert "- Northbound, a member:" in text, "and that is not grave"
    finally:
        for server in servers:
            server.kill()


def test_a_named_database_that_is_silent_is_1(run: Run, folder: Path) -> None:
    done = run("doctor", "--nb", f"unix:{folder}/none", "--sb", "tcp:127.0.0.1:1")
    assert done.code == 1
    assert f"no answer from unix:{folder}/none" in done.out


@pytest.mark.parametrize(
    "address", ["nonsense", "ptcp:6641", "ssl:127.0.0.1:1", "tcp:h:99999", "unix:", ","]
)
def test_odd_addresses_are_findings_and_no_errors(run: Run, folder: Path, address: str) -> None:
    del folder
    done = run("doctor", "--nb", address, "--sb", "tcp:127.0.0.1:1")
    assert done.code == 1
    assert "! Northbound: " in done.out


@pytest.mark.parametrize("option", [("--bundle", "x"), ("--from", "x"), ("--nb", __file__)])
def test_what_is_recorded_needs_no_doctor(run: Run, option: tuple[str, str]) -> None:
    assert run("doctor", *option).code == 64


@pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not installed")
def test_a_host_is_visited_only_when_it_is_named(run: Run, folder: Path) -> None:
    where = ("--nb", f"unix:{folder}/none", "--sb", f"unix:{folder}/none")
    assert "nowhere" not in run("doctor", *where, "--ssh").out
    done = run("doctor", *where, "--ssh", "--host", "nowhere.invalid")
    assert done.code == 1
    assert "nowhere.invalid not seen" in " ".join(done.out.split())
    unreachable = run("doctor", *where, "--host", "nowhere.invalid")
    assert "Add --ssh" in " ".join(unreachable.out.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--limit", "x"), "Add --inventory."),
        (("--become",), "Add --ssh or --inventory."),
        (("--ssh", "--ssh-config", "/nonexistent"), "/nonexistent"),
        (("--ssh", "--inventory", "h,"), "without --ssh"),
    ],
)
def test_ways_to_hosts_are_checked_though_none_is_visited(
    run: Run, folder: Path, options: tuple[str, ...], words: str
) -> None:
    done = run("doctor", "--nb", f"unix:{folder}/none", *options)
    assert done.code in (64, 68)
    assert words in done.err


def test_an_inventory_that_cannot_be_read_is_a_finding(run: Run, folder: Path) -> None:
    where = ("--nb", f"unix:{folder}/none", "--inventory", "/nonexistent")
    for more in ((), ("--host", "c1")):
        done = run("doctor", *where, *more)
        assert done.code == 1
        assert "inventory      not read /nonexistent" in done.out
        assert "! the inventory: The inventory /nonexistent cannot be read." in done.out


@needs_ovsdb
@pytest.mark.skipif(not SCHEMAS.exists(), reason="OVN's schemas are not installed")
def test_an_inventory_is_told_and_its_limit_is_no_failure(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(Ansible(Path("/bin"), "inv"), [Entry("c1"), Entry("db1")], limit="c1")
    seen = {"c1": healthy().hosts["compute1"]}
    monkeypatch.setattr(fleet, "look", lambda ways, _: {name: seen[name] for name in ways})
    monkeypatch.setattr("viftrail.cli.hosts.fleet", lambda _: fleet)
    with central(folder) as addresses:
        where = [word for which, address in addresses.items() for word in (f"--{which}", address)]
        for name in ("c1", "c2", "c3"):
            row = {"name": name, "hostname": name, "encaps": ["named-uuid", "e"]}
            encap = {"type": "geneve", "ip": name, "chassis_name": name}
            shell("ovsdb-client", "transact", where[-1], transaction(row, encap))
        monkeypatch.setattr("viftrail.cli.doctor._cloud", lambda _: None)
        options = (*where, "--inventory", "inv", "--limit", "c1")
        done = run("doctor", *options)
        assert "inventory      ok inv: 2 hosts, with 1 of 3 chassis" in done.out
        assert done.code == 0
        done = run("doctor", *options, "--all-hosts")
        told = " ".join(done.out.split())
        assert "2 chassis are not among the hosts that --limit c1 leaves: c2, c3." in told
        assert done.code == 0, done
        assert "not seen" not in done.out
        wanted = run("doctor", *options, "--host", "c2")
        assert "c2 not seen" in " ".join(wanted.out.split())
        assert wanted.code == 1


def transaction(row: Mapping[str, object], encap: Mapping[str, object]) -> str:
    return json.dumps(
        [
            "OVN_Southbound",
            {"op": "insert", "table": "Encap", "row": encap, "uuid-name": "e"},
            {"op": "insert", "table": "Chassis", "row": row},
        ]
    )


def test_commands_that_could_not_be_noted_are_told(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger._Failure, "text", "No room.")
    assert "viftrail: No room." in run("doctor", "--nb", f"unix:{folder}/none").err


def test_it_writes_to_a_file(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "doctor.json"
    where = ("--nb", f"unix:{folder}/none", "--sb", f"unix:{folder}/none")
    assert run("doctor", *where, "-f", "json", "-o", str(file)).out == ""
    assert json.loads(file.read_text())["missing"]
