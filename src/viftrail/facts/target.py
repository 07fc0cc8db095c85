"""From what an operator types to the id of a logical port."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from viftrail.errors import AmbiguousTarget, UnknownTarget, UsageError
from viftrail.facts import network_port
from viftrail.facts.inquiry import NORTHBOUND, Inquiry
from viftrail.facts.northbound import NAT, DHCPOptions, LogicalRouter, LogicalSwitchPort
from viftrail.facts.openstack import OpenStack
from viftrail.facts.owner import OwnedPort, Owner
from viftrail.facts.source import Ask, Source
from viftrail.facts.southbound import PortBinding
from viftrail.facts.vswitch import Interface

_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_LONG = 80
_NEAR = 3
"""Names that are offered instead of a mistyped one."""

_ELSE = "a port id, a MAC, a fixed or a floating IP, or a device name such as tap0b63cd1e-5d."
_DEVICE = re.compile(r"(?:tap|qvo|qvb|vhu)([0-9a-f]{8}-[0-9a-f]{2})", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One port that answers to what was asked."""

    port_id: str
    server: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    server_id: str = ""
    """Of a server that has no port, so that the port's id is empty."""

    def __str__(self) -> str:
        return "  ".join(
            part
            for part in (
                self.port_id or f"server {self.server_id}",
                self.server,
                self.mac,
                *self.addresses,
            )
            if part
        )


def is_mac(text: str) -> bool:
    """Six pairs of hexadecimal digits."""
    return _MAC.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bare(text: str) -> str:
    """An IPv6 address without the brackets that URLs have around one (RFC 3986 section 3.2.2)."""
    inner = text[1:-1]
    bracketed = text.startswith("[") and text.endswith("]")
    return inner if bracketed and ":" in inner and is_address(inner) else text


def spelled(text: str) -> str:
    """A target as databases spell it: of an address's many spellings the shortest (RFC 5952)."""
    bare = _bare(text.strip())
    return str(ipaddress.ip_address(bare)) if is_address(bare) else text


def split_pair(text: str) -> tuple[str, ...]:
    """``A:B`` as (A, B); a single target as (A,). MACs and IPv6 addresses keep their colons.

    Addresses come as databases spell them; around one of IPv6 there may be brackets.

    Raises:
        UsageError: an end is empty, or it is no text at all.
    """
    if not text.strip():
        raise UsageError("The target is empty.", "Give a VM name, a port id, a MAC or an IP.")
    # Bytes that are no UTF-8 arrive as lone surrogates (PEP 383).
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise UsageError(
            f"The target {_shown(ascii(text))} is not readable text.",
            "Type its name again, or give its port id.",
        )
    if is_mac(text) or is_address(_bare(text)) or ":" not in text:
        ends: tuple[str, ...] = (text,)
    else:
        places = [index for index, letter in enumerate(text) if letter == ":"]
        ends = max(((text[:at], text[at + 1 :]) for at in places), key=_plausible)
    if not all(end.strip() for end in ends):
        raise UsageError(
            f"The target {text!r} has an empty end.", "A pair is written A:B, a single target A."
        )
    return tuple(map(spelled, ends))


def _plausible(ends: tuple[str, ...]) -> tuple[bool, int, int]:
    """How well a pair is split: no colon is left over; of two MACs no IPv6 address is made."""
    special = [is_mac(end) or is_address(_bare(end)) for end in ends]
    plain = sum(known or ":" not in end for known, end in zip(special, ends, strict=True))
    return all(end.strip() for end in ends), plain, sum(map(is_mac, ends))


def _shown(text: str) -> str:
    """As it was typed, or the beginning of it."""
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text)} characters)"


def resolve(inquiry: Inquiry, text: str) -> Found:
    """The one port that ``text`` means.

    Raises:
        UnknownTarget: there is none, or it is a port of the network itself.
        AmbiguousTarget: there are several; they are listed.
    """
    found = _owned(inquiry.source.owner, text) + _portless(inquiry.source.openstack, text)
    found = found or _stored(inquiry, text) or _plugged(inquiry.source, text)
    if not found:
        inquiry.insist(NORTHBOUND)
        raise UnknownTarget(
            f"Nothing here is called {_shown(text)}.", _advice(inquiry.source, text)
        )
    if len(found) > 1:
        ports = all(each.port_id for each in found)
        raise AmbiguousTarget(
            f"{len(found)} {'ports' if ports else 'servers and ports'} answer to {_shown(text)}.",
            f"Ask for one of them by its {'port id' if ports else 'id'}:",
            tuple(sorted(map(str, found))),
        )
    return found[0]


