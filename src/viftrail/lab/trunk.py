"""``python -m viftrail.lab.trunk NIC TAG DEVICE``: a VLAN of a NIC as a device of its own.

What ``ip link add link NIC name DEVICE type vlan id TAG`` does, for kernels without 8021q. It
runs inside the machine that has the NIC, until it is killed; the device goes with it.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import sys
from typing import Final

#: linux/if_tun.h and linux/if_packet.h, which the socket module does not know.
_TUNSETIFF: Final = 0x400454CA
_IFF_TAP_NO_PI: Final = 0x0002 | 0x1000
_SOL_PACKET: Final = 263
_PACKET_AUXDATA: Final = 8
_VLAN_VALID: Final = 0x10
#: struct tpacket_auxdata: status, two lengths, two offsets, then the tag and its protocol.
_AUXDATA: Final = struct.Struct("=IIIHHHH")
_LARGEST: Final = 65535
_8021Q: Final = 0x8100
_MACS: Final = 12


def tag_of(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The VLAN of a received frame: the kernel takes the tag out of the frame and tells it apart."""
    for level, kind, data in ancillary:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = _AUXDATA.unpack(data[: _AUXDATA.size])
            return tci & 0xFFF if status & _VLAN_VALID else None
    return None


def tagged(frame: bytes, tag: int) -> bytes:
    """The frame with an 802.1Q header."""
    return frame[:_MACS] + struct.pack("!HH", _8021Q, tag) + frame[_MACS:]


def main(nic: str, tag: int, device: str) -> None:
    """Carries frames between the VLAN and the device."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TAP_NO_PI))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        wire.bind((nic, 3))
        while True:
            ready, _, _ = select.select([tap, wire.fileno()], [], [])
            if tap in ready:
                wire.send(tagged(os.read(tap, _LARGEST), tag))
            if wire.fileno() in ready:
                frame, ancillary, _, sender = wire.recvmsg(_LARGEST, 256)
                if sender[2] != socket.PACKET_OUTGOING and tag_of(ancillary) == tag:
                    os.write(tap, frame)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
