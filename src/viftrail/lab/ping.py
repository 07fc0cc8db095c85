"""``lab ping``: proves with packets which paths of the lab work.

Runs in the client, all paths at once: each has a thread that walks into its
VM's network namespace (setns(2) is a matter of one thread) and sends from there.
A QEMU guest sends for itself: all its paths are one request on its serial line.
"""

from __future__ import annotations

import functools
import math
import os
import shlex
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from viftrail.errors import LabError, UsageError
from viftrail.lab import kernel, serial
from viftrail.lab.guest import HTTP_PORT, dry_script
from viftrail.lab.openstack import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path as FilePath

    from viftrail.lab.client import Lab
    from viftrail.lab.serial import Answer
    from viftrail.lab.status import MachineRef, NetworkStatus, Status, VmStatus

#: Several requests, because the first ever on a path may be lost to ARP on the way.
_REQUESTS: Final = 4
_INTERVAL: Final = 0.35
_CONNECT_TIMEOUT: Final = 1.5
#: linux/in.h: never fragment; the socket module does not know them.
_IP_MTU_DISCOVER: Final = 10
_IP_PMTUDISC_DO: Final = 2
_IPV6_DONTFRAG: Final = 62
_FIRST_PORT: Final = 32768
_PORTS: Final = 28000
_TURN: Final = 0.005
"""Seconds until the next source port has its turn: all have had it after two minutes."""
METADATA: Final = "169.254.169.254"
#: Bytes of the IPv4 and ICMP headers of an echo request.
_HEADERS: Final = 28
#: One DISCOVER, or two, and an end.
_DRY_CLIENT: Final = ("busybox", "udhcpc", "-f", "-n", "-q", "-t", "2", "-T", "1", "-i", "eth0")
#: No IP packet is larger.
_LARGEST: Final = 65535


class Path(msgspec.Struct, frozen=True):
    """One path and whether packets made it there and back."""

    path: str
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    ok: bool
    detail: str


class Pings(msgspec.Struct, frozen=True):
    """All paths; ``ok`` if every single one is."""

    ok: bool
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class _Probe:
    """A path to be tried, and how; ``send`` runs inside machine ``source``.

    In a QEMU guest ``script`` runs instead, and ``read`` judges what it printed.
    """

    path: str
    source: str
    target: str
    send: Callable[[], tuple[bool, str]]
    script: str = ""
    read: Callable[[Answer], tuple[bool, str]] = lambda _answer: (False, "not tried")
    place: str = ""
    """The machine whose namespace it is sent from, if that is not the source."""

    def outcome(self, ok: bool, detail: str) -> Path:
        """The path, and what came of it."""
        return Path(self.path, self.source, self.target, ok, detail)


