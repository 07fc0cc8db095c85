"""Parts of ``lab ping`` that need no lab."""

from __future__ import annotations

import struct

import pytest

from viftrail.lab.ping import _checksum, _echo_request


def test_the_checksum_of_a_message_with_its_checksum_is_zero() -> None:
    for identifier in (0, 1, 0x7FFF, 0xFFFF):
        assert _checksum(_echo_request(identifier, 3)) == 0
        assert _checksum(_echo_request(identifier, 3, size=1413)) == 0


def test_an_echo_request_carries_its_identifier() -> None:
    kind, code, _, identifier, sequence = struct.unpack_from("!BBHHH", _echo_request(4711, 2))
    assert (kind, code, identifier, sequence) == (8, 0, 4711, 2)


@pytest.mark.parametrize(("size", "length"), [(0, 16), (8, 16), (1414, 1422)])
def test_an_echo_request_is_as_large_as_asked_for(size: int, length: int) -> None:
    assert len(_echo_request(1, 1, size)) == length
