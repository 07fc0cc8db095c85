"""The few Linux calls that the lab needs and Python 3.10 does not wrap.

All of them act on the calling *thread* (setns(2), unshare(2), prctl(2)), so
the lab's keeper, which uses them most, has one thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWNET: Final = 0x40000000

_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_SLAVE: Final = 1 << 19
_MNT_DETACH: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36

_SIOCGIFADDR: Final = 0x8915
_SIOCGIFMTU: Final = 0x8921
_SIOCGIFHWADDR: Final = 0x8927
_SIOCETHTOOL: Final = 0x8946
_ETHTOOL_STXCSUM: Final = 0x17

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, call: str) -> None:
    """Turns a libc failure into an OSError that names the call."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def bind(source: Path, target: Path) -> None:
    """Mounts a folder over another one, with whatever is mounted in it."""
    arguments = (os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None)
    _checked(_libc.mount(*arguments), f"mount {target}")


def setns(fd: int, kind: int) -> None:
    """Moves the calling thread into the namespace behind ``fd``."""
    _checked(_libc.setns(fd, kind), "setns")


def die_with_parent(signal_number: int) -> None:
    """Asks the kernel to send this process a signal when its parent thread ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent ends."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


@dataclass(frozen=True)
class Namespaces:
    """Open descriptors of one network, one mount and one host-name namespace.

    Nothing is entered under /run/netns: the kernel drops the namespaces, and
    every link in them, when the last descriptor and the last process are gone.
    """

    net: int
    mnt: int
    uts: int

    @classmethod
    def of_this_process(cls) -> Namespaces:
        """The namespaces the caller lives in now."""
        net, mnt, uts = (
            os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
            for kind in ("net", "mnt", "uts")
        )
        return cls(net, mnt, uts)

    @classmethod
    def fresh(cls, hostname: str, hosts_file: Path, home: Namespaces) -> Namespaces:
        """Makes new ones, prepared as a computer expects them, and returns home.

        /sys is mounted anew because /sys/class/net shows the network namespace
        of whoever *mounted* it; /etc/hosts is covered by ``hosts_file``.
        """
        _checked(_libc.unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS), "unshare")
        try:
            _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None), "mount")
            _libc.umount2(b"/sys", _MNT_DETACH)
            _checked(_libc.mount(b"sysfs", b"/sys", b"sysfs", 0, None), "mount /sys")
            # A machine without /etc/hosts has nothing to cover: not worth failing for.
            _libc.mount(os.fsencode(hosts_file), b"/etc/hosts", None, _MS_BIND, None)
            socket.sethostname(hostname)
            return cls.of_this_process()
        finally:
            home.enter()

    def enter(self) -> None:
        """Moves the calling, only thread of this process in for good."""
        # The mount namespace last: it resets the working directory to its root.
        setns(self.net, CLONE_NEWNET)
        setns(self.uts, CLONE_NEWUTS)
        setns(self.mnt, CLONE_NEWNS)

    @contextlib.contextmanager
    def visited_from(self, home: Namespaces) -> Iterator[None]:
        """Enters for the length of a ``with`` block, then goes back home."""
        try:
            self.enter()
            yield
        finally:
            home.enter()

    def close(self) -> None:
        """Lets go of the namespaces."""
        for fd in (self.net, self.mnt, self.uts):
            os.close(fd)


def compute_checksums(link: str) -> None:
    """Does what ``ethtool -K LINK tx off`` does, in the namespace of the caller.

    A veth hands packets over with the checksum left to "hardware"; Open
    vSwitch's userspace datapath would take them for corrupt, and TCP would die.
    """
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP16x", link.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCETHTOOL, request)


def ipv4_of(link: str) -> str | None:
    """The first IPv4 address of a link in the caller's namespace, if it has one."""
    request = struct.pack("16sH238x", link.encode(), socket.AF_INET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def ipv6_of(link: str) -> str | None:
    """The first global IPv6 address of a link in the caller's namespace, if it has one.

    /proc/net/if_inet6: address, index, prefix length, scope (00: global), flags, name.
    """
    try:
        # Through the task's own net: /proc/net is a link to that of the process.
        text = Path("/proc/thread-self/net/if_inet6").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        address, _, _, scope, _, name = line.split()
        if name == link and scope == "00":
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
    return None


def mac_of(link: str) -> str | None:
    """The MAC address of a link in the caller's namespace, if the link exists."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFHWADDR, struct.pack("16s240x", link.encode()))
        except OSError:
            return None
    return answer[18:24].hex(":")


def mtu_of(link: str) -> int:
    """The MTU of a link in the caller's namespace; 0 if there is no such link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFMTU, struct.pack("16s240x", link.encode()))
        except OSError:
            return 0
    (mtu,) = struct.unpack_from("i", answer, 16)
    return int(mtu)


def announce(link: str, address: str) -> None:
    """Broadcasts one unasked ARP reply for ``address``, as ``arping -A -c1`` does.

    Open vSwitch learns the MAC of a tunnel's far end from ARP replies it sees;
    without this the first packet of every native tunnel is lost.
    """
    mac_text = mac_of(link)
    if mac_text is None:
        return
    mac, ip = bytes.fromhex(mac_text.replace(":", "")), socket.inet_aton(address)
    reply = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, mac, ip, b"\xff" * 6, ip)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((link, 0x0806))
        sock.send(b"\xff" * 6 + mac + b"\x08\x06" + reply)
