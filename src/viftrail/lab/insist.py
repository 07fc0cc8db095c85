"""A DHCP client that asks for one address for ever, whatever it is offered.

Runs in a guest, as ``python3 - DEVICE ADDRESS < insist.py``: what a client does that was rebooted
with the lease of another network on its disk (RFC 2131, section 4.3.2, INIT-REBOOT), only that
such a one gives up at the first DHCPNAK, and some never do. Standard library only.
"""

import socket
import struct
import sys
import time

ETH_P_IP = 0x0800
PAUSE = 1.5  # seconds; ovn-controller logs 20 answers a minute (controller/pinctrl.c)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def request(mac: bytes, address: str) -> bytes:
    """A broadcast DHCPREQUEST in an Ethernet frame, without the server's identifier."""
    bootp = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x76696674, 0, 0x8000) + bytes(16) + mac
    options = b"\x63\x82\x53\x63" + b"\x35\x01\x03" + b"\x32\x04" + socket.inet_aton(address)
    payload = bootp.ljust(236, b"\0") + options + b"\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    fields = (0x45, 0, 20 + len(udp), 0, 0, 64, 17)
    ends = bytes(4) + b"\xff" * 4
    header = struct.pack("!BBHHHBBH", *fields, 0) + ends
    header = struct.pack("!BBHHHBBH", *fields, checksum(header)) + ends
    return b"\xff" * 6 + mac + struct.pack("!H", ETH_P_IP) + header + udp


def main() -> None:
    """Ask, and ask again."""
    device, address = sys.argv[1:3]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        frame = request(sock.getsockname()[4], address)
        while True:
            sock.send(frame)
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
