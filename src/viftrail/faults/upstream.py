"""S12: routers beyond, which send to a MAC that an address had before."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import atom, db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouter, LogicalRouterPort
from viftrail.facts.southbound import MACBinding
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def former_mac(row: NAT) -> str:
    """The MAC that a floating IP has while it is distributed, where it is not so now.

    Neutron keeps it beside the row (ovn_const.OVN_FIP_EXT_MAC_KEY), to distribute it again.
    """
    if row.external_mac or row.type != "dnat_and_snat":
        return ""
    return row.external_ids.get("neutron:fip_external_mac", "").lower()


def _outdated(cloud: Cloud) -> Iterator[Case]:
    learned = cloud.sb[MACBinding].by("ip")
    for row in cloud.nb[NAT] if learned else ():
        former = former_mac(row) if row.external_ip in learned else ""
        router = cloud.nb[LogicalRouter].one("nat", row.uuid) if former else None
        legs = cloud.nb[LogicalRouterPort].by("uuid")
        own = [leg for uuid in (router.ports if router else ()) for leg in legs.get(uuid, ())]
        if not router or not own or former in {leg.mac.lower() for leg in own}:
            continue
        for other in learned[row.external_ip]:
            if other.mac.lower() == former and other.logical_port not in {leg.name for leg in own}:
                yield _case(cloud, row, other, router)


def _case(cloud: Cloud, row: NAT, other: MACBinding, router: LogicalRouter) -> Case:
    ip = row.external_ip
    find = f"ovn-sbctl find MAC_Binding {q('ip=' + atom(ip))} logical_port={db(other.logical_port)}"
    return Case(
        subject=subject.floating_ip(ip),
        summary=f"who comes by router port {other.logical_port} sends what is for {ip} to {other.mac}, "
        f"which it had while it was distributed; router {router.name} answers for it now",
        evidence=(
            Evidence(
                where=SOUTHBOUND,
                what=f"MAC_Binding ip={ip} of {other.logical_port}",
                seen=other.mac,
                expected="the MAC of the router's gateway port",
                command=find,
            ),
            Evidence(
                where=NORTHBOUND,
                what=f"NAT external_ip={ip} external_mac",
                seen="empty",
                expected=f"{other.mac}, if it were distributed still",
                command=f"ovn-nbctl --columns=external_mac,external_ids find NAT external_ip={db(ip)}",
            ),
        ),
        steps=on_host(
            cloud.central_name,
            f"ovn-sbctl --if-exists destroy MAC_Binding {q(other.uuid)}",
            undo="nothing to undo: the router asks again, and learns who answers",
            verify=find,
        ),
        # Whether anybody comes that way does not show, nor what routers outside of OVN have learned.
        certainty=Certainty.LIKELY,
        victims=frozenset(),
        note="A provider's own router may have it the same way: `show arp` there, and clear that "
        "entry, or have the address announced by `arping -U` from the gateway's host.",
    )


FAULTS = (
    Fault(
        id="prov-upstream-stale-arp",
        stage=Stage.PROVIDER,
        title="A router upstream sends a floating IP's packets to its old MAC",
        what="The floating IP has moved from one MAC to another (distributed to centralized), OVN "
        "announced it by gratuitous ARP only when it was claimed, and a router on the provider "
        "network did not hear it.",
        shows="The floating IP is dead for whoever comes by that router, for minutes or until its ARP "
        "entry ages out; others reach it. All of OVN's rows for the floating IP are right.",
        decisive="A neighbour keeps the old MAC. Of routers of OVN's own their MAC_Binding shows it; "
        "of the provider's only their own ARP table, or packets that arrive for another MAC.",
        remedy="Clear that entry at the neighbour, or announce the address again.",
        risk=Risk.SAFE,
        references=("ovn-sb(5), MAC_Binding", "ovn-nb(5), NAT external_mac", "RFC 5227, section 3"),
        unlike={
            "router-stale-mac-binding": "there it is the VM's own router that sends to an old MAC",
            "fip-external-ip-conflict": "there the MAC is that of another machine",
            "fip-external-mac-missing": "there the floating IP should be distributed still",
        },
        find=_outdated,
        unprovoked="the lab has one router of OVN's own; what its provider's router has learned "
        "shows in no row, and nobody looks there.",
    ),
)
