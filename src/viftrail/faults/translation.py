"""S13: floating IPs that lead to an address that no port has."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouter
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, owned_row
from viftrail.verdict import Evidence, Risk, Stage


def _astray(cloud: Cloud) -> Iterator[Case]:
    owned = {fip.ip: fip for fip in cloud.owner.floating_ips}
    for row in cloud.nb[NAT]:
        if row.type != "dnat_and_snat":
            continue
        fip = owned.get(row.external_ip)
        port = cloud.ports.get(
            fip.port_id
            if fip
            else row.external_ids.get("neutron:fip_port_id", row.logical_port or "")
        )
        if port is None or not port.addresses or row.logical_ip in port.addresses:
            continue
        yield _case(cloud, row, port, (fip.fixed_ip if fip else "") or port.ipv4)


def _case(cloud: Cloud, row: NAT, port: Port, right: str) -> Case:
    router = cloud.nb[LogicalRouter].one("nat", row.uuid)
    name = router.name if router else ""
    return Case(
        subject=subject.floating_ip(row.external_ip),
        summary=f"floating IP {row.external_ip} is translated to {row.logical_ip}, which is not an "
        f"address of {port.label} ({right})",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what=f"NAT external_ip={row.external_ip} logical_ip",
                seen=row.logical_ip,
                expected=right,
                command=f"ovn-nbctl find NAT external_ip={db(row.external_ip)}",
            ),
        ),
        steps=owned_row(
            cloud,
            ovn=f"ovn-nbctl set NAT {q(row.uuid)} logical_ip={db(right)}",
            undo=f"ovn-nbctl set NAT {q(row.uuid)} logical_ip={db(row.logical_ip)}",
            openstack=f"openstack floating ip set --port {q(port.id)} --fixed-ip-address {q(right)} "
            f"{q(row.external_ip)}",
            verify=f"ovn-nbctl lr-nat-list {q(name)}",
        ),
    )


def _unowned(cloud: Cloud) -> Iterator[Case]:
    """Rows that translate to an address no port has, and that no floating IP accounts for."""
    if not cloud.owner_told_all:
        return  # it may be a floating IP that whoever asked is not told of
    known = {fip.ip for fip in cloud.owner.floating_ips}
    addresses = {address for port in cloud.ports.values() for address in port.addresses}
    for row in cloud.nb[NAT]:
        if row.type != "dnat_and_snat" or row.external_ip in known or row.logical_ip in addresses:
            continue
        router = cloud.nb[LogicalRouter].one("nat", row.uuid)
        name = router.name if router else ""
        yield Case(
            subject=subject.floating_ip(row.external_ip),
            summary=f"Northbound translates {row.external_ip} to {row.logical_ip}, which no port has, "
            "and its owner knows no such floating IP",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"NAT external_ip={row.external_ip}",
                    seen=f"to {row.logical_ip}",
                    expected="a floating IP of the owner's",
                    command=f"ovn-nbctl find NAT external_ip={db(row.external_ip)}",
                ),
            ),
            steps=on_host(
                cloud.central_name,
                f"ovn-nbctl lr-nat-del {q(name)} dnat_and_snat {q(row.external_ip)}",
                undo=f"ovn-nbctl lr-nat-add {q(name)} dnat_and_snat {q(row.external_ip)} "
                f"{q(row.logical_ip)}",
                verify=f"ovn-nbctl lr-nat-list {q(name)}",
                risk=Risk.SAFE,
            ),
            victims=frozenset(),
        )


FAULTS = (
    Fault(
        id="fip-on-wrong-fixed-ip",
        stage=Stage.FLOATING_IP,
        title="The floating IP leads to another address",
        what="The NAT row's logical_ip is not an address of the port that the floating IP belongs to: "
        "a port with several addresses, or a VM that was made anew.",
        shows="ARP for the floating IP is answered, and nothing behind it is.",
        decisive="NAT.logical_ip is not among the port's addresses.",
        remedy="Associate the floating IP with the right fixed address.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT logical_ip",),
        unlike={"fip-nat-row-missing": "there is no NAT row at all"},
        find=_astray,
    ),
    Fault(
        id="nb-orphan-nat",
        stage=Stage.FLOATING_IP,
        title="A NAT row that its owner does not know",
        what="A floating IP's NAT row was left behind when the floating IP was deleted.",
        shows="The address answers ARP on the provider network and leads nowhere; given to another "
        "VM it works now and then.",
        decisive="The external_ip is no floating IP of the owner's, and the logical_ip no port's.",
        remedy="Delete that one row.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT", "neutron: ovn_db_sync.py"),
        unlike={"fip-on-wrong-fixed-ip": "there the owner knows the floating IP"},
        find=_unowned,
    ),
)
