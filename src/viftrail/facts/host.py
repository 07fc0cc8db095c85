"""One host, as the probe script saw it, in types."""

from __future__ import annotations

import ipaddress
import re
from functools import cached_property
from importlib import resources

import msgspec

from viftrail.errors import ProtocolError
from viftrail.facts import vswitch
from viftrail.facts.clock import Offset
from viftrail.facts.database import Database
from viftrail.facts.ovsdb.values import decode_rows
from viftrail.facts.places import Places
from viftrail.facts.table import Table
from viftrail.facts.vswitch import Bridge, Interface, OpenVSwitch, Port

PROBE_FORMAT = 1

FAR_BEHIND = 1000
"""Entries of a cluster's log: members that are looked at one after the other differ by a few."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A daemon that left a pid file. ``state`` is /proc's letter, empty when it is gone."""

    pid: int
    state: str = ""
    started: float = 0.0
    """Seconds after the host's boot."""
    command: str = ""
    container: bool = False
    """Docker or podman runs it, and no unit of the host's own."""

    @property
    def runs(self) -> bool:
        """Alive and not stopped: able to do its work."""
        return self.state not in ("", "Z", "X", "T", "t")


class Address(msgspec.Struct, frozen=True):
    """One IP address of a device."""

    local: str
    prefixlen: int = 0
    family: str = ""

    def __post_init__(self) -> None:
        """What is no address is refused here, and not by whoever compares it."""
        ipaddress.ip_interface(f"{self.local}/{self.prefixlen}")


class LinkInfo(msgspec.Struct, frozen=True):
    """``ip -d``: what kind of device it is."""

    info_kind: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A network device of the host's kernel."""

    ifname: str
    link: str = ""
    """What it is on top of, as a VLAN is on its NIC."""
    address: str = ""
    master: str = ""
    mtu: int = 0
    flags: tuple[str, ...] = ()
    addr_info: tuple[Address, ...] = ()
    linkinfo: LinkInfo = LinkInfo()

    @property
    def up(self) -> bool:
        """Administratively up."""
        return "UP" in self.flags

    @property
    def addressed(self) -> bool:
        """It has an address of the host's own, IPv4 or IPv6; a link-local one any device has."""
        return any(
            not ipaddress.ip_address(address.local.partition("%")[0]).is_link_local
            for address in self.addr_info
        )

    @property
    def carrier(self) -> bool:
        """The other end is there and up."""
        return "LOWER_UP" in self.flags


class Flows(msgspec.Struct, frozen=True):
    """The flow table of the integration bridge, in brief."""

    bridge: str
    count: int
    ports: tuple[str, ...] = ()


class Counters(msgspec.Struct, frozen=True):
    """Packets (in, out) by OpenFlow port, at both ends of a window of ``seconds``."""

    seconds: float = 0.0
    first: dict[str, tuple[int, int]] = {}
    second: dict[str, tuple[int, int]] = {}


class Flaps(msgspec.Struct, frozen=True):
    """How often BFD went up or down, by tunnel Interface, at both ends of a window."""

    seconds: float = 0.0
    first: dict[str, int] = {}
    second: dict[str, int] = {}

    def within(self, interface: str) -> int:
        """How often it did so within the window; 0 where the Interface was made in it."""
        last = self.second.get(interface, 0)
        return last - self.first.get(interface, last)


class Disk(msgspec.Struct, frozen=True):
    """A file system, in bytes."""

    path: str
    total: int
    free: int


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What an OVN database server says of itself: its row in ``_Server`` (ovsdb-server(7))."""

    model: str = ""
    """standalone, clustered or relay."""
    connected: bool = True
    """In contact with a majority of its cluster; always true of a standalone one."""
    leader: bool = True
    ports: tuple[int, ...] | None = None
    """The TCP ports that it listens on; None when that was not to be seen."""
    status: str = ""
    """What a member of a cluster answers to cluster/status (ovsdb-server(1)); empty: nothing."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How ovn-controller is to speak TLS: table SSL of conf.db, and what its files hold."""

    private_key: str = ""
    certificate: str = ""
    ca_cert: str = ""
    authorities: tuple[str, ...] = ()
    """SHA-256 of each certificate in ``ca_cert``; empty when none could be read."""
    since: float = 0.0
    until: float = 0.0
    """When the host's own certificate is valid; 0 when that is not known."""
    subject: str = ""
    issuer: str = ""
    verified: str = ""
    """``OK``, or what openssl-verify(1) says of the certificate by ``ca_cert``; empty: nothing."""
    beside: dict[str, tuple[str, ...]] = {}
    """Other files of certificates in the folder of ``ca_cert``, with their SHA-256."""