def ping(lab: Lab, only: str | None = None, size: int = 0) -> Pings:
    """Tries every path, or those of one VM.

    Args:
        lab: whose paths.
        only: the name of the VM; None for all.
        size: bytes of payload of each ICMP echo request, which must not be fragmented;
            0 for a small one.

    Raises:
        UsageError: the lab has no such VM.
    """
    status = lab.status()
    if only is not None and only not in {vm.name for vm in status.vms}:
        raise UsageError(f"There is no VM {only!r} in lab {status.name!r}.")
    machines = {machine.name: machine for machine in lab.machines()}
    script = dry_script(lab.folder)
    gateways = {network.name: network.gateway for network in status.networks}

    def dhcp(vm: VmStatus) -> _Probe:
        environment = machines[vm.name].environment
        return _Probe(
            *("dhcp", vm.name, gateways[vm.network]),
            lambda: _dhcp(vm, environment, script),
            f"{shlex.join(_DRY_CLIENT)} -s /dhcp-dry-run",
            lambda answer: _offered(vm, answer.output),
        )

    probes = (
        _probes_of_guests(lab, status, only) if status.clouds else _of_vms(status, only, size, dhcp)
    )
    probes += _from_outside(status, only, size)
    paths: dict[int, Path] = {}

    def work(index: int, probe: _Probe) -> None:
        paths[index] = _try(probe, machines[probe.place or probe.source])

    def work_inside(line: str, indices: list[int]) -> None:
        paths.update(zip(indices, _try_inside(line, [probes[i] for i in indices]), strict=True))

    inside: dict[str, list[int]] = {}
    threads = []
    for index, probe in enumerate(probes):
        line = machines[probe.place or probe.source].serial
        if line and probe.script:
            inside.setdefault(line, []).append(index)
        else:
            # A thread each, never two probes in one: see _echo.
            threads.append(threading.Thread(target=work, args=(index, probe)))
    threads += [threading.Thread(target=work_inside, args=item) for item in inside.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = tuple(path for _, path in sorted(paths.items()))
    return Pings(ok=all(path.ok for path in ordered), paths=ordered)


def _of_vms(
    status: Status, only: str | None, size: int, dhcp: Callable[[VmStatus], _Probe]
) -> list[_Probe]:
    networks = {network.name: network for network in status.networks}
    probes: list[_Probe] = []
    for vm in status.vms:
        if only in (None, vm.name):
            guest = _Guest(status, vm, networks[vm.network], size)
            probes += [dhcp(vm), *guest.near(), *guest.over_ipv6(), *guest.far()]
    return probes


def _probes_of_guests(lab: Lab, status: Status, only: str | None) -> list[_Probe]:
    """Guests of a real Nova; the probes themselves are sent from anywhere."""
    here = status.external.name
    return [
        _Probe(path, guest, target, send, place=here)
        for path, guest, target, send in reach.paths(lab, status, only)
    ]


def _from_outside(status: Status, only: str | None, size: int) -> list[_Probe]:
    """What the external host sends to floating IPs."""
    probes = []
    for floating in status.floating_ips:
        if only in (None, floating.vm):
            source, ip = status.external.name, floating.ip
            probes.append(_icmp("floating-ip-icmp", source, ip, ip, size))
            probes.append(_tcp("floating-ip-tcp", source, ip))
    return probes


def _icmp(path: str, source: str, target: str, address: str, size: int) -> _Probe:
    send = functools.partial(_echo, address, size)
    return _Probe(path, source, target, send, _echo_script(address, size), _answered)


def _tcp(path: str, source: str, target: str) -> _Probe:
    send = functools.partial(_connect, target)
    return _Probe(path, source, target, send, _connect_script(target), _answered)


@dataclass(frozen=True)
class _Guest:
    """The paths out of one VM."""

    status: Status
    vm: VmStatus
    network: NetworkStatus
    size: int

    def near(self) -> Iterator[_Probe]:
        """To its gateway, which on a provider network is the provider's, and to its peers."""
        gateway = self.network.gateway
        yield self._ping("gateway" if self._routed else "provider", gateway, gateway)
        for path, peer in self._peers():
            yield self._ping(path, peer.name, peer.ip, peer)

    def over_ipv6(self) -> Iterator[_Probe]:
        """The same by IPv6, where its network has that."""
        vm, gateway = self.vm, self.network.gateway6
        if not vm.ip6:
            return
        yield self._ping6("gateway6", gateway, gateway)
        for path, peer in self._peers():
            yield self._ping6(f"{path}6", peer.name, peer.ip6, peer)
        yield _Probe("dhcp6", vm.name, gateway, functools.partial(_dhcp6, vm.mac))

    def far(self) -> Iterator[_Probe]:
        """To the metadata service, and out by the cloud's router."""
        vm, external = self.vm, self.status.external
        if self._routed:
            yield self._ping("external", external.name, external.ip)
        if vm.lease is not None:
            yield _tcp("metadata", vm.name, METADATA)
        if self._routed:
            yield self._ping("beyond", external.beyond, external.beyond)

    @property
    def _routed(self) -> bool:
        return bool(self.network.router)

    def _peers(self) -> Iterator[tuple[str, VmStatus]]:
        for path, near in (("same-host", True), ("other-host", False)):
            peer = _peer(self.status, self.vm, same_host=near)
            if peer is not None:
                yield path, peer

    def _ping(self, path: str, target: str, address: str, peer: VmStatus | None = None) -> _Probe:
        """Out of a guest, which needs an address, as its peer does."""
        lacking = [e.name for e in (self.vm, peer) if e is not None and e.lease is None]
        if lacking:
            words = f"{lacking[0]} has no IPv4 address"
            return _Probe(path, self.vm.name, target, functools.partial(_hopeless, words))
        return _icmp(path, self.vm.name, target, address, self.size)

    def _ping6(self, path: str, target: str, address: str, peer: VmStatus | None = None) -> _Probe:
        lacking = [e.name for e in (self.vm, peer) if e is not None and e.address6 is None]
        send = functools.partial(_echo6, address, self.size)
        if lacking:
            send = functools.partial(_hopeless, f"{lacking[0]} has no IPv6 address")
        return _Probe(path, self.vm.name, target, send)


def _hopeless(why: str) -> tuple[bool, str]:
    return False, why


def _peer(status: Status, vm: VmStatus, *, same_host: bool) -> VmStatus | None:
    """The next VM of its network on the same host, or on another."""
    names = [other.name for other in status.vms]
    start = names.index(vm.name)
    for other in status.vms[start + 1 :] + status.vms[:start]:
        if other.network == vm.network and (other.host == vm.host) == same_host:
            return other
    return None


def _try(probe: _Probe, machine: MachineRef) -> Path:
    if machine.serial:
        return probe.outcome(*probe.send())  # nothing to send: it is hopeless
    try:
        net = os.open(machine.net, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Only this thread moves, and it ends before long.
            kernel.setns(net, kernel.CLONE_NEWNET)
        finally:
            os.close(net)
        ok, detail = probe.send()
    except OSError as error:
        ok, detail = False, str(error)
    return probe.outcome(ok, detail)


def _try_inside(line: str, probes: Sequence[_Probe]) -> list[Path]:
    """Has a QEMU guest try its paths."""
    try:
        answers = serial.run_scripts(line, [probe.script for probe in probes])
    except LabError as error:
        return [probe.outcome(False, error.what) for probe in probes]
    pairs = zip(probes, answers, strict=True)
    return [probe.outcome(*probe.read(answer)) for probe, answer in pairs]


def _answered(answer: Answer) -> tuple[bool, str]:
    """A script says in its last line what it saw."""
    lines = (answer.output + answer.errors).strip().splitlines()
    return answer.code == 0, lines[-1] if lines else f"exit {answer.code}"


def _dhcp(vm: VmStatus, environment: dict[str, str], script: FilePath) -> tuple[bool, str]:
    """One real DISCOVER, OFFER, REQUEST and ACK that changes nothing in the guest."""
    if vm.mac_in_guest is None:
        return False, "the guest has no eth0"
    try:
        run = subprocess.run(
            [*_DRY_CLIENT, "-s", str(script)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4.0,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, "no answer to DHCPDISCOVER"
    return _offered(vm, run.stdout)


def _offered(vm: VmStatus, said: str) -> tuple[bool, str]:
    """Whether the client was offered the address that the VM shall have."""
    leased = [line.split()[1] for line in said.splitlines() if line.startswith("leased ")]
    if not leased:
        return False, "no answer to DHCPDISCOVER"
    if leased[0] != vm.ip:
        return False, f"offered {leased[0]}, Neutron's address is {vm.ip}"
    return True, f"offered {leased[0]}"


def _echo(address: str, size: int = 0) -> tuple[bool, str]:
    """ICMP echo requests until the first answer.

    The identifier must be no other VM's: they share one SNAT address, and the
    userspace datapath's NAT does not rewrite identifiers, it gives up. Thread ids
    are not used again before long.
    """
    identifier = threading.get_native_id() & 0xFFFF
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
        sock.connect((address, 0))
        for sequence in range(1, _REQUESTS + 1):
            sent = time.monotonic()
            sock.send(_echo_request(identifier, sequence, size))
            while (left := sent + _INTERVAL - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    packet = sock.recv(_LARGEST)
                except TimeoutError:
                    break
                header = (packet[0] & 0xF) * 4
                kind, _, _, answered = struct.unpack_from("!BBHH", packet, header)
                if kind == 0 and answered == identifier:
                    return True, f"{(time.monotonic() - sent) * 1000:.1f} ms"
    return False, f"no answer to {_REQUESTS} echo requests"


def _echo_script(address: str, size: int) -> str:
    """The same by BusyBox, whose ping cannot be told never to fragment."""
    # Below eight bytes there is no room for the time that it prints.
    request = f"ping -c 1 -W 1 -s {max(size, 8)} {address}"
    return f"""\
[ {size + _HEADERS} -le "$(cat /sys/class/net/eth0/mtu)" ] || {{ echo Message too long; exit 1; }}
for request in {" ".join(map(str, range(_REQUESTS)))}; do
    {request} >/tmp/echo.$$ 2>&1 && sed -n 's/.*time=//p' /tmp/echo.$$ && exit 0
done
echo no answer to {_REQUESTS} echo requests
exit 1
"""


def _connect_script(address: str) -> str:
    """As `_connect`, by BusyBox; it waits for whole seconds."""
    wait = math.ceil(_CONNECT_TIMEOUT)
    return f"""\
printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w {wait} {address} {HTTP_PORT} | grep -q '^HTTP/' &&
    echo answered && exit 0
echo no HTTP answer from port {HTTP_PORT} within {wait} s
exit 1
"""


def _echo6(address: str, size: int = 0) -> tuple[bool, str]:
    """The same over IPv6; the kernel computes the checksum (RFC 3542)."""
    identifier = threading.get_native_id() & 0xFFFF
    payload = b"viftrail".ljust(size, b"\0")
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)
        sock.connect((address, 0))
        for sequence in range(1, _REQUESTS + 1):
            sent = time.monotonic()
            sock.send(struct.pack("!BBHHH", 128, 0, 0, identifier, sequence) + payload)
            while (left := sent + _INTERVAL - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    packet = sock.recv(_LARGEST)
                except TimeoutError:
                    break
                kind, _, _, answered = struct.unpack_from("!BBHH", packet)
                if kind == 129 and answered == identifier:
                    return True, f"{(time.monotonic() - sent) * 1000:.1f} ms"
    return False, f"no answer to {_REQUESTS} echo requests"


def _dhcp6(mac: str) -> tuple[bool, str]:
    """One DHCPv6 Information-request and its Reply (RFC 8415): what changes nothing in the guest."""
    transaction = threading.get_native_id() & 0xFFFFFF
    # Of type 11, with a client identifier of its MAC (DUID-LL), and asking for DNS servers.
    duid = struct.pack("!HH", 3, 1) + bytes.fromhex(mac.replace(":", ""))
    request = struct.pack("!I", 11 << 24 | transaction)
    request += struct.pack("!HH", 1, len(duid)) + duid + struct.pack("!HHH", 6, 2, 23)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", 546))
        index = socket.if_nametoindex("eth0")
        for _ in range(_REQUESTS):
            sock.sendto(request, ("ff02::1:2", 547, 0, index))
            sock.settimeout(_INTERVAL)
            try:
                answer = sock.recv(_LARGEST)
            except TimeoutError:
                continue
            if answer[:1] == b"\x07" and answer[1:4] == request[1:4]:
                return True, "options received"
    return False, "no answer to the DHCPv6 request"


def _echo_request(identifier: int, sequence: int, size: int = 0) -> bytes:
    payload = b"viftrail".ljust(size, b"\0")
    header = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    checksum = _checksum(header + payload)
    return struct.pack("!BBHHH", 8, 0, checksum, identifier, sequence) + payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    folded: int = total + (total >> 16)
    return ~folded & 0xFFFF


def _connect(address: str) -> tuple[bool, str]:
    """A TCP connection to a web server, and its answer."""
    began = time.monotonic()
    try:
        with _fresh_socket() as sock:
            sock.settimeout(_CONNECT_TIMEOUT)
            sock.connect((address, HTTP_PORT))
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if not sock.recv(4096).startswith(b"HTTP/"):
                return False, "connected, but no HTTP answer"
    except TimeoutError:
        return False, f"no connection to port {HTTP_PORT} within {_CONNECT_TIMEOUT:g} s"
    return True, f"{(time.monotonic() - began) * 1000:.1f} ms"


def _fresh_socket() -> socket.socket:
    """Of a port that nobody in the lab had for two minutes, though its guests come and go.

    The kernel would take one again after seconds. When the connection that had it is closed and
    still tracked, ovs-vswitchd 3.1.0 fails an assertion in lib/conntrack.c:conn_update_state() on
    the userspace datapath, and is gone.
    """
    turn = int(time.monotonic() / _TURN)
    for attempt in range(_PORTS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.bind(("", _FIRST_PORT + (turn + attempt) % _PORTS))
        except OSError:
            sock.close()
        else:
            return sock
    raise OSError("every port is taken")
