"""S10: faults of the tunnels between hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.chain.sounding import arrives, knock_evidence, silenced
from viftrail.chain.tunnel import local_addresses, loss, loss_evidence, suspected, traffic
from viftrail.facts.host import FirewallRule, Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, Encap
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

GENEVE_PORT = 6081


def _wrong_address(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        chassis = cloud.sb[Chassis].one("name", host.chassis_name) if host.chassis_name else None
        announced = cloud.tunnel_ip(chassis) if chassis else host.settings.get("ovn-encap-ip", "")
        if not host.links or not announced or announced in local_addresses(host):
            continue
        if not chassis and cloud.sb[Encap].find("ip", announced):
            continue  # another chassis has it, and so this one cannot register
        right = own_address(cloud, host, announced)
        if not right:
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"{name} announces {announced} as its tunnel address, but that is not its own; "
            f"its own on the tunnel network is {right}",
            evidence=(
                Evidence(
                    where=SOUTHBOUND if chassis else name,
                    what=f"Encap.ip of {name}",
                    seen=announced,
                    expected=right,
                    command=f"ovn-sbctl --columns=ip find Encap chassis_name={db(host.chassis_name)}",
                ),
                Evidence(
                    where=name,
                    what="addresses of the host",
                    seen=", ".join(sorted(_routable(host))),
                    expected=f"{announced} among them",
                    command="ip -brief address",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-ip={db(right)}",
                undo=f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-ip={db(announced)}",
                verify=f"ovn-sbctl --columns=ip find Encap chassis_name={db(host.chassis_name)}",
                risk=Risk.BLINKS,
            ),
        )


def _routable(host: Host) -> frozenset[str]:
    return frozenset(
        address
        for address in local_addresses(host)
        if not ipaddress.ip_address(address).is_loopback
    )


def own_address(cloud: Cloud, host: Host, announced: str) -> str:
    """The host's address in the network that holds the other chassis' tunnel addresses."""
    peers = [
        ipaddress.ip_address(encap.ip)
        for encap in cloud.sb[Encap]
        if encap.ip != announced and encap.chassis_name != host.chassis_name
    ]
    for link in host.links:
        for address in link.addr_info:
            network = ipaddress.ip_interface(f"{address.local}/{address.prefixlen}").network
            if network.prefixlen and any(peer in network for peer in peers):
                return address.local
    return ""


def _blocked(cloud: Cloud) -> Iterator[Case]:
    names = [name for name, host in cloud.hosts.items() if host.counters.second]
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            yield from _between(cloud, one, other)


def _between(cloud: Cloud, one: str, other: str) -> Iterator[Case]:
    """Packets that vanish; or, when nobody sends right now, a rule that drops them all."""
    # To a wrong address nothing arrives anyway: then only a rule accuses a firewall as well.
    right = _addresses_right(cloud, one, other)
    lost = loss(cloud, one, other) if right else None
    if arrives(cloud, one, other):
        return  # packets that were sent to see it did arrive, whatever counters and rules suggest
    knock = silenced(cloud, one, other) if right else None
    closed = [name for name in (one, other) if any(not r.narrow for r in _rules(cloud, name))]
    if knock:
        certainty = Certainty.PROVEN
    elif closed and not _arrives(cloud, one, other):
        certainty = Certainty.PROVEN if lost else Certainty.LIKELY
    elif right and (lost or suspected(cloud, one, other)):
        # Counters of two hosts are not taken at one instant: worth another look, no proof.
        certainty = Certainty.POSSIBLE
    else:
        return
    sender, receiver = (lost.sender, lost.receiver) if lost else (one, other)
    if knock:
        sender, receiver = knock.sender, knock.receiver
    guilty = f"a firewall drops UDP {GENEVE_PORT}" if closed else "something between them drops it"
    yield Case(
        subject=subject.tunnel(one, other),
        summary=f"geneve between {sender} and {receiver} does not arrive, although both ends are "
        f"made and have the right addresses: {guilty}"
        if right
        else f"geneve between {sender} and {receiver} would not arrive from the right addresses "
        f"either: {guilty}",
        evidence=(
            *((knock_evidence(knock),) if knock else ()),
            *((loss_evidence(lost),) if lost else ()),
            *_firewall_evidence(cloud, (sender, receiver)),
        ),
        steps=_unblock(cloud, sender, receiver),
        certainty=certainty,
    )


def _rules(cloud: Cloud, name: str) -> list[FirewallRule]:
    """Rules of this host that drop geneve."""
    rules = cloud.hosts[name].firewall
    return [rule for rule in rules if rule.drops and rule.udp_port == GENEVE_PORT]


def _arrives(cloud: Cloud, one: str, other: str) -> bool:
    """Something came through within the window, in both directions."""
    ends = (traffic(cloud, one, other), traffic(cloud, other, one))
    return all(end is not None and end.incoming > 0 for end in ends)


def _addresses_right(cloud: Cloud, *names: str) -> bool:
    for name in names:
        chassis = cloud.chassis_named(name)
        if chassis is None or cloud.tunnel_ip(chassis) not in local_addresses(cloud.hosts[name]):
            return False
    return True


def _firewall_evidence(cloud: Cloud, names: tuple[str, ...]) -> Iterator[Evidence]:
    for name in names:
        for rule in _rules(cloud, name):
            yield Evidence(
                where=name,
                what=f"nftables {rule.family} {rule.table} {rule.chain}",
                seen=f"drops UDP {GENEVE_PORT} (handle {rule.handle})",
                expected="no such rule",
                command="nft -a list ruleset",
            )


def _unblock(cloud: Cloud, sender: str, receiver: str) -> tuple[Step, ...]:
    steps = []
    for name in (sender, receiver):
        for rule in _rules(cloud, name):
            place = " ".join(map(q, (rule.family, rule.table, rule.chain)))
            steps.append(
                Step(
                    command=f"nft delete rule {place} handle {rule.handle}",
                    where=name,
                    risk=Risk.SAFE,
                    undo=f"nft add rule {place} udp dport {GENEVE_PORT} drop",
                    verify="ovs-ofctl dump-ports br-int",
                )
            )
    if steps:
        return tuple(steps)
    chassis = cloud.chassis_named(receiver)
    address = cloud.tunnel_ip(chassis) if chassis else receiver
    return on_host(
        receiver,
        f"tcpdump -ni any udp port {GENEVE_PORT}",
        undo=NOTHING_CHANGED,
        verify=f"open UDP {GENEVE_PORT} towards {address} in the switches and cloud firewalls "
        f"between {sender} and {receiver}",
    )


FAULTS = (
    Fault(
        id="tunnel-wrong-encap-ip",
        stage=Stage.TUNNEL,
        title="A host announces a tunnel address that is not its own",
        what="ovn-encap-ip names an address that the host does not have: a copied configuration, a "
        "moved NIC. Peers send their geneve packets there.",
        shows="DHCP and the local gateway work, traffic to other hosts and floating IPs do not. "
        "Peers log `receive tunnel port not found`.",
        decisive="Encap.ip of the chassis is not among the host's addresses, while the host has "
        "another address on the tunnel network.",
        remedy="Set ovn-encap-ip right; it takes effect live, and the peers make their tunnels "
        "to the host anew in under a second.",
        risk=Risk.BLINKS,
        references=("ovn-controller(8), ovn-encap-ip", "ovs: ofproto/tunnel.c"),
        unlike={"tunnel-udp-blocked": "there both addresses are right"},
        find=_wrong_address,
    ),
    Fault(
        id="tunnel-udp-blocked",
        stage=Stage.TUNNEL,
        title="UDP 6081 does not pass between two hosts",
        what="A firewall on a host, a cloud's security group of the nodes, or a switch drops geneve.",
        shows="VMs on the same host reach each other, across hosts nothing passes; north-south "
        "traffic and floating IPs are dead; DHCP works. Every row is healthy, and link_state of a "
        "geneve Interface is always up.",
        decisive="The sender's tunnel counter rises, the receiver's does not.",
        remedy="Open UDP 6081 both ways; a rule that is found on one of the hosts is named.",
        risk=Risk.SAFE,
        references=("RFC 8926, section 3.3", "ovn-architecture(7), tunnels"),
        unlike={
            "tunnel-mtu": "there small packets pass",
            "tunnel-wrong-encap-ip": "there the address is not the host's",
        },
        find=_blocked,
    ),
)
