"""Archives: what is packed comes out again, and what nobody would pack is refused at once."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import tracemalloc

import pytest

from viftrail.facts.bundle.archive import (
    GRACE,
    MAX_MEMBER,
    BadArchiveError,
    drafted,
    members,
    shown,
)


def packed(*content: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with drafted(out) as (draft, head):
        for name, text in content:
            draft.add(name, [text])
        head.append(("head.json", b"{}"))
    return out.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    return {member.name: member.read() for member in members(io.BytesIO(content))}


def test_the_head_is_first_and_all_comes_out_again() -> None:
    long = f"hosts/{'x' * 200}.json"
    content = packed(("a.json", b"1"), ("b/c.json", bytes(5000)), (long, b"2"), ("empty", b""))
    assert list(unpacked(content)) == ["head.json", "a.json", "b/c.json", long, "empty"]
    assert unpacked(content)["b/c.json"] == bytes(5000)


def test_tar_reads_it_too() -> None:
    with tarfile.open(fileobj=io.BytesIO(packed(("a.json", b"12")))) as archive:
        assert archive.getnames() == ["head.json", "a.json"]


def test_what_is_not_read_is_passed_over() -> None:
    content = packed(("a", bytes(3 << 20)), ("b", b"2"))
    assert [member.name for member in members(io.BytesIO(content))] == ["head.json", "a", "b"]


def refused(content: bytes) -> str:
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(BadArchiveError) as caught:
        unpacked(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - began < 10
    assert peak < 128 << 20
    return str(caught.value)


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def test_a_bomb_is_left_when_it_unpacks_to_too_much() -> None:
    size = GRACE * 4
    bomb = gzip.compress(header("a", size) + bytes(size), 9)
    assert len(bomb) < 1 << 17
    assert refused(bomb) == "it unpacks to far more than any cloud's"


def test_a_bomb_in_what_nobody_reads() -> None:
    bomb = gzip.compress(header("a", 0) + bytes(1024) + bytes(GRACE * 4), 9)
    assert "far more" in refused(bomb)


def test_a_row_of_ten_gigabytes() -> None:
    assert "larger than any cloud's" in refused(gzip.compress(header("a", 10 << 30) + b"{}"))
    assert "larger than any cloud's" in refused(gzip.compress(header("a", MAX_MEMBER + 1)))
    pax = tarfile.TarInfo("a")
    pax.size = 1 << 40
    assert "larger than any cloud's" in refused(gzip.compress(pax.tobuf(tarfile.PAX_FORMAT)))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_gigantic_header(kind: bytes) -> None:
    """CVE-2024-6232: tarfile needs hours for such a one."""
    size = 8 << 20
    text = gzip.compress(header("a", size, kind) + b"1" * size, 9)
    assert refused(text)


def test_empty_parts_without_end() -> None:
    assert refused(gzip.compress(b"") * 60_000) == "hardly anything is in it"


def test_a_damaged_header() -> None:
    content = bytearray(gzip.decompress(packed(("a", b"1"))))
    content[0] ^= 1
    assert refused(gzip.compress(bytes(content))) == "a header of it is damaged"


def test_every_cut_is_noticed() -> None:
    content = packed(("a", b"1" * 100), ("b", b"2"))
    for length in range(len(content)):
        assert refused(content[:length])


def test_a_name_of_somebody_else_is_harmless_in_a_message() -> None:
    assert shown("\x1b[31m\udcff" + "x" * 200) == ascii("\x1b[31m\udcff" + "x" * 74)[1:-1]


def test_too_large_a_member_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viftrail.facts.bundle.archive.MAX_MEMBER", 10)
    with pytest.raises(OSError, match="larger than"):
        packed(("a", b"x" * 11))