def _advice(source: Source, text: str) -> str:
    """What to try instead: a name that looks like it, or something else than a name."""
    names = {port.server for port in source.owner.ports}
    names.update(server.name for server in source.openstack.servers or ())
    if is_mac(text) or is_address(text):
        return "Give the VM's name or id, or a port id: nothing has this address."
    folded = {name.lower(): name for name in sorted(filter(None, names))}
    near = get_close_matches(text.lower(), folded, n=1 if text.lower() in folded else _NEAR)
    if near:
        return f"Did you mean {' or '.join(folded[each] for each in near)}?"
    if names or source.openstack.asked:
        return f"Give a VM's name or id, {_ELSE}"
    return (
        f"OVN does not know servers' names: give the server's id, {_ELSE} "
        "A look with --os-cloud finds names too."
    )


def _owned(owner: Owner, text: str) -> list[Found]:
    """Among the ports that the owner wants."""
    lower = text.lower()
    device = _DEVICE.fullmatch(text)
    by_fip = {fip.port_id for fip in owner.floating_ips if text in (fip.ip, fip.id)}

    def means(port: OwnedPort) -> bool:
        names = (port.id, port.server, port.server_id, *port.addresses)
        return (
            text in names
            or port.id in by_fip
            or port.mac.lower() == lower.replace("-", ":")
            or bool(device and port.id.startswith(device.group(1).lower()))
        )

    return [
        Found(port.id, port.server, port.mac, port.addresses) for port in owner.ports if means(port)
    ]


def _portless(openstack: OpenStack, text: str) -> list[Found]:
    """Servers of that id or name that have no port."""
    return [
        Found("", server.name, server_id=server.id)
        for server in openstack.server(text)
        if not openstack.ports_of(server.id)
    ]


def _stored(inquiry: Inquiry, text: str) -> list[Found]:
    """Among the rows of Northbound, and of Southbound as a last resort."""
    if is_mac(text):
        return _by_mac(inquiry, text.lower().replace("-", ":"))
    if is_address(text):
        return _by_address(inquiry, text)
    # Each question is one walk over all ports for the server, so the likely one comes alone.
    rows = inquiry.ask([Ask(LogicalSwitchPort, "name", text)]) or inquiry.ask(
        [
            Ask(LogicalSwitchPort, "external_ids", f"neutron:device_id={text}"),
            Ask(LogicalSwitchPort, "external_ids", f"neutron:port_name={text}"),
        ]
    )
    device = _DEVICE.fullmatch(text)
    if not rows and device:
        start = device.group(1).lower()
        rows = _whole(
            inquiry, (row for row in _vm_ports(inquiry, "name") if row.name.startswith(start))
        )
    if rows:
        return _guests(inquiry, text, rows)
    bindings = inquiry.ask([Ask(PortBinding, "logical_port", text)])
    for row in bindings:
        if row.type not in network_port.GUESTS:
            raise _no_guest(text, network_port.of_binding(inquiry, row))
    return [Found(row.logical_port, mac=" ".join(row.mac)) for row in bindings]


def _plugged(source: Source, text: str) -> list[Found]:
    """Among the plugs of hosts that were saved: a port may be lost everywhere else.

    os-vif writes ``iface-id``, ``attached-mac`` and ``vm-uuid`` (vif_plug_ovs/ovsdb/ovsdb_lib.py).
    The hosts of a living cloud are not searched for what may just be mistyped.
    """
    if not source.taken:
        return []
    wanted = text.lower().replace("-", ":") if is_mac(text) else text
    found = {
        keys["iface-id"]: Found(keys["iface-id"], mac=keys.get("attached-mac", ""))
        for host in source.everything().hosts.values()
        for interface in host.conf[Interface]
        if (keys := interface.external_ids).get("iface-id")
        and wanted
        in (keys["iface-id"], keys.get("attached-mac"), keys.get("vm-uuid"), interface.name)
    }
    return list(found.values())


