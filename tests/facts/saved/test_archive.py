"""Packed reports: what is wanted of them is unpacked, and no more, and nowhere else."""

from __future__ import annotations

import bz2
import io
import lzma
import random
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from viftrail.errors import FileUnreadable
from viftrail.facts.saved.archive import Room, Unpacked, is_packed, unpack

Members = Sequence[tuple[str, bytes]]


def packed(path: Path, members: Members, mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1_000_000
            tar.addfile(member, io.BytesIO(content))
    return path


def unpacked(path: Path, into: Path, room: Room | None = None) -> Unpacked:
    into.mkdir(exist_ok=True)
    return unpack(path, into, room or Room(), lambda _, head: b"no" not in head)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_each_way_of_packing_is_known_by_its_content(mode: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "report", [("r/a", b"yes"), ("r/b", b"no")], mode)
    assert is_packed(path)
    found = unpacked(path, tmp_path / "into")
    assert (found.why, found.members) == ("", 2)
    assert [file.read_bytes() for file in found.files] == [b"yes"]
    assert found.files[0].stat().st_mtime == 1_000_000
    assert found.files[0].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["../out", "/etc/out", "a/../../out", "d/" * 50 + "out", "n" * 300]
)
def test_no_member_leaves_the_folder(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "report", [(name, b"x"), ("good", b"y")])
    found = unpacked(path, tmp_path / "into")
    assert found.refused == [name]
    assert [file.name for file in found.files] == ["good"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["into", "report"]


def test_links_and_devices_are_not_made(tmp_path: Path) -> None:
    path = tmp_path / "report"
    with tarfile.open(path, "w:gz") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo("link")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        member = tarfile.TarInfo("link/below")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    found = unpacked(path, tmp_path / "into")
    assert [str(file.relative_to(tmp_path)) for file in found.files] == ["into/link/below"]


def test_of_two_members_of_one_name_the_first_counts(tmp_path: Path) -> None:
    path = packed(tmp_path / "report", [("a", b"1"), ("a", b"2"), ("a/b", b"3"), ("c", b"4")])
    found = unpacked(path, tmp_path / "into")
    assert [file.read_bytes() for file in found.files] == [b"1", b"4"]
    assert found.refused == ["a", "a/b"]


@pytest.mark.parametrize("what", ["written", "read", "members"])
def test_a_bomb_is_left_when_the_room_is_used_up(what: str, tmp_path: Path) -> None:
    members = [(f"f{number}", bytes(1 << 20)) for number in range(20)]
    path = packed(tmp_path / "report", members)
    room = Room(**{what: 5 if what == "members" else 5 << 20})
    found = unpacked(path, tmp_path / "into", room)
    assert what in found.why
    assert len(found.files) <= 5


def test_a_header_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    path = tmp_path / "report"
    path.write_bytes(member.tobuf() + bytes(1024))
    assert "header" in unpacked(path, tmp_path / "into").why


def test_a_report_that_was_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    members = [
        (f"f{number}", random.Random(number).randbytes(50_000).replace(b"no", b""))
        for number in range(50)
    ]
    path = packed(tmp_path / "report", members, "w:gz")
    path.write_bytes(path.read_bytes()[:-2000])
    found = unpacked(path, tmp_path / "into")
    assert found.why
    assert 0 < len(found.files) < 50


def test_a_single_file_that_was_packed(tmp_path: Path) -> None:
    for name, pack in (("a.db.xz", lzma.compress), ("b.db.bz2", bz2.compress)):
        path = tmp_path / name
        path.write_bytes(pack(b"OVSDB JSON"))
        assert is_packed(path)
        (file,) = unpacked(path, tmp_path / f"into-{name}").files
        assert file.read_bytes() == b"OVSDB JSON"


def test_a_packing_that_python_lacks_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("viftrail.facts.saved.archive.importlib.import_module", absent)
    path = tmp_path / "report.tar.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(600))
    assert is_packed(path)
    with pytest.raises(FileUnreadable, match=r"unzstd report\.tar\.zst"):
        unpacked(path, tmp_path / "into")


def test_what_is_not_packed_is_not(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for content in (b"", b"2026-11-21 10:00:00 hello\n", b"BZh but not really", b"\x1f\x8b"):
        path.write_bytes(content)
        assert not is_packed(path) or unpacked(path, tmp_path / "into").why


def test_xz_that_asks_for_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    packer = lzma.LZMACompressor(
        lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]
    )
    data = bytearray(packer.compress(b"2026-11-21 10:00:00 INFO x\n" * 99) + packer.flush())
    size = (data[12] + 1) * 4
    data[16] = 38  # a dictionary of 2 GiB (The .xz File Format, 5.3.1)
    data[12 + size - 4 : 12 + size] = zlib.crc32(data[12 : 12 + size - 4]).to_bytes(4, "little")
    path = tmp_path / "bomb.log.xz"
    path.write_bytes(data)
    assert is_packed(path)
    found = unpacked(path, tmp_path / "into")
    assert found.why == "it asks for more than 128 MiB of memory to unpack it"
    assert not found.files


def test_xz_in_several_streams_padded_and_followed_by_something_else(tmp_path: Path) -> None:
    parts = [random.Random(number).randbytes(200_000) for number in range(3)]
    path = tmp_path / "a.db.xz"
    packed_parts = [lzma.compress(part, preset=9) for part in parts]
    path.write_bytes(bytes(8).join(packed_parts) + bytes(4) + b"and more")
    (file,) = unpacked(path, tmp_path / "into").files
    assert file.read_bytes() == b"".join(parts)
    path.write_bytes(packed_parts[0][:-100])
    assert unpacked(path, tmp_path / "cut").why == "it is cut short"


def extended(content: bytes) -> bytes:
    """A pax header with this in it."""
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, len(content)
    return member.tobuf() + content + bytes(-len(content) % 512)


def test_extended_headers_are_few_and_small(tmp_path: Path) -> None:
    """Old Pythons need the square of their length (CVE-2024-6232), and one call within another."""
    path, plain = tmp_path / "report", tarfile.TarInfo("a").tobuf()
    path.write_bytes(extended(b"1" * 20_000) + plain + bytes(1024))
    assert unpacked(path, tmp_path / "large").why == "a header of 20000 bytes"
    path.write_bytes(extended(b"12 path=abc\n") * 500 + plain + bytes(1024))
    assert "more extended headers" in unpacked(path, tmp_path / "row").why
    path.write_bytes((extended(b"12 path=abc\n") * 8 + plain) * 9 + bytes(1024))
    assert unpacked(path, tmp_path / "good").why == ""


def test_the_work_for_extended_headers_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viftrail.facts.saved.archive._WORK", 3 * 12**2)
    path, plain = tmp_path / "report", tarfile.TarInfo("a").tobuf()
    path.write_bytes((extended(b"12 path=abc\n") + plain) * 9 + bytes(1024))
    found = unpacked(path, tmp_path / "into")
    assert "more extended headers" in found.why
    assert found.members == 3
