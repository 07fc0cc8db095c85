"""S10: the host's own way to the underlay: its NIC, and its tunnel address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import RUNNING
from viftrail.chain.mesh import encaps
from viftrail.chain.provider import uplinks
from viftrail.chain.quoting import db, q
from viftrail.chain.switch import carried_out, switch_state
from viftrail.chain.tunnel import local_addresses
from viftrail.facts.host import Host, Link
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, Encap
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.faults.tunnel import own_address
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _down(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        own = cloud.sb[Chassis].one("name", host.chassis_name) if host.chassis_name else None
        if own is None or not _has_peers(cloud, own):
            continue
        for ip in sorted({encap.ip for encap in encaps(cloud, own)}):
            nics = _nics(host, ip)
            if not nics or any(link.up and link.carrier for link in nics):
                continue
            lowered = [link.ifname for link in nics if not link.up]
            names = ", ".join(link.ifname for link in nics)
            yield Case(
                subject=subject.host(name),
                summary=f"{names} of {name}, by which its tunnels leave, "
                + ("is down" if lowered else "has no carrier: nothing reaches other hosts"),
                evidence=tuple(
                    Evidence(
                        where=name,
                        what=f"device {link.ifname}, under tunnel address {ip}",
                        seen="up, no carrier" if link.up else "down",
                        expected="up, with carrier",
                        command=f"ip link show {q(link.ifname)}",
                    )
                    for link in nics
                ),
                steps=on_host(
                    name,
                    " && ".join(f"ip link set {q(device)} up" for device in lowered),
                    undo=" && ".join(f"ip link set {q(device)} down" for device in lowered),
                    verify=f"ip link show {q(lowered[0])}",
                )
                if lowered
                else (),
                note="If it goes down again, look at the host's network configuration and the kernel's "
                "log; without a carrier, at the cable and the switch's port.",
            )


def _has_peers(cloud: Cloud, own: Chassis) -> bool:
    return any(row.uuid != own.uuid for row in cloud.sb[Chassis])


def _nics(host: Host, address: str) -> list[Link]:
    """The devices at the bottom of what holds this address: of a bridge its NICs."""
    holders = [link for link in host.links if address in [a.local for a in link.addr_info]]
    found: list[Link] = []
    names = [link.ifname for link in holders]
    for name in names:
        link = host.link_by_name.get(name)
        below = [below for below in (link.link if link else "", *uplinks(host, name)) if below]
        if link and not below:
            found.append(link)
        names += [each for each in below if each not in names]
    # The bridge's own device says nothing of its NICs.
    return [link for link in found if link.linkinfo.info_kind not in ("tun", "openvswitch")]


def _lost(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        own = cloud.sb[Chassis].one("name", host.chassis_name) if host.chassis_name else None
        if own is None or not host.links or switch_state(host) != RUNNING or not carried_out(host):
            continue
        announced = [encap.ip for encap in encaps(cloud, own)]
        here = local_addresses(host)
        if not announced or here.intersection(announced):
            continue
        ip = announced[0]
        if not any(encap.chassis_name != own.name for encap in cloud.sb[Encap]):
            continue  # the peers tell which of the host's addresses is in the tunnel network
        if host.settings.get("ovn-encap-ip", ip) != ip or own_address(cloud, host, ip):
            continue  # the configuration is at fault, or another address took its place
        device, length = _usual_place(cloud, host, ip)
        yield Case(
            subject=subject.host(name),
            summary=f"{name} has lost its tunnel address {ip}"
            + (f", which belongs on {device}" if device else ""),
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Encap.ip of {name}",
                    seen=ip,
                    expected="an address of the host",
                    command=f"ovn-sbctl --columns=ip find Encap chassis_name={db(host.chassis_name)}",
                ),
                Evidence(
                    where=name,
                    what=f"addresses of {device}" if device else "devices with that address",
                    seen="none in the tunnel network" if device else "none",
                    expected=f"{ip}/{length}" if device else ip,
                    command=f"ip address show {q(device)}" if device else "ip -brief address",
                ),
            ),
            steps=on_host(
                name,
                f"ip address replace {q(ip)}/{length} dev {q(device)} && ip link set {q(device)} up",
                undo=f"ip address del {q(ip)}/{length} dev {q(device)}",
                verify="ovs-appctl ovs/route/show",
            )
            if device
            else (),
            certainty=Certainty.PROVEN,
            note="Then see why the host's network configuration does not hold it; a restart of Open "
            "vSwitch makes its bridges' own devices anew, without addresses."
            if device
            else f"Nothing here tells where {ip} belongs: put it back on the device of the tunnel "
            "network.",
        )


def _usual_place(cloud: Cloud, host: Host, ip: str) -> tuple[str, int]:
    """The device that holds the tunnel address on the other hosts, and its prefix length."""
    found: Counter[tuple[str, int]] = Counter()
    known = {encap.ip for encap in cloud.sb[Encap]} - {ip}
    for other in cloud.hosts.values():
        found.update(
            (link.ifname, address.prefixlen)
            for link in other.links
            for address in link.addr_info
            if other is not host and address.local in known
        )
    usual = [place for place, _ in found.most_common() if place[0] in host.link_by_name]
    return usual[0] if usual else ("", 0)


FAULTS = (
    Fault(
        id="underlay-nic-down",
        stage=Stage.TUNNEL,
        title="The NIC that tunnels leave by is down",
        what="The device under the tunnel address, or every port of the bridge that holds it, is down "
        "or without carrier: set down by hand, a pulled cable, a switch's port.",
        shows="DHCP and the local gateway work, nothing passes to or from other hosts. No row of OVN "
        "changes: a geneve Interface is always up, and its address is still there.",
        decisive="The NIC below Encap.ip lacks the UP flag, or carrier.",
        remedy="Set it up; without a carrier, mend the cable or the switch's port.",
        risk=Risk.SAFE,
        references=("ip-link(8)", "ovs-vswitchd.conf.db(5), Interface link_state"),
        unlike={
            "tunnel-udp-blocked": "there the NIC is up and packets vanish",
            "underlay-address-lost": "there the address is gone",
        },
        find=_down,
    ),
    Fault(
        id="underlay-address-lost",
        stage=Stage.TUNNEL,
        title="The host has lost its tunnel address",
        what="The address that the host announces is on none of its devices any more: its bridge was "
        "made anew, or its network configuration did not come up.",
        shows="DHCP and the local gateway work, nothing passes to or from other hosts. No row of any "
        "database and no log changes; only `ovs/route/show` and `tnl/ports/show` are empty.",
        decisive="Encap.ip is no address of the host, as ovn-encap-ip says it should be, and the host "
        "has no other address in the tunnel network.",
        remedy="Put the address back, on the device where the other hosts have theirs.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-encap-ip", "ovs-appctl(8), ovs/route/show"),
        unlike={
            "tunnel-wrong-encap-ip": "there the host has another address in the tunnel network",
            "vswitchd-dead": "there the bridge with the address is gone with its daemon",
        },
        find=_lost,
    ),
)
