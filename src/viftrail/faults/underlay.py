"""S10: what the hosts' own network must carry for tunnels to work."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.mesh import Realm, encaps, is_overlay, realms
from viftrail.chain.provider import uplinks
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.facts.host import Host, Link
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch
from viftrail.facts.number import number
from viftrail.facts.vswitch import Bridge
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.faults.tunnel import own_address
from viftrail.verdict import Evidence, Risk, Stage, Step

OVERHEAD = {4: 58, 6: 78}
"""Bytes that geneve adds under OVN, by the version of IP that carries it: the inner Ethernet
header 14, OVN's option 8, geneve 8, UDP 8, and IPv4 20 or IPv6 40 (RFC 8926, section 3.4)."""

WITHIN_UDP = 30
"""Of these, what comes after the UDP header."""


@dataclass(frozen=True)
class _Way:
    """How geneve leaves a host: from which address, and by which devices."""

    address: str
    links: tuple[Link, ...]

    @property
    def overhead(self) -> int:
        """Bytes that are added to a packet of a network."""
        return OVERHEAD[ipaddress.ip_address(self.address).version]

    @property
    def room(self) -> int:
        """The largest packet of a network that fits."""
        return min(link.mtu for link in self.links) - self.overhead


def _too_small(cloud: Cloud) -> Iterator[Case]:
    ways = {name: way for name in cloud.hosts if (way := _way_out(cloud, name))}
    networks = [row for row in cloud.nb[LogicalSwitch] if is_overlay(cloud, row)] if ways else []
    mtus = {row.uuid: _mtu(cloud, row) for row in networks}
    most = max(mtus.values(), default=0)
    narrow = {name: way for name, way in ways.items() if way.room < most}
    cut: dict[str, dict[Subject, LogicalSwitch]] = {}
    for realm in realms(cloud) if narrow else ():
        if len(realm.hosts) > 1:
            for name in sorted(realm.hosts & narrow.keys()):
                lost = _cut_off(realm, name, mtus, narrow[name].room)
                cut.setdefault(name, {}).update(lost)
    for name, victims in cut.items():
        if victims:
            largest = max(victims.values(), key=lambda row: (mtus[row.uuid], row.name))
            yield _case(cloud, name, narrow[name], largest, mtus[largest.uuid], frozenset(victims))


def _way_out(cloud: Cloud, name: str) -> _Way | None:
    host, chassis = cloud.hosts[name], cloud.chassis_named(name)
    if chassis is None or host.settings.get("ovn-encap-df_default") == "false":
        return None  # fragments are slow, but they arrive
    ways = [
        _Way(address, links)
        for encap in encaps(cloud, chassis)
        if encap.type == "geneve"
        # An address that is not its own is another fault; it hides no device.
        for address in (encap.ip, own_address(cloud, host, encap.ip))
        if address and (links := _devices(host, address))
    ]
    return min(ways, key=lambda way: way.room, default=None)


def _cut_off(
    realm: Realm, name: str, mtus: Mapping[str, int], room: int
) -> Iterator[tuple[Subject, LogicalSwitch]]:
    """The ports whose largest packets do not fit into ``room`` bytes, with their networks."""
    for host in realm.ports if name in realm.gateways else (name,):
        for port, switch in realm.ports[host]:
            if mtus[switch.uuid] > room:
                yield subject.port(port.id), switch


def _mtu(cloud: Cloud, switch: LogicalSwitch) -> int:
    """The network's MTU: as Neutron has it, else as DHCP tells the guests; 0 when nobody says."""
    told = [switch.external_ids.get("neutron:mtu", "")]
    if not told[0]:
        told = [row.options.get("mtu", "") for row in cloud.options_in_use(switch)]
    return max((number(mtu) or 0 for mtu in told), default=0)


def _devices(host: Host, address: str) -> tuple[Link, ...]:
    """The device with this address and what it is on top of: a VLAN's NIC, a bridge's NICs."""
    found: list[Link] = []
    names = [link.ifname for link in host.links if address in [a.local for a in link.addr_info]]
    for name in names:
        link = host.link_by_name.get(name)
        if link and link.mtu and link not in found:
            found.append(link)
            names += [link.link, *uplinks(host, name)]
    return tuple(found)