class Memory(msgspec.Struct, frozen=True):
    """The host's memory, in bytes."""

    total: int = 0
    available: int = 0


class Failure(msgspec.Struct, frozen=True):
    """A question that the host did not answer."""

    what: str
    why: str

    @property
    def hung(self) -> bool:
        """It was waited for in vain."""
        return "no answer within" in self.why


class FirewallRule(msgspec.Struct, frozen=True, kw_only=True):
    """An nftables rule that looks at a UDP port."""

    family: str
    table: str
    chain: str
    handle: int
    udp_port: int
    drops: bool
    narrow: bool = False
    """It looks at more than the port, so it may spare the packets in question."""


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A guest's own view of its NIC, where the source can ask the guest."""

    port_id: str
    mac: str = ""
    up: bool = True
    addresses: tuple[str, ...] = ()
    mtu: int = 0
    """Of the same NIC; 0 where it was not asked for."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A NIC of a VM as libvirt has it (libvirt.org, Domain XML format)."""

    mac: str
    kind: str = ""
    """``ethernet``: os-vif plugged it (Nova 24 and later); ``bridge``: libvirt did, or it is hybrid."""
    device: str = ""
    """Its name on the host."""
    bridge: str = ""
    port_id: str = ""
    """Of a ``virtualport``; only libvirt's own plug into Open vSwitch has one."""
    down: bool = False
    """Its link was set down."""


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A VM that runs here, as libvirt has it; Nova gives it the server's id."""

    name: str
    uuid: str
    state: str = ""
    cards: tuple[Card, ...] = ()


class ConnTrack(msgspec.Struct, frozen=True):
    """Connections that are tracked, and how many may be."""

    count: int
    limit: int