def _guests(inquiry: Inquiry, text: str, rows: Iterable[LogicalSwitchPort]) -> list[Found]:
    """Those of VMs. What else answers is worth a word only where no VM's port does."""
    others: list[LogicalSwitchPort] = []
    guests: list[LogicalSwitchPort] = []
    for row in rows:
        (others if network_port.is_networks(row) else guests).append(row)
    if others and not guests:
        raise _no_guest(text, network_port.of_port(inquiry, others[0]))
    return _found(guests)


def _no_guest(text: str, what: str) -> UnknownTarget:
    return UnknownTarget(
        f"{_shown(text)} is {what}, not a VM's.",
        "Give a VM whose traffic passes it: its name or id, a port id, a MAC or an IP.",
    )


def _found(rows: Iterable[LogicalSwitchPort]) -> list[Found]:
    return [
        Found(row.name, row.external_ids.get("neutron:device_id", ""), " ".join(row.addresses))
        for row in rows
    ]


def _vm_ports(inquiry: Inquiry, *columns: str) -> list[LogicalSwitchPort]:
    """A glance at the ports of VMs. A MAC or a part of a name stands inside a longer value there.

    OVSDB has no condition for a part of a value (RFC 7047 section 5.1), so
    this one question is answered with every VM port.
    """
    return inquiry.glance(Ask(LogicalSwitchPort, "type", "", columns=columns))


def _whole(inquiry: Inquiry, seen: Iterable[LogicalSwitchPort]) -> list[LogicalSwitchPort]:
    """The same rows with all that is known of them."""
    return inquiry.ask(Ask(LogicalSwitchPort, "uuid", row.uuid) for row in seen)


def _by_mac(inquiry: Inquiry, mac: str) -> list[Found]:
    return _found(
        _whole(
            inquiry,
            (
                row
                for row in _vm_ports(inquiry, "addresses", "port_security")
                for entry in (*row.addresses, *row.port_security)
                if entry.lower().split()[:1] == [mac]
            ),
        )
    )


def _by_address(inquiry: Inquiry, address: str) -> list[Found]:
    """A floating IP by its NAT row, a fixed IP by what its port has.

    Raises:
        UnknownTarget: a router only hides its networks behind it.
    """
    translated = inquiry.ask([Ask(NAT, "external_ip", address)])
    for row in translated:
        # Of type snat, logical_ip is a network (ovn-nb(5)).
        if row.type == "snat":
            continue
        port_id = row.external_ids.get("neutron:fip_port_id") or row.logical_port
        if port_id:
            return [Found(port_id, addresses=(row.logical_ip,))]
        return _by_fixed(inquiry, row.logical_ip)
    found = _by_fixed(inquiry, address)
    routers = [
        router
        for row in translated
        if not found
        for router in inquiry.ask([Ask(LogicalRouter, "nat", row.uuid)])
    ]
    if routers:
        names = (row.external_ids.get("neutron:router_name") or row.name for row in routers)
        raise UnknownTarget(
            f"{address} is the external address of router {', '.join(dict.fromkeys(names))}, "
            "not of a VM.",
            "Ask for a VM behind it, by its name, its port id or its own address.",
        )
    return found


def _by_fixed(inquiry: Inquiry, address: str) -> list[Found]:
    """By what Neutron notes at the port (``port_fip``, ``cidrs``), else by ``addresses``."""
    rows = inquiry.ask([Ask(LogicalSwitchPort, "external_ids", f"neutron:port_fip={address}")])
    if rows:
        return _found(rows)
    subnets = inquiry.ask([Ask(DHCPOptions, "cidr", network) for network in _networks(address)])
    lengths = {subnet.cidr.partition("/")[2] for subnet in subnets}
    rows = inquiry.ask(
        Ask(LogicalSwitchPort, "external_ids", f"neutron:cidrs={address}/{length}")
        for length in sorted(lengths)
    )
    if not rows:
        rows = _whole(
            inquiry,
            (
                row
                for row in _vm_ports(inquiry, "addresses")
                if any(address in entry.split()[1:] for entry in row.addresses)
            ),
        )
    return _guests(inquiry, address, rows)


def _networks(address: str) -> list[str]:
    """Every network that could hold the address, widest first."""
    ip = ipaddress.ip_address(address)
    return [
        str(ipaddress.ip_network(f"{address}/{length}", strict=False))
        for length in range(8, ip.max_prefixlen + 1)
    ]
