"""Which files there are in what was saved: packed or not, within each other, several at once."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import pytest

from tests.facts.saved import made as saved
from viftrail.errors import FileUnreadable
from viftrail.facts.saved.contents import sort_out


def test_a_report_is_known_by_its_folders_packed_or_not(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    for place in (root, tmp_path, saved.packed(root), saved.packed(root, "gz")):
        contents = sort_out(place)
        assert {report.name for report in contents.reports} == {"cmp1.example.org"}
        assert contents.databases.keys() == {"Open_vSwitch"}
        contents.close()


def test_reports_within_a_packed_file_are_found(tmp_path: Path) -> None:
    reports = [saved.packed(saved.compute(tmp_path, name)) for name in ("cmp1", "cmp2")]
    contents = sort_out(saved.wrapped(tmp_path / "sos-collector.tar.gz", *reports))
    assert [report.name for report in contents.reports] == ["cmp1.example.org", "cmp2.example.org"]
    (path, _) = contents.databases["Open_vSwitch"]
    assert contents.name(path).startswith("sos-collector.tar.gz: collected/sosreport-cmp")


def test_what_was_unpacked_is_removed(tmp_path: Path) -> None:
    contents = sort_out(saved.packed(saved.compute(tmp_path)))
    (path,) = contents.databases["Open_vSwitch"]
    assert path.is_file()
    assert tmp_path not in path.parents
    contents.close()
    assert not path.exists()
    assert not path.parents[5].exists() or path.parents[5].name == "tmp"


def test_packed_too_often_is_left_packed(tmp_path: Path) -> None:
    path = saved.packed(saved.compute(tmp_path))
    for number in range(3):
        path = saved.wrapped(tmp_path / f"{number}.tar.gz", path)
    with pytest.raises(FileUnreadable, match="left packed"):
        sort_out(path)


def test_a_single_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "conf.db.xz"
    path.write_bytes(lzma.compress((saved.CASE / "db" / "cmp1-conf.db").read_bytes()))
    assert list(sort_out(path).databases) == ["Open_vSwitch"]


def test_a_file_that_lost_its_beginning_is_known_by_its_records(tmp_path: Path) -> None:
    """sos names the end of a large file after the whole, and links to it from there."""
    root = saved.controller(tmp_path)
    path = root / "var/lib/ovn/ovnsb_db.db"
    saved.write(root, "sos_strings/ovn_central/var.lib.ovn.ovnsb_db.db.tailed", "")
    tail = root / "sos_strings/ovn_central/var.lib.ovn.ovnsb_db.db.tailed"
    tail.write_bytes(path.read_bytes()[50_000:])
    path.unlink()
    path.symlink_to(tail)
    assert sort_out(saved.packed(root)).remains[0].name == tail.name
    assert sort_out(root).remains == [tail]


def test_what_is_left_out_of_a_packed_file_is_told(tmp_path: Path) -> None:
    whole = saved.packed(saved.controller(tmp_path), "gz")
    whole.write_bytes(whole.read_bytes()[:-3000])
    contents = sort_out(whole)
    assert any("was not read to its end: it is cut short" in note for note in contents.notes)


def test_commands_that_failed_are_told(tmp_path: Path) -> None:
    root = saved.controller(tmp_path)
    said = "ovn-sbctl: unix:/var/run/ovn/ovnsb_db.sock: database connection failed (Refused)"
    saved.write(root, "sos_commands/ovn_central/ovn-sbctl_show", said + "\n")
    for place in (root, saved.packed(root)):
        assert sort_out(place).failed() == [f"ctl: {said}"]


def test_thousands_of_other_files_of_a_report_are_not_listed(tmp_path: Path) -> None:
    root = saved.compute(tmp_path)
    for number in range(50):
        saved.write(root, f"proc/{number}/oom_adj", "-17 x\n")
    assert sort_out(root).others == []


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no folder"):
        sort_out(tmp_path / "absent")
    (tmp_path / "empty.tar").write_bytes(bytes(10240))
    with pytest.raises(FileUnreadable, match="is known"):
        sort_out(tmp_path / "empty.tar")


def test_a_name_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    name = b"notes-\xff\x1b[31m".decode(errors="surrogateescape")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text("what I remember")
    shutil.copy(saved.CASE / "db" / "ovnnb_db.db", tmp_path / "in" / f"db-{name}")
    for place in (tmp_path / "in", saved.packed(tmp_path / "in")):
        contents = sort_out(place)
        (path,) = contents.databases["OVN_Northbound"]
        assert (contents.name(path) + "".join(contents.others)).encode()