class Host(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything one probe run saw. Times in seconds since 1970."""

    format: int
    hostname: str
    time: float
    ended: float = 0.0
    """When the probe had seen all, by the same clock."""
    clock: Offset | None = None
    """That clock against the one of who looked."""
    uptime: float = 0.0
    euid: int = 0
    kernel: str = ""
    python: str = ""
    processes: dict[str, Process] = {}
    unixctl: dict[str, dict[str, str]] = {}
    vswitch: dict[str, list[dict[str, object]]] = {}
    links: tuple[Link, ...] = ()
    flows: Flows | None = None
    counters: Counters = Counters()
    flaps: Flaps = Flaps()
    heard: dict[str, tuple[str, ...]] = {}
    """Source MACs that came out of each tap within the window."""
    firewall: tuple[FirewallRule, ...] = ()
    servers: dict[str, Server] = {}
    """By the database's name. One that did not answer is missing."""
    tls: Tls | None = None
    """None where conf.db names no certificates, or nobody asked."""
    disks: tuple[Disk, ...] = ()
    memory: Memory = Memory()
    conntrack: ConnTrack | None = None
    """The kernel's; ovs-vswitchd answers for its own datapath in ``unixctl``."""
    guests: tuple[Guest, ...] = ()
    domains: tuple[Domain, ...] | None = None
    """VMs that run; None where libvirt is not, or may not be looked at."""
    places: Places = Places()
    """Where OVN, Open vSwitch and Neutron keep their things there."""
    errors: tuple[Failure, ...] = ()
    conf_only: bool = False
    """Its conf.db was given as a file: nobody looked at its processes, devices and flows."""
    reported: float = 0.0
    """When its report was made, and there its cluster/status if it has one; ``time`` is then when
    the newest of all that was saved was. 0: it was probed."""

    @property
    def looked_at(self) -> float:
        """When it was looked at, by the collector's clock as far as the two were compared."""
        return (self.reported or self.time) - (self.clock.ahead if self.clock else 0.0)

    @cached_property
    def conf(self) -> Database:
        """conf.db in types; complete where it could be read at all."""
        complete = bool(self.vswitch)
        return Database(
            {
                row_type: Table(
                    decode_rows(row_type, self.vswitch.get(row_type.table, [])), complete=complete
                )
                for row_type in vswitch.TABLES
            }
        )

    @property
    def hangs(self) -> bool:
        """Something there was waited for in vain."""
        return any(failure.hung for failure in self.errors)

    def age(self, daemon: str) -> float:
        """Seconds since this daemon was started; 0 when it does not run."""
        process = self.processes.get(daemon)
        return max(0.0, self.uptime - process.started) if process and process.runs else 0.0

    def failures(self, question: str) -> tuple[Failure, ...]:
        """Those of the questions that begin like this."""
        return tuple(failure for failure in self.errors if failure.what.startswith(question))

    @property
    def settings(self) -> dict[str, str]:
        """``Open_vSwitch.external_ids``: how ovn-controller is configured."""
        rows = self.conf[OpenVSwitch].rows
        return rows[0].external_ids if rows else {}

    @property
    def chassis_name(self) -> str:
        """The system-id, which is Chassis.name in Southbound."""
        return self.settings.get("system-id", "")

    @property
    def integration_bridge(self) -> str:
        """The bridge that ovn-controller fills."""
        return self.settings.get("ovn-bridge", "br-int")

    @cached_property
    def link_by_name(self) -> dict[str, Link]:
        """The host's network devices."""
        return {link.ifname: link for link in self.links}

    @cached_property
    def bridge_of(self) -> dict[str, str]:
        """Interface name → name of the bridge whose port it is in."""
        ports = self.conf[Port].by("uuid")
        interfaces = self.conf[Interface].by("uuid")
        found: dict[str, str] = {}
        for bridge in self.conf[Bridge]:
            for port_id in bridge.ports:
                for port in ports.get(port_id, ()):
                    for interface_id in port.interfaces:
                        for interface in interfaces.get(interface_id, ()):
                            found[interface.name] = bridge.name
        return found

    @cached_property
    def tunnels(self) -> dict[str, tuple[Interface, ...]]:
        """The tunnel Interfaces that ovn-controller made, by the Chassis.name they lead to."""
        interfaces = self.conf[Interface].by("uuid")
        found: dict[str, tuple[Interface, ...]] = {}
        for port in self.conf[Port]:
            # NAME@REMOTE-IP, and since 24.03 %LOCAL-IP (controller/encaps.c).
            chassis = port.external_ids.get("ovn-chassis-id", "").partition("@")[0]
            if chassis:
                rows = (row for uuid in port.interfaces for row in interfaces.get(uuid, ()))
                found[chassis] = (*found.get(chassis, ()), *rows)
        return found

    @property
    def central(self) -> bool:
        """It runs, or ran, the OVN databases or ovn-northd."""
        return any(name in self.processes for name in ("ovnnb_db", "ovnsb_db", "ovn-northd"))

    def domain(self, server_id: str) -> Domain | None:
        """The VM of this server, if it runs here and libvirt's files were seen."""
        return next((each for each in self.domains or () if each.uuid == server_id), None)

    def guest(self, port_id: str) -> Guest | None:
        """The guest behind this port, if it could be asked."""
        return next((guest for guest in self.guests if guest.port_id == port_id), None)


_BORROWED = re.compile(r"^from viftrail\.facts\.(\w+) import (?:\([^)]*\)|[^(\n]+)\n", re.MULTILINE)


_host = msgspec.json.Decoder(Host)
"""Made here and once: answers are read in a thread for each host, and msgspec works out what a
Struct is made of when it is first asked for, which two threads at a time do not survive."""


def probe_script() -> bytes:
    """The source of the probe in one file, to be run by a host's own python3.

    The modules that probe.py imports stand in front of it instead.
    """
    folder = resources.files("viftrail.facts")
    probe = folder.joinpath("probe.py").read_text("utf-8")
    parts = [folder.joinpath(f"{name}.py").read_text("utf-8") for name in _BORROWED.findall(probe)]
    return "".join([*parts, _BORROWED.sub("", probe)]).encode()


def read_probe(text: bytes) -> Host:
    """Turn the probe's output into a `Host`.

    The probe prints one line. What a login shell prints around it is skipped.

    Raises:
        ProtocolError: the text is not what the probe prints.
    """
    lines = [line for line in text.splitlines() if line.startswith(b"{")] or [text.strip()]
    try:
        host = _host.decode(lines[-1])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(
            f"The probe's answer cannot be read ({error}).",
            "Check that `python3 --version` prints just that on the host, and no login banner.",
        ) from error
    if host.format != PROBE_FORMAT:
        raise ProtocolError(
            f"The probe answered in format {host.format}, not {PROBE_FORMAT}.",
            "Install viftrail anew: its parts are of different versions.",
        )
    _ = host.conf  # what is no Open_vSwitch row shall be told here, not halfway through
    return host
