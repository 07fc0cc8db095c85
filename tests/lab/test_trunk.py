"""The VLAN device of kernels without 8021q: frames in and out of their tag."""

from __future__ import annotations

import struct

from viftrail.lab.trunk import tag_of, tagged

FRAME = bytes(range(12)) + b"\x08\x00" + b"payload"


def auxdata(status: int, tci: int) -> list[tuple[int, int, bytes]]:
    return [(263, 8, struct.pack("=IIIHHHH", status, 60, 60, 0, 14, tci, 0x8100))]


def test_the_tag_is_put_behind_the_addresses() -> None:
    assert tagged(FRAME, 100) == FRAME[:12] + b"\x81\x00\x00\x64" + FRAME[12:]


def test_the_kernel_tells_the_tag_apart_and_its_priority_bits_are_no_part_of_it() -> None:
    assert tag_of(auxdata(0x10, 0xE064)) == 100


def test_an_untagged_frame_is_of_no_vlan() -> None:
    assert tag_of(auxdata(0, 0)) is None
    assert tag_of([]) is None
