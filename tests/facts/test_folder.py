"""A folder of whatever was saved: every file is told by what is in it."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from tests.samples import folder, opened
from viftrail.errors import FileUnreadable
from viftrail.facts.contents import sort_out
from viftrail.facts.folder import open_folder
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND, Inquiry
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