def _case(
    cloud: Cloud,
    name: str,
    way: _Way,
    largest: LogicalSwitch,
    mtu: int,
    victims: frozenset[Subject],
) -> Case:
    needed, low = mtu + way.overhead, way.room + way.overhead
    narrow = [link for link in way.links if link.mtu < needed]
    # What is left beside an IP and an ICMP header, which is as long as UDP's.
    payload = needed - (way.overhead - WITHIN_UDP)
    return Case(
        subject=subject.host(name),
        summary=f"the underlay of {name} carries packets of {low} bytes, and a packet of network "
        f"{_name(largest)} needs {needed} in its tunnel: big packets vanish",
        evidence=(
            *(
                Evidence(
                    where=name,
                    what=f"MTU of {link.ifname}, which geneve from {way.address} leaves by",
                    seen=str(link.mtu),
                    expected=f"{needed} or more",
                    command=f"ip link show {q(link.ifname)}",
                )
                for link in narrow
            ),
            Evidence(
                where=NORTHBOUND,
                what=f"MTU of network {_name(largest)}",
                seen=f"{mtu}; with {way.overhead} of geneve {needed}",
                expected=f"at most {way.room} for this underlay",
                command=f"ovn-nbctl get Logical_Switch {q(largest.name)} external_ids",
            ),
        ),
        steps=tuple(_raise(cloud.hosts[name], name, narrow, needed)),
        victims=victims,
        note=f"Every switch and host on the way must carry {needed} bytes too: "
        f"`ping -M do -s {payload} PEER` between tunnel addresses proves it. Where they "
        "cannot, lower the network's MTU instead (`openstack network set --mtu "
        f"{way.room} …`); guests learn it when they renew their lease.",
    )


def _name(switch: LogicalSwitch) -> str:
    return switch.external_ids.get("neutron:network_name") or switch.name


def _raise(host: Host, name: str, narrow: list[Link], needed: int) -> Iterator[Step]:
    """From below: a VLAN cannot exceed its NIC, and an OVS bridge follows its smallest port."""
    bridges = host.conf[Bridge].by("name")
    below = [link for link in reversed(narrow) if link.ifname not in bridges]
    for link in below or narrow:
        command = f"ip link set dev {q(link.ifname)} mtu {q(needed)}"
        undo = f"ip link set dev {q(link.ifname)} mtu {link.mtu}"
        if link.ifname in bridges:  # ovs-vswitchd would take that back
            command = f"ovs-vsctl set Interface {q(link.ifname)} mtu_request={db(needed)}"
            undo = f"ovs-vsctl clear Interface {q(link.ifname)} mtu_request"
        # Many cards reset their link at a change of MTU.
        yield from on_host(
            name, command, undo=undo, verify=f"ip link show {q(link.ifname)}", risk=Risk.BLINKS
        )


FAULTS = (
    Fault(
        id="tunnel-mtu",
        stage=Stage.TUNNEL,
        title="The underlay's MTU is too small for the network's packets in a tunnel",
        what="A device that geneve leaves the host by has an MTU below the network's own plus 58 "
        "bytes (78 over IPv6): a NIC that was replaced, a VLAN or bond made with a default, jumbo "
        "frames on one host only.",
        shows="Ping, DHCP and DNS work; SSH and HTTPS hang after the handshake, across hosts only. "
        "Every row is healthy. On the userspace datapath ovs-vswitchd logs `error sending Ethernet "
        "packet on …: Message too long`; on the kernel's nothing is logged.",
        decisive="The MTU of the device with Encap.ip, or of one below it, is smaller than the MTU "
        "of an overlay network with a VM or gateway there, plus geneve's overhead.",
        remedy="Raise the MTU of the underlay, end to end; or lower that of the network.",
        risk=Risk.BLINKS,
        references=(
            "RFC 8926, section 4.1.1",
            "neutron: plugins/ml2/drivers/type_geneve.py, max_header_size",
        ),
        unlike={
            "tunnel-udp-blocked": "there small packets vanish too",
            "a guest with a larger MTU than its network": "there the underlay has the sum, and the "
            "guest ignores DHCP's option 26",
        },
        find=_too_small,
        spares_others=True,
    ),
)
