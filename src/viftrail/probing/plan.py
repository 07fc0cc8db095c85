"""What would be sent for one trail, from where: decided from facts alone. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from viftrail.chain.cloud import Cloud, Plug
from viftrail.chain.local import dhcp_wanted
from viftrail.chain.physnet import mappings
from viftrail.chain.trail import Trail
from viftrail.chain.tunnel import endpoint, local_addresses, works
from viftrail.chain.vif import usable
from viftrail.facts.northbound import LogicalRouterPort, StaticRoute
from viftrail.facts.number import number

COUNT = 8
"""Geneve packets each way and size."""
CALLS = 3
"""ARP requests to the guest."""
SMALL = 100
GENEVE = 58
"""Bytes that geneve adds under OVN over IPv4."""

_NAME = re.compile(r"[\w.-]+")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True)
class Trace:
    """Trace a packet of the port through br-int; sends nothing."""

    what: str
    host: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Knocking:
    """Geneve packets from one tunnel address to another, counted at the receiver's port."""

    sender: str
    receiver: str
    source: str
    target: str
    bridge: str
    ofport: int
    largest: int
    """Bytes of the largest packet that the network may send, in its tunnel; 0: not known."""


@dataclass(frozen=True)
class Calling:
    """ARP requests for the guest, as its router sends them, put out of its tap."""

    host: str
    device: str
    bridge: str
    ofport: int
    packet: str


@dataclass(frozen=True)
class Asking:
    """ARP probes on the provider network."""

    what: str
    host: str
    device: str
    address: str


@dataclass(frozen=True)
class Sending:
    """Everything that is to be done."""

    traces: tuple[Trace, ...] = ()
    knocks: tuple[Knocking, ...] = ()
    calls: tuple[Calling, ...] = ()
    asks: tuple[Asking, ...] = ()

    def words(self) -> tuple[str, ...]:
        """For the operator, before anything is sent: what, and from where."""
        return (
            *(
                f"traced, not sent: {TITLES[t.what]} of the port through br-int of {t.host}"
                for t in self.traces
            ),
            *(
                f"{CALLS} ARP requests, as the router sends them, out of {c.device} on {c.host}"
                for c in self.calls
            ),
            *(
                f"{COUNT if not k.largest else 2 * COUNT} geneve packets of no network "
                f"(UDP 6081, VNI 0) from {k.sender} to {k.receiver} ({k.target})"
                for k in self.knocks
            ),
            *(
                f"2 ARP probes for the {a.what} {a.address} out of {a.device} on {a.host}"
                for a in self.asks
            ),
        )


TITLES = {"dhcp": "a DHCP request", "arp": "an ARP request for the gateway"}


def sending_for(cloud: Cloud, trail: Trail) -> Sending:
    """What the facts allow to be sent; what they do not is left out."""
    plug = _plug(cloud, trail)
    leg = _leg(cloud, trail)
    return Sending(
        traces=tuple(_traces(cloud, trail, plug, leg)) if plug else (),
        knocks=tuple(_knocks(cloud, trail)),
        calls=tuple(_calls(cloud, trail, plug, leg)) if plug and leg else (),
        asks=tuple(_asks(cloud, trail)),
    )


def _plug(cloud: Cloud, trail: Trail) -> Plug | None:
    host = cloud.hosts.get(trail.host)
    plugs = [p for p in cloud.plugs.get(trail.port.id, ()) if p.host == trail.host]
    good = [p for p in plugs if host and usable(host, p) and _NAME.fullmatch(p.interface.name)]
    return good[0] if len(good) == 1 and _MAC.fullmatch(trail.port.mac) else None


def _leg(cloud: Cloud, trail: Trail) -> tuple[str, str] | None:
    """MAC and IPv4 address of the router's leg in the port's subnet."""
    if not trail.port.ipv4 or not trail.switch:
        return None
    address = ipaddress.ip_address(trail.port.ipv4)
    for member in cloud.members(trail.switch):
        row = cloud.nb[LogicalRouterPort].one("name", member.options.get("router-port", ""))
        for text in row.networks if row else ():
            leg = ipaddress.ip_interface(text)
            if row and address in leg.network and _MAC.fullmatch(row.mac.lower()):
                return row.mac.lower(), str(leg.ip)
    return None


