"""S13: NAT rows of floating IPs that are in the wrong router, or tied to the wrong port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.once import once
from viftrail.chain.quoting import atom, db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouter, NBGlobal
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Evidence, Risk, Stage


def _of(cloud: Cloud, row: NAT) -> Port | None:
    """The port that the floating IP is meant for, as its owner or Neutron's own key says."""
    if row.type != "dnat_and_snat":
        return None
    keys = row.external_ids
    owned = _owned(cloud).get(row.external_ip)
    return cloud.ports.get(owned or keys.get("neutron:fip_port_id", ""))


@once
def _owned(cloud: Cloud) -> Mapping[str, str]:
    """The port of each floating IP, as its owner says."""
    return {fip.ip: fip.port_id for fip in cloud.owner.floating_ips}


def _elsewhere(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.nb[NAT]:
        port = _of(cloud, row)
        router = cloud.nb[LogicalRouter].one("nat", row.uuid)
        switch = cloud.switch_of(port) if port else None
        right = cloud.routers_of(switch) if switch else ()
        if not port or not router or not right or router.uuid in {r.uuid for r in right}:
            continue
        name, ip = right[0].name, row.external_ip
        more = f" {q(row.logical_port)} {q(row.external_mac)}" if row.external_mac else ""
        yield Case(
            subject=subject.floating_ip(ip),
            summary=f"floating IP {ip} of {port.label} is translated by router {router.name}, which "
            "its network is not attached to",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"router with the NAT row of {ip}",
                    seen=router.name,
                    expected=name,
                    command=f"ovn-nbctl lr-nat-list {q(router.name)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl lr-nat-del {q(router.name)} dnat_and_snat {q(ip)} -- "
                f"lr-nat-add {q(name)} dnat_and_snat {q(ip)} {q(row.logical_ip)}{more}",
                undo=f"ovn-nbctl lr-nat-del {q(name)} dnat_and_snat {q(ip)} -- "
                f"lr-nat-add {q(router.name)} dnat_and_snat {q(ip)} {q(row.logical_ip)}{more}",
                openstack=f"openstack floating ip unset --port {q(ip)} && "
                f"openstack floating ip set --port {q(port.id)} {q(ip)}",
                verify=f"ovn-nbctl find NAT external_ip={db(ip)}",
            ),
        )


def _mistied(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.nb[NAT]:
        port = _of(cloud, row)
        # Only a distributed one depends on where the logical port is.
        if not port or not row.external_mac or row.logical_port in (None, port.id):
            continue
        column = f"NAT {row.uuid} logical_port"
        yield Case(
            subject=subject.floating_ip(row.external_ip),
            summary=f"floating IP {row.external_ip} of {port.label} is translated where "
            f"{row.logical_port} is, which is another port",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"NAT external_ip={row.external_ip} logical_port",
                    seen=row.logical_port or "",
                    expected=port.id,
                    command=f"ovn-nbctl get {column}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set {column}={db(port.id)}",
                undo=f"ovn-nbctl set {column}={db(row.logical_port)}",
                openstack=f"openstack floating ip unset --port {q(row.external_ip)} && "
                f"openstack floating ip set --port {q(port.id)} {q(row.external_ip)}",
                verify=f"ovn-nbctl get {column}",
            ),
        )


def _centralized(cloud: Cloud) -> Iterator[Case]:
    if not any(
        row.external_ids.get("neutron:fip-distributed") == "True" for row in cloud.nb[NBGlobal]
    ):
        return
    for row in cloud.nb[NAT]:
        port = _of(cloud, row)
        mac = row.external_ids.get("neutron:fip_external_mac", "")
        if not port or row.external_mac or not row.logical_port or not mac:
            continue
        if port.row is None or not port.row.up:
            continue  # Neutron writes it when the port comes up
        column = f"NAT {row.uuid} external_mac"
        yield Case(
            subject=subject.floating_ip(row.external_ip),
            summary=f"floating IP {row.external_ip} of {port.label} is translated on the gateway, "
            "although floating IPs shall be distributed",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"NAT external_ip={row.external_ip} external_mac",
                    seen="empty",
                    expected=mac,
                    command=f"ovn-nbctl get {column}",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what="NB_Global external_ids:neutron:fip-distributed",
                    seen="True",
                    expected="True: external_mac in every row",
                    command="ovn-nbctl get NB_Global . external_ids",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set {column}={q(atom(mac))}",
                undo=f"ovn-nbctl clear {column}",
                openstack=f"openstack port set --disable {q(port.id)} && "
                f"openstack port set --enable {q(port.id)}",
                verify=f"ovn-nbctl get {column}",
                risk=Risk.BLINKS,
            ),
            victims=frozenset(),
        )


FAULTS = (
    Fault(
        id="fip-wrong-router",
        stage=Stage.FLOATING_IP,
        title="The floating IP is translated by the wrong router",
        what="The NAT row of the floating IP is in a router that the port's network is not attached "
        "to.",
        shows="The floating IP is dead in both directions; the VM reaches the outside by the SNAT of "
        "its own router.",
        decisive="The router whose nat column holds the row has no port in the VM's network.",
        remedy="Move the row to the right router; Neutron does so when the floating IP is associated "
        "again.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Router nat",),
        unlike={"fip-nat-row-missing": "there no router has such a row"},
        find=_elsewhere,
    ),
    Fault(
        id="fip-logical-port-wrong",
        stage=Stage.FLOATING_IP,
        title="A distributed floating IP is tied to another port",
        what="NAT.logical_port decides which chassis translates a distributed floating IP; it names "
        "a port that is not the one the floating IP is for.",
        shows="The floating IP is dead unless both ports happen to be on one host; if the named port "
        "is bound nowhere, nobody even answers ARP for it.",
        decisive="NAT.external_mac is set, and NAT.logical_port is not the floating IP's own port.",
        remedy="Name the right port; Neutron does so when the floating IP is associated again.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT logical_port",),
        unlike={
            "fip-on-wrong-fixed-ip": "there the address that it leads to is wrong",
            "fip-distributed-no-mapping": "there the port is right and its host is not connected",
        },
        find=_mistied,
    ),
    Fault(
        id="fip-external-mac-missing",
        stage=Stage.FLOATING_IP,
        title="A floating IP is centralized in a distributed cloud",
        what="Floating IPs shall be translated where the VM runs, and this one's NAT row has no "
        "external_mac: Neutron missed the moment when the port came up.",
        shows="It works, by way of the gateway: slower, and dead with the gateway. Often nobody "
        "notices.",
        decisive="NB_Global says neutron:fip-distributed=True, the port is up, and NAT.external_mac is "
        "empty.",
        remedy="Let the port go down and up; newer Neutron repairs it.",
        risk=Risk.BLINKS,
        references=(
            "neutron: mech_driver.py _update_dnat_entry_if_needed",
            "Launchpad bug 2111593",
        ),
        unlike={"fip-distributed-no-mapping": "there it is distributed, and dead"},
        find=_centralized,
        spares_others=True,
    ),
)
