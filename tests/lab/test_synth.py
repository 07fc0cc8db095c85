"""``viftrail lab synth``: what it writes, and that both ways of making Southbound agree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from tests.facts.ovsdb.ovsdb_servers import short_directory
from viftrail.audit import audit
from viftrail.errors import LabError
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import HAChassis, LogicalSwitchPort, NBGlobal
from viftrail.facts.ovsdb.file import read_file
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.southbound import PortBinding, SBGlobal
from viftrail.facts.stored import from_files
from viftrail.faults.catalogue import CATALOGUE
from viftrail.lab.synth.build import Order, synthesize
from viftrail.lab.synth.central import Central, missing_packages
from viftrail.lab.synth.plan import Plan

from .harness import wait_for
from .oracle import oddities

PORTS, FAULTS, SEED = 2000, 60, 7

needs_northd = pytest.mark.skipif(
    bool(missing_packages()), reason=f"needs the Debian packages {' '.join(missing_packages())}"
)
pytestmark = [
    pytest.mark.skipif(
        not Path("/usr/share/ovn/ovn-nb.ovsschema").exists(),
        reason="needs OVN's schemas: the Debian package ovn-common",
    ),
    pytest.mark.xdist_group("synth"),
]

KINDS = {
    "controller-flow-lag",
    "chassis-private-ghost",
    "chassis-stale-same-hostname",
    "dhcp-options-incomplete",
    "dhcp-options-missing",
    "fip-nat-row-missing",
    "nb-addresses-drift",
    "nb-duplicate-address",
    "nb-lsp-missing",
    "nb-orphan-lsp",
    "nb-orphan-nat",
    "northd-binding-missing",
    "pb-requested-chassis-mismatch",
    "pb-unclaimed",
    "port-admin-down",
    "prov-localnet-wrong",
    "router-gateway-chassis-gone",
    "router-no-gateway-chassis",
    "sg-egress-missing",
    "sg-portgroup-drift",
    "tunnel-encap-type-mismatch",
}


class LogicalFlow(Row, frozen=True, kw_only=True):
    table: ClassVar[str] = "Logical_Flow"

    match: str = ""


def facts_of(folder: Path) -> Facts:
    facts = from_files(folder / "ovnnb_db.db", folder / "ovnsb_db.db").everything()
    owner = msgspec.json.decode((folder / "owner.json").read_bytes(), type=Owner)
    return Facts(nb=facts.nb, sb=facts.sb, owner=owner)


def key_of(folder: Path) -> list[dict[str, Any]]:
    key: list[dict[str, Any]] = json.loads((folder / "key.json").read_text())
    return key


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The same cloud twice: by northd, where there is one, and without."""
    base = tmp_path_factory.mktemp("synth")
    folders = base / "with", base / "without"
    for folder in folders:
        northd = folder.name == "with" and not missing_packages()
        synthesize(Order(ports=PORTS, plant=FAULTS, seed=SEED, northd=northd), folder)
    yield folders
    shutil.rmtree(base)


def canonical(facts: Facts) -> dict[str, Counter[str]]:
    """Every row in every column viftrail reads, without what only names rows."""
    members: dict[str, list[str]] = {}
    for binding in facts.sb[PortBinding]:
        members.setdefault(binding.datapath, []).append(binding.logical_port)
    names = {uuid: f"datapath of {min(ports)}" for uuid, ports in members.items()}
    return {
        f"{database} {row_type.table}": Counter(
            str(_plain(row, names)) for row in getattr(facts, database)[row_type]
        )
        for database in ("nb", "sb")
        for row_type in getattr(facts, database)
    }