def _traces(cloud: Cloud, trail: Trail, plug: Plug, leg: tuple[str, str] | None) -> Iterator[Trace]:
    bridge, port = plug.bridge, trail.port
    start = f"in_port={plug.interface.ofport},dl_src={port.mac},dl_dst=ff:ff:ff:ff:ff:ff"
    trace = ("ovs-appctl", "--timeout=4", "ofproto/trace", bridge)
    if port.ipv4 and dhcp_wanted(cloud, port):
        packet = "nw_src=0.0.0.0,nw_dst=255.255.255.255,nw_ttl=64,udp_src=68,udp_dst=67"
        yield Trace("dhcp", plug.host, (*trace, f"{start},udp,{packet}"))
    if leg:
        packet = f"arp_op=1,arp_spa={port.ipv4},arp_tpa={leg[1]},arp_sha={port.mac}"
        yield Trace("arp", plug.host, (*trace, f"{start},arp,{packet},arp_tha=00:00:00:00:00:00"))


def _calls(
    _cloud: Cloud, trail: Trail, plug: Plug, leg: tuple[str, str] | None
) -> Iterator[Calling]:
    if leg:
        router, guest = _bytes(leg[0]), _bytes(trail.port.mac)
        addresses = (ipaddress.ip_address(leg[1]), ipaddress.ip_address(trail.port.ipv4))
        sender, target = (address.packed for address in addresses)
        # Ethernet, then ARP for IPv4 over Ethernet, request (RFC 826).
        packet = guest + router + bytes.fromhex("08060001080006040001")
        packet += router + sender + bytes(6) + target
        yield Calling(
            plug.host, plug.interface.name, plug.bridge, plug.interface.ofport or 0, packet.hex()
        )


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _knocks(cloud: Cloud, trail: Trail) -> Iterator[Knocking]:
    told = trail.switch.external_ids.get("neutron:mtu", "") if trail.switch else ""
    mtu = number(told)
    largest = 0 if mtu is None else mtu + GENEVE
    for peer in trail.peers:
        for sender, receiver in ((trail.host, peer), (peer, trail.host)):
            source, target = _tunnel_ip(cloud, sender), _tunnel_ip(cloud, receiver)
            end = endpoint(cloud, receiver, sender)
            if not source or not target or end is None or not works(end.interface):
                continue
            bridge = cloud.hosts[receiver].integration_bridge
            port = end.interface.ofport or 0
            yield Knocking(sender, receiver, source, target, bridge, port, largest)


def _tunnel_ip(cloud: Cloud, name: str) -> str:
    """The IPv4 tunnel address that the host announces and has; else empty."""
    host, chassis = cloud.hosts.get(name), cloud.chassis_named(name)
    address = cloud.tunnel_ip(chassis) if chassis else ""
    return address if host and address in local_addresses(host) and ":" not in address else ""


def _asks(cloud: Cloud, trail: Trail) -> Iterator[Asking]:
    for gateway in trail.gateways:
        host, side = cloud.hosts.get(gateway.host), cloud.provider_side(gateway)
        if host is None or gateway.chassis is None or side is None or side[1].tag:
            continue  # with a VLAN the bridge's own device is not in that network
        known = mappings(gateway.chassis.other_config.get("ovn-bridge-mappings", ""))
        bridge = known.get(side[1].options.get("network_name", ""), "")
        link = host.link_by_name.get(bridge)
        if link is None or not link.up or not _NAME.fullmatch(bridge):
            continue
        routes = cloud.nb[StaticRoute].by("uuid")
        rows = [row for uuid in gateway.router.static_routes for row in routes.get(uuid, ())]
        hops = [row.nexthop for row in rows if row.ip_prefix == "0.0.0.0/0"]
        for what, addresses in (("next hop", hops), ("floating IP", trail.floating_ips)):
            for address in addresses:
                if _is_ipv4(address):
                    yield Asking(what, gateway.host, bridge, address)


def _is_ipv4(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False
