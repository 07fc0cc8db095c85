"""Parts of ``lab ping`` that need no lab."""

from __future__ import annotations

import struct

from viftrail.lab.ping import _checksum, _echo_request


def test_the_checksum_of_a_message_with_its_checksum_is_zero() -> None:
    for identifier in (0, 1, 0x7FFF, 0xFFFF):
        assert _checksum(_echo_request(identifier, 3)) == 0


def test_an_echo_request_carries_its_identifier() -> None:
    kind, code, _, identifier, sequence = struct.unpack_from("!BBHHH", _echo_request(4711, 2))
    assert (kind, code, identifier, sequence) == (8, 0, 4711, 2)