def _plain(row: Row, names: dict[str, str]) -> dict[str, object]:
    columns: dict[str, object] = msgspec.structs.asdict(row)
    if isinstance(row, PortBinding):
        columns |= {"datapath": names[row.datapath], "uuid": ""}
    elif row.table == "Chassis_Private":
        columns["nb_cfg_timestamp"] = 0  # the moment it was made
    elif isinstance(row, NBGlobal | SBGlobal):
        # Drawn by northd at its first start, or its own version.
        drawn = dict.fromkeys(("mac_prefix", "svc_monitor_mac", "northd_internal_version"), "")
        columns |= {"uuid": "", "options": sorted((row.options | drawn).items())}
        columns.pop("nb_cfg_timestamp", None)  # when northd saw it
    return {
        name: sorted(value.items()) if isinstance(value, dict) else value
        for name, value in columns.items()
    }


@needs_northd
def test_northd_and_our_own_carrier_agree(both: tuple[Path, Path]) -> None:
    agree(*both)


@needs_northd
def test_they_agree_on_gateways_scheduled_as_neutron_29_does(tmp_path: Path) -> None:
    for northd in (True, False):
        order = Order(ports=800, plant=30, seed=SEED, northd=northd, ha_groups=True)
        synthesize(order, tmp_path / str(northd))
    agree(tmp_path / "True", tmp_path / "False")
    assert facts_of(tmp_path / "True").nb[HAChassis].rows


