"""Sends a few geneve packets from this host's tunnel address to another's.

Runs on the host itself, as ``python3 -IB - SOURCE TARGET SIZE COUNT < knock.py``:
standard library only, Python 3.6 or newer. The packets carry VNI 0, which no
logical network has, and an Ethernet frame of the experimental type 0x88b5
(IEEE 802), so whoever receives them counts them and drops them.
"""

import json
import socket
import struct
import sys
import time

PORT = 6081  # RFC 8926
IP_AND_UDP = 28
SO_NO_CHECK = 11  # asm-generic/socket.h: geneve over IPv4 needs no UDP checksum
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3  # linux/in.h: set DF, whatever was learnt before


def packet(size: int) -> bytes:
    """What follows the UDP header of an IP packet of this size."""
    geneve = struct.pack("!BBHI", 0, 0, 0x6558, 0)
    frame = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5"
    return (geneve + frame).ljust(size - IP_AND_UDP, b"\0")


def knock(source: str, target: str, size: int, count: int) -> int:
    """How many of them could be sent."""
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        sock.bind((source, 0))
        for _ in range(count):
            try:
                sock.sendto(packet(size), (target, PORT))
                sent += 1
            except OSError:
                pass  # too big for this host's own device, or dropped by its own firewall
            time.sleep(0.02)
    return sent


def main() -> None:
    """Send, and say how many went out."""
    source, target, size, count = sys.argv[1:5]
    try:
        sent = knock(source, target, int(size), int(count))
    except OSError as error:
        sys.stdout.write(json.dumps({"sent": 0, "error": str(error)}) + "\n")
        return
    sys.stdout.write(json.dumps({"sent": sent}) + "\n")


if __name__ == "__main__":
    main()
