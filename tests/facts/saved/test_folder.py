"""A folder of whatever was saved: every file is told by what is in it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.facts.saved import made as saved
from tests.samples import folder, opened
from viftrail.errors import FileUnreadable
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
from viftrail.facts.saved.contents import sort_out
from viftrail.facts.saved.folder import open_folder
from viftrail.facts.slice import follow
from viftrail.facts.southbound import PortBinding
from viftrail.facts.table import Table
from viftrail.why import why

CASE = "s3-two-hosts"


def case() -> Path:
    return folder() / CASE


def test_each_file_is_what_it_holds() -> None:
    contents = sort_out(case())
    assert {name: len(paths) for name, paths in contents.databases.items()} == {
        "OVN_Northbound": 1,
        "OVN_Southbound": 1,
        "Open_vSwitch": 2,
    }
    assert all(path.suffix == ".json" for path in contents.answers)
    assert {path.name[:4] for path in contents.tables} == {"cli-"}
    assert {path.name.split("-")[-1] for path in contents.outputs} >= {"show.txt", "list.txt"}
    assert any("console.log" in name for name in contents.others)


def test_each_conf_db_is_the_host_that_it_names(tmp_path: Path) -> None:
    for number, path in enumerate(sorted((case() / "db").iterdir())):
        shutil.copy(path, tmp_path / str(number))
    source = open_folder(tmp_path)
    hosts = source.everything().hosts
    assert sorted(hosts) == ["cmp1", "cmp2"]
    assert all(host.conf_only for host in hosts.values())
    assert hosts["cmp1"].settings["system-id"] == "cmp1"
    assert "tapb04f753a-03" in hosts["cmp1"].bridge_of


def test_of_two_copies_the_newer_counts(tmp_path: Path) -> None:
    shutil.copy(folder() / "s2-normal-plug" / "db" / "ovnsb_db.db", tmp_path / "b")
    shutil.copy(case() / "db" / "ovnsb_db.db", tmp_path / "a")
    shutil.copy(case() / "db" / "ovnnb_db.db", tmp_path / "n")
    newer = {row.logical_port for row in _bindings(tmp_path)}
    assert newer == {row.logical_port for row in _bindings(case())}


def _bindings(path: Path) -> Table[PortBinding]:
    return open_folder(path).everything().sb[PortBinding]


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    for path in (case() / "db").iterdir():
        (tmp_path / path.name).write_bytes(gzip.compress(path.read_bytes()))
    for path in (case() / "api").glob("*.json"):
        (tmp_path / path.name).write_bytes(gzip.compress(path.read_bytes()))
    assert why(open_folder(tmp_path), "vm2").verdict.state.value == "healthy"


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    shutil.copy(case() / "api" / "nova-servers.json", tmp_path)
    source = open_folder(tmp_path)
    assert [gap.place for gap in source.gaps] == [NORTHBOUND, SOUTHBOUND]


def test_what_is_not_recognised_is_listed_and_not_fatal(tmp_path: Path) -> None:
    shutil.copytree(case() / "db", tmp_path / "db")
    (tmp_path / "photo").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / "notes").write_text("what I remember")
    (tmp_path / "cut.json").write_text('{"servers": [{"id": ')
    (gap,) = open_folder(tmp_path).gaps
    assert "photo" in gap.why
    assert "notes" in gap.why
    assert "cut.json" in gap.why


def test_an_error_of_an_api_is_a_gap(tmp_path: Path) -> None:
    shutil.copytree(case() / "db", tmp_path / "db")
    (tmp_path / "services").write_text(
        json.dumps({"forbidden": {"code": 403, "message": "Policy doesn't allow it."}})
    )
    source = open_folder(tmp_path)
    assert source.openstack.services is None
    (gap,) = source.gaps
    assert "Policy" in gap.why
    assert "admin" in gap.how


def test_a_damaged_database_is_a_gap(tmp_path: Path) -> None:
    shutil.copytree(case() / "db", tmp_path / "db")
    content = (case() / "db" / "ovnsb_db.db").read_bytes()
    (tmp_path / "db" / "ovnsb_db.db").write_bytes(content[: len(content) // 2])
    assert any("torn" in gap.why for gap in open_folder(tmp_path).gaps)


def test_no_folder_and_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no folder"):
        open_folder(tmp_path / "absent")
    with pytest.raises(FileUnreadable, match="is known"):
        open_folder(tmp_path)


def test_links_are_not_followed(tmp_path: Path) -> None:
    shutil.copytree(case() / "db", tmp_path / "db")
    (tmp_path / "elsewhere").symlink_to(case() / "api" / "nova-servers.json")
    assert not open_folder(tmp_path).openstack.asked


def test_logs_are_read_for_one_target_only() -> None:
    source = opened(CASE)
    port = next(port.id for port in source.owner.ports if port.server == "vm2")
    inquiry = Inquiry(source)
    assert not inquiry.facts().logs
    follow(inquiry, port)
    assert inquiry.facts().logs.signals("plugged", port=port)


def gathered(tmp_path: Path, *cases: str) -> Path:
    """A must-gather of OpenShift, with the databases of these cases as those of pods."""
    logs = tmp_path / "must-gather.local.1" / "quay-io-digest" / "network_logs"
    logs.mkdir(parents=True)
    with tarfile.open(logs / "ovnk_database_store.tar.gz", "w:gz") as tar:
        for name in cases:
            for database in ("nb", "sb"):
                path = folder() / name / "db" / f"ovn{database}_db.db"
                tar.add(path, f"ovnk_database_store/ovnkube-node-{name}_{database}db")
    (logs / "cluster_scale").write_text("pods amount: 3\n")
    return tmp_path / "must-gather.local.1"


def test_the_databases_of_a_must_gather_are_found(tmp_path: Path) -> None:
    source = open_folder(gathered(tmp_path, CASE))
    found = {row.logical_port for row in source.everything().sb[PortBinding]}
    assert found == {row.logical_port for row in _bindings(case() / "db")}
    source.close()


def test_databases_of_several_zones_are_not_mixed(tmp_path: Path) -> None:
    source = open_folder(gathered(tmp_path, CASE, "s8-missing-bridge-mapping"))
    gaps = {gap.place: gap.why for gap in source.gaps}
    assert gaps[SOUTHBOUND].startswith("There are 2 different databases of this name")
    assert "ovnkube-node-s8-missing-bridge-mapping_nbdb was used" in gaps[NORTHBOUND]
    assert "ovnkube-node-s8-missing-bridge-mapping_sbdb was used" in gaps[SOUTHBOUND]


def test_packed_leaders_databases_are_read(tmp_path: Path) -> None:
    for database in ("nb", "sb"):
        content = (case() / "db" / f"ovn{database}_db.db").read_bytes()
        (tmp_path / f"leader_{database}db.gz").write_bytes(gzip.compress(content))
    assert not [gap for gap in open_folder(tmp_path).gaps if gap.place in (NORTHBOUND, SOUTHBOUND)]


def test_an_end_of_a_database_says_what_is_not_known(tmp_path: Path) -> None:
    shutil.copy(case() / "db" / "ovnnb_db.db", tmp_path)
    content = (case() / "db" / "ovnsb_db.db").read_bytes()
    (tmp_path / "ovnsb_db.db").write_bytes(content[90_000:])
    source = open_folder(tmp_path)
    bindings = source.everything().sb[PortBinding]
    assert bindings.rows
    assert not bindings.complete
    told = " ".join(gap.why for gap in source.gaps)
    assert "Known are the" in told
    assert "Port_Binding 3" in told
    assert why(source, "b04f753a-0370-4a54-b713-1a37c9a8b45b").verdict.state.value != "healthy"


def test_outputs_of_hosts_that_nobody_names_are_listed(tmp_path: Path) -> None:
    shutil.copytree(case() / "ovs", tmp_path / "ovs")
    assert any("cmp1-vsctl-show.txt" in gap.why for gap in open_folder(tmp_path).gaps)


def test_an_answer_that_unpacks_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viftrail.facts.saved.answers.MAX_ANSWER", 1 << 20)
    shutil.copytree(case() / "db", tmp_path / "db")
    bomb = b'{"servers": [' + b" " * (64 << 20)
    (tmp_path / "servers.json.gz").write_bytes(gzip.compress(bomb))
    assert any("servers.json.gz" in gap.why for gap in open_folder(tmp_path).gaps)


def test_an_older_report_of_a_host_is_not_dropped_without_a_word(tmp_path: Path) -> None:
    saved.controller(tmp_path)
    for folder_name, moment in (("monday", 1_795_000_000), ("today", 1_795_000_060)):
        root = saved.compute(tmp_path / folder_name)
        for path in root.rglob("*"):
            os.utime(path, (moment, moment))
    source = open_folder(tmp_path)
    (gap,) = (gap for gap in source.gaps if "two reports" in gap.why)
    assert gap.why.startswith("There are two reports of cmp1: today/sosreport-cmp1")
    assert "and monday/sosreport-cmp1-2026-11-21-abcdefg was not" in gap.why


def test_without_a_database_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-11-21 10:00:00.000 1 INFO x\n")
    with pytest.raises(FileUnreadable, match="No file of OVN_Northbound is among what was saved"):
        why(open_folder(tmp_path), "vm1")


def test_what_may_not_be_read_is_told_with_the_database_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved.controller(tmp_path)
    scandir = os.scandir

    def refused(path: str) -> object:
        if str(path).endswith("lib/ovn"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    gaps = {gap.place: gap for gap in open_folder(tmp_path).gaps}
    assert "var/lib/ovn (Permission denied)" in gaps[SOUTHBOUND].why
    assert "Not readable: " in gaps[f"folder {tmp_path.name}"].why
