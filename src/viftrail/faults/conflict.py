"""S13: addresses that another machine uses too."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import atom, q
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouter, LogicalRouterPort
from viftrail.facts.southbound import MACBinding
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.faults.upstream import former_mac
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _claimed_twice(cloud: Cloud) -> Iterator[Case]:
    learned = cloud.sb[MACBinding].by("ip")
    for row in cloud.nb[NAT] if learned else ():
        if row.type != "dnat_and_snat" or row.external_ip not in learned:
            continue
        own = _own_macs(cloud, row)
        others = [b for b in learned[row.external_ip] if b.mac.lower() not in own]
        if not own or not others:
            continue
        ip, other = row.external_ip, others[0]
        holder = _holder(cloud, ip, other.mac)
        yield Case(
            subject=subject.floating_ip(ip),
            summary=f"floating IP {ip} is used by another machine too, by the MAC {other.mac}"
            + (f": {holder[1]} of {holder[0]}" if holder else ""),
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"MAC_Binding ip={ip}, heard at {other.logical_port}",
                    seen=other.mac,
                    expected=f"none: {ip} is the router's own ({', '.join(sorted(own))})",
                    command=f"ovn-sbctl find MAC_Binding {q('ip=' + atom(ip))}",
                ),
            ),
            steps=_free(cloud, ip, other, holder),
            # The router may have heard it long ago: what it learned stays (ovn-nb(5),
            # mac_binding_age_threshold).
            certainty=Certainty.PROVEN if holder else Certainty.LIKELY,
            note=""
            if holder
            else "Find the machine by its MAC in the switches of the provider network; "
            f"`arping -D {ip}` "
            "from the gateway's host shows whether it still answers. If Neutron may give that address "
            "away again, take it out of the subnet's allocation pool.",
        )


def _own_macs(cloud: Cloud, row: NAT) -> frozenset[str]:
    """By which MACs the router itself answers for it; none where its ports were not read."""
    router = cloud.nb[LogicalRouter].one("nat", row.uuid)
    legs = cloud.nb[LogicalRouterPort].by("uuid")
    macs = [leg.mac for uuid in (router.ports if router else ()) for leg in legs.get(uuid, ())]
    # One that it had before is nobody else's: that is prov-upstream-stale-arp.
    macs = [*macs, row.external_mac or "", former_mac(row)] if macs else []
    return frozenset(mac.lower() for mac in macs if mac)


def _holder(cloud: Cloud, ip: str, mac: str) -> tuple[str, str, int] | None:
    """The known host and device with this address and MAC, and the prefix length."""
    for name, host in cloud.hosts.items():
        for link in host.links:
            for address in link.addr_info:
                if address.local == ip and link.address.lower() == mac.lower():
                    return name, link.ifname, address.prefixlen
    return None


def _free(
    cloud: Cloud, ip: str, other: MACBinding, holder: tuple[str, str, int] | None
) -> tuple[Step, ...]:
    if holder is None:
        return ()
    name, device, length = holder
    return (
        *on_host(
            name,
            f"ip address del {q(ip)}/{length} dev {q(device)}",
            undo=f"ip address add {q(ip)}/{length} dev {q(device)}",
            verify=f"ip address show dev {q(device)}",
        ),
        *on_host(
            cloud.central_name,
            f"ovn-sbctl --if-exists destroy MAC_Binding {q(other.uuid)}",
            undo="nothing to undo: the router learns it again when it hears it",
            verify=f"ovn-sbctl find MAC_Binding {q('ip=' + atom(ip))}",
        ),
    )


FAULTS = (
    Fault(
        id="fip-external-ip-conflict",
        stage=Stage.FLOATING_IP,
        title="Another machine uses the floating IP",
        what="A machine on the provider network, which OVN knows nothing of, has the floating IP's "
        "address: set by hand, or from a DHCP server whose range overlaps the allocation pool.",
        shows="The floating IP answers now and then as another machine: ping works, SSH complains "
        "about a changed host key or is refused. Every OVN row is green.",
        decisive="The router has learned a MAC for an address that is its own: Southbound has a "
        "MAC_Binding with the floating IP.",
        remedy="Take the address away from the other machine, or out of the allocation pool.",
        risk=Risk.SAFE,
        references=("ovn-sb(5), MAC_Binding", "RFC 5227"),
        unlike={"fip-on-wrong-fixed-ip": "there OVN itself leads it elsewhere"},
        find=_claimed_twice,
    ),
)