def agree(one: Path, other: Path) -> None:
    real, ours = canonical(facts_of(one)), canonical(facts_of(other))
    assert real.keys() == ours.keys()
    for table, rows in real.items():
        assert rows or table.endswith(("Chassis", "Chassis_Group", "MAC_Binding")), (
            f"{table} is empty"
        )
        assert rows - ours[table] == Counter(), table
        assert ours[table] - rows == Counter(), table
    for name in ("key.json", "owner.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_what_the_key_says_is_what_the_rows_say(both: tuple[Path, Path]) -> None:
    facts, key = facts_of(both[1]), key_of(both[1])
    told = Counter((line["fault"], line["subject"]) for line in key)
    assert len(key) == FAULTS
    seen = oddities(facts)
    assert seen == told
    assert {line["fault"] for line in key} == KINDS
    ports = {port.id for port in facts.owner.ports}
    for line in key:
        assert set(line["victims"]) <= ports
        kind, _, name = line["subject"].partition(" ")
        if kind == "port" and line["fault"] != "nb-orphan-lsp":
            assert line["victims"] == [name]


def test_without_faults_nothing_is_odd(tmp_path: Path) -> None:
    synthesize(Order(ports=700, northd=False), tmp_path / "sound")
    facts = facts_of(tmp_path / "sound")
    assert not oddities(facts)
    assert not audit(facts).causes
    assert key_of(tmp_path / "sound") == []


def test_the_audit_finds_every_planted_fault_and_nothing_else(both: tuple[Path, Path]) -> None:
    for folder in both:
        told = {(line["fault"], line["subject"]) for line in key_of(folder)}
        facts = facts_of(folder)
        groups = list(audit(facts).groups)
        for fault in CATALOGUE:
            if fault.intended:  # an audit lists those only when asked for them
                assert fault.id not in {group.id for group in groups}
                groups += audit(facts, only=fault.id).groups if fault.id in KINDS else ()
        assert {(group.id, name) for group in groups for name in group.subjects} == told


def test_the_same_arguments_make_the_same_cloud(tmp_path: Path) -> None:
    def make(name: str, seed: int) -> Path:
        synthesize(Order(ports=500, plant=10, seed=seed, northd=False), tmp_path / name)
        return tmp_path / name

    first, again, other = make("first", 1), make("again", 1), make("other", 2)
    for name in ("key.json", "owner.json"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() != (other / name).read_bytes()
    assert canonical(facts_of(first)) == canonical(facts_of(again))


def test_the_faults_leave_the_rest_as_it_is(tmp_path: Path) -> None:
    for name, count in (("none", 0), ("some", 8)):
        synthesize(Order(ports=700, plant=count, northd=False), tmp_path / name)
    none, some = (facts_of(tmp_path / name) for name in ("none", "some"))
    ours = {row.uuid for row in none.nb[LogicalSwitchPort]}
    assert len(ours ^ {row.uuid for row in some.nb[LogicalSwitchPort]}) <= 8


@pytest.mark.skipif(shutil.which("ovsdb-tool") is None, reason="needs ovsdb-tool")
def test_ovsdb_accepts_what_we_wrote_ourselves(tmp_path: Path) -> None:
    order = Order(ports=500, plant=12, northd=False, flows=True)
    synthesize(order, tmp_path / "cloud")
    for name in ("ovnnb_db.db", "ovnsb_db.db"):
        source, target = tmp_path / "cloud" / name, tmp_path / name
        # Reads all of it, checks types, references and indexes, and writes it anew.
        done = subprocess.run(
            ["ovsdb-tool", "compact", source, target], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        flows = read_file(target, [LogicalFlow]).rows[LogicalFlow]
        assert len(flows) > (3000 if "sb" in name else -1)
    assert sorted(path.name for path in (tmp_path / "cloud").iterdir()) == [
        "key.json",
        "ovnnb_db.db",
        "ovnsb_db.db",
        "owner.json",
    ]


@needs_northd
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Central] = []
    pids: list[int] = []

    def fail(self: Central, claims: object) -> None:
        seen.append(self)
        pids.extend(process.pid for process in self._processes.values())
        raise LabError(f"no claims today: {bool(claims)}")

    monkeypatch.setattr(Central, "claim", fail)
    with pytest.raises(LabError, match="no claims today"):
        synthesize(Order(ports=100), tmp_path / "cloud")
    assert list(tmp_path.iterdir()) == []
    assert len(pids) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not seen[0]._folder.exists()


@needs_northd
def test_ended_from_outside_it_leaves_nothing(tmp_path: Path) -> None:
    with short_directory() as temporary:
        ended_from_outside(tmp_path, temporary)


def ended_from_outside(tmp_path: Path, temporary: Path) -> None:
    argv = ["lab", "synth", str(tmp_path / "out" / "cloud"), "--ports", "1000", "-v"]
    with subprocess.Popen(
        [sys.executable, "-m", "viftrail", *argv],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "northd" in line:
                break
        assert wait_for(lambda: len(list(temporary.glob("*/northd.ctl"))) == 1)
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 143
    assert list(temporary.iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []
    assert not [
        path
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(temporary) in path.read_text(errors="replace")
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--ports", "0"), 64, "cannot be made"),
        (("--ports", "300001", "--without-northd"), 64, "cannot be made"),
        (("--ports", "200000"), 64, "--without-northd"),
        (("--ports", "100", "--plant", "-1"), 64, "cannot be planted"),
        (("--ports", "100", "--plant", "999", "--without-northd"), 64, "no room"),
    ],
)
def test_orders_that_cannot_be_carried_out(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = synth(tmp_path / "cloud", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "cloud").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = synth(tmp_path, "--ports", "10", "--without-northd")
    assert done.returncode == 64
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    done = synth(tmp_path, "--ports", "10", "--plant", "1", "--without-northd")
    assert done.returncode == 0, done.stderr
    assert "10 ports in 1 networks" in done.stdout
    assert len(key_of(tmp_path)) == 1


def synth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "viftrail", "lab", "synth", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_size_has_its_ports_and_no_address_twice() -> None:
    for ports in (1, 59, 1000, 4321):
        plan = Plan(ports, seed=ports)
        guests = [guest for index in range(len(plan)) for guest in plan.tenancy(index).guests]
        assert len(guests) == ports
        assert len({guest.vm.mac for guest in guests}) == ports
        assert len({guest.vm.ip for guest in guests}) == ports
        floating = [guest.vm.floating_ip.address for guest in guests if guest.vm.floating_ip]
        assert len(set(floating)) == len(floating) >= ports // 11 - 1
        assert {guest.vm.host for guest in guests} <= {host.name for host in plan.computes}
