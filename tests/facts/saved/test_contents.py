"""Which files there are in what was saved: packed or not, within each other, several at once."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.facts.saved import made as saved
from viftrail.errors import FileUnreadable, NotPermitted
from viftrail.facts.saved.contents import is_known, sort_out


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


def closed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """What has one of these names may not be looked at; root may look at everything."""
    stat, opened = Path.stat, Path.open

    def refuse(path: Path) -> None:
        if path.name in names:
            raise PermissionError(13, "Permission denied", str(path))

    def stat_(path: Path, **options: Any) -> Any:
        refuse(path.parent)
        return stat(path, **options)

    def open_(path: Path, *arguments: Any, **options: Any) -> Any:
        refuse(path)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "stat", stat_)
    monkeypatch.setattr(Path, "open", open_)


def test_a_place_that_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = saved.packed(saved.compute(tmp_path))
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(report, folder / report.name)
    closed(monkeypatch, report.name)
    with pytest.raises(NotPermitted, match=r"xz may not be read\. Run as its owner"):
        sort_out(report)
    with pytest.raises(NotPermitted, match=r"xz \(Permission denied\)\)\. Run as its owner"):
        sort_out(folder)
    closed(monkeypatch, folder.name)
    with pytest.raises(NotPermitted, match="may not be looked at"):
        sort_out(folder / report.name)


def test_what_may_not_be_read_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = saved.controller(tmp_path)
    closed(monkeypatch, "ovnsb_db.db")
    contents = sort_out(root)
    assert contents.unreadable == ["var/lib/ovn/ovnsb_db.db (Permission denied)"]
    assert contents.denied
    assert contents.others == []


def test_what_the_kernel_makes_up_is_no_place() -> None:
    with pytest.raises(FileUnreadable, match="made up by the kernel"):
        sort_out(Path("/proc"))


def test_a_file_with_a_hole_of_terabytes_takes_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viftrail.facts.saved.contents._ENDS", (1 << 20, 1 << 20))
    shutil.copy(saved.CASE / "db" / "ovnnb_db.db", tmp_path)
    record = (saved.CASE / "db" / "ovnsb_db.db").read_bytes().partition(b"\n")[2]
    for name in ("empty.db", "tail.db"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(1 << 42)
    with (tmp_path / "tail.db").open("ab") as file:
        file.write(b"\n" + record)
    contents = sort_out(tmp_path)
    assert contents.others == ["empty.db"]
    assert [path.name for path in contents.remains] == ["tail.db"]


@pytest.mark.parametrize("name", ["podman_exec_-i_ovn_north", "docker_exec_neutron", "microovn"])
def test_a_command_in_a_container_is_one_of_ovn(name: str, tmp_path: Path) -> None:
    root = saved.controller(tmp_path)
    said = "ovn-sbctl: unix:/var/run/ovn/ovnsb_db.sock: database connection failed (Refused)"
    between = "." if name == "microovn" else "_"
    saved.write(root, f"sos_commands/ovn_central/{name}{between}ovn-sbctl_show", said + "\n")
    for place in (root, saved.packed(root)):
        assert sort_out(place).failed() == [f"ctl: {said}"]


def test_what_is_known_by_itself(tmp_path: Path) -> None:
    assert is_known(saved.CASE / "db" / "ovnnb_db.db")
    assert is_known(saved.packed(saved.compute(tmp_path)))
    assert not is_known(Path(__file__))
