"""S13: faults of floating IPs."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.floating_ip import nat_of
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Evidence, Risk, Stage


def _wanted(cloud: Cloud) -> Iterator[tuple[str, Port, str, str]]:
    """Floating IPs that the owner, or the port's own row, says exist."""
    told: set[str] = set()
    for owned in cloud.owner.floating_ips:
        port = cloud.ports.get(owned.port_id)
        if port:
            told.add(owned.ip)
            yield owned.ip, port, owned.fixed_ip, owned.router
    for port in cloud.ports.values():
        keys = port.row.external_ids if port.row else {}
        for address in keys.get("neutron:port_fip", "").split():
            if address not in told:
                yield address, port, port.ipv4, ""


def _router(cloud: Cloud, port: Port, known: str) -> str:
    if known:
        return known
    switch = cloud.switch_of(port)
    routers = cloud.routers_of(switch) if switch else ()
    return routers[0].name if routers else ""


def _missing(cloud: Cloud) -> Iterator[Case]:
    for address, port, fixed, known_router in _wanted(cloud):
        if nat_of(cloud, address) or not cloud.nb[NAT].knows("external_ip", address):
            continue
        router = _router(cloud, port, known_router)
        yield Case(
            subject=subject.floating_ip(address),
            summary=f"floating IP {address} belongs to {port.label}, but no NAT row translates it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"NAT external_ip={address}",
                    seen="no such row",
                    expected=f"dnat_and_snat to {fixed}" + (f" in {router}" if router else ""),
                    command=f"ovn-nbctl find NAT external_ip={db(address)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl lr-nat-add {q(router)} dnat_and_snat {q(address)} {q(fixed)}",
                undo=f"ovn-nbctl lr-nat-del {q(router)} dnat_and_snat {q(address)}",
                openstack=f"openstack floating ip unset --port {q(address)} && "
                f"openstack floating ip set --port {q(port.id)} {q(address)}",
                verify=f"ovn-nbctl find NAT external_ip={db(address)}",
            )
            if router
            else (),
            note="" if router else "No router joins the port's network to a provider network.",
        )


FAULTS = (
    Fault(
        id="fip-nat-row-missing",
        stage=Stage.FLOATING_IP,
        title="The floating IP has no NAT row",
        what="The owner says the floating IP belongs to the port, but the router in Northbound has no "
        "dnat_and_snat row for it.",
        shows="The floating IP is ACTIVE in Neutron; from outside even ARP for it is not answered. "
        "The VM itself reaches the outside through the router's SNAT.",
        decisive="No NAT row with that external_ip, while the owner or the port's "
        "neutron:port_fip names it.",
        remedy="Associate the floating IP again; its address is kept.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT", "neutron: ovn_client.py"),
        unlike={"router-no-gateway-chassis": "there every floating IP of the router is dead"},
        find=_missing,
    ),
)
