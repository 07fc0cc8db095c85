"""S13: source addresses of VMs that have no floating IP."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway, Port
from viftrail.chain.once import once
from viftrail.chain.quoting import db, q
from viftrail.chain.trail import floating_ips_of
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouterPort
from viftrail.facts.slice import is_gateway
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _masquerades(cloud: Cloud, gateway: Gateway) -> tuple[NAT, ...] | None:
    """The router's snat rows; None where not every NAT row of it was read."""
    table = cloud.nb[NAT]
    if not all(table.knows("uuid", uuid) for uuid in gateway.router.nat):
        return None
    rows = table.by("uuid")
    found = (row for uuid in gateway.router.nat for row in rows.get(uuid, ()))
    return tuple(row for row in found if row.type == "snat")


def gateway_again(cloud: Cloud, gateway: Gateway, network: str) -> str:
    """The command that has Neutron write a gateway again, as it is; empty where that is not known.

    Without a word of SNAT Neutron takes the default for it, not what the router has
    (neutron: db/l3_gwmode_db.py).
    """
    name = gateway.router.name.removeprefix("neutron-")
    enabled = _enabled(cloud, gateway, name)
    if enabled is None:
        return ""
    flag = "--enable-snat" if enabled else "--disable-snat"
    return f"openstack router set --external-gateway {q(network)} {flag} {q(name)}"


GATEWAY_UNKNOWN = (
    "An update of the router's gateway (`openstack router set --external-gateway`) has Neutron do so; "
    "repeat with it the --enable-snat or --disable-snat that `openstack router show -c "
    "external_gateway_info` tells, as it is reset otherwise."
)
"""What to say where `gateway_again` has no command."""


def _enabled(cloud: Cloud, gateway: Gateway, name: str) -> bool | None:
    """Whether the router masquerades: in Neutron's words, else by its rows."""
    told = [row.enable_snat for row in cloud.openstack.routers or () if row.id == name]
    if told and told[0] is not None:
        return told[0]
    rows = _masquerades(cloud, gateway)
    if rows:
        return True
    legs = (cloud.nb[LogicalRouterPort].one("uuid", uuid) for uuid in gateway.router.ports)
    inside = [leg for leg in legs if leg and not is_gateway(leg)]
    # Only a subnet of IPv4 behind the router makes a row.
    four = any(":" not in network for leg in inside for network in leg.networks)
    return False if rows is not None and four else None


@once
def _inside(cloud: Cloud) -> dict[str, list[Port]]:
    """The ports without a floating IP behind each router, by its UUID."""
    translated = {row.logical_ip for row in cloud.nb[NAT] if row.type == "dnat_and_snat"}
    found: dict[str, list[Port]] = {}
    for port in cloud.ports.values():
        switch = cloud.switch_of(port)
        if not switch or not port.ipv4 or port.ipv4 in translated or floating_ips_of(cloud, port):
            continue
        for router in cloud.routers_of(switch):
            found.setdefault(router.uuid, []).append(port)
    return found


def _address(gateway: Gateway) -> str:
    """The router's own IPv4 address outside, which Neutron masquerades with."""
    addresses = (net.partition("/")[0] for net in gateway.leg.networks)
    return next((address for address in addresses if ":" not in address), "")


def _covers(row: NAT, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(row.logical_ip, strict=False)
    except ValueError:
        return False


def _bare(cloud: Cloud) -> Iterator[Case]:
    inside = _inside(cloud)
    for gateway in cloud.gateways:
        rows, own = _masquerades(cloud, gateway), _address(gateway)
        if rows is None or not own:
            continue
        bare = [
            port
            for port in inside.get(gateway.router.uuid, ())
            if not any(_covers(row, port.ipv4) for row in rows)
        ]
        if not bare or _meant(cloud, gateway):
            continue
        router = gateway.router.name
        subnet = _subnet(bare[0])
        network = gateway.leg.external_ids.get("neutron:network_name", "").removeprefix("neutron-")
        yield Case(
            subject=subject.router(router),
            summary=f"router {router} translates no source address of {subnet}: VMs without a "
            "floating IP are heard outside by addresses that nobody there can answer",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"NAT rows of {router}, type snat",
                    seen=", ".join(row.logical_ip for row in rows) or "none",
                    expected=f"one for {subnet}",
                    command=f"ovn-nbctl lr-nat-list {q(router)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl lr-nat-add {q(router)} snat {q(own)} {q(subnet)}",
                undo=f"ovn-nbctl lr-nat-del {q(router)} snat {q(subnet)}",
                openstack=f"openstack router set --external-gateway {q(network)} --enable-snat "
                f"{q(router.removeprefix('neutron-'))}",
                openstack_undo=f"openstack router set --external-gateway {q(network)} --disable-snat "
                f"{q(router.removeprefix('neutron-'))}",
                verify=f"ovn-nbctl lr-nat-list {q(router)}",
            ),
            certainty=Certainty.LIKELY,
            victims=frozenset(subject.port(port.id) for port in bare),
            note="It may be meant so (enable_snat=false), where the provider routes "
            f"{subnet} back to the router.",
        )


def _meant(cloud: Cloud, gateway: Gateway) -> bool:
    """Neutron was asked, and says that this router shall not translate."""
    return any(
        gateway.router.name == f"neutron-{router.id}" and router.enable_snat is False
        for router in cloud.openstack.routers or ()
    )


def _subnet(port: Port) -> str:
    """The port's subnet, or its address where nobody tells a prefix length."""
    cidrs = [cidr for cidr in port.cidrs if cidr.partition("/")[0] == port.ipv4]
    return str(ipaddress.ip_interface(cidrs[0]).network) if cidrs else port.ipv4


def _foreign(cloud: Cloud) -> Iterator[Case]:
    inside = _inside(cloud)
    for gateway in cloud.gateways:
        own = _address(gateway)
        for row in (_masquerades(cloud, gateway) or ()) if own else ():
            if _reached(gateway, row.external_ip):
                continue
            ports = [p for p in inside.get(gateway.router.uuid, ()) if _covers(row, p.ipv4)]
            yield Case(
                subject=subject.router(gateway.router.name),
                summary=f"router {gateway.router.name} gives {row.logical_ip} the source address "
                f"{row.external_ip}, which is not of its provider network",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"NAT of {row.logical_ip}, type snat",
                        seen=row.external_ip,
                        expected=f"{own}, the router's own",
                        command=f"ovn-nbctl lr-nat-list {q(gateway.router.name)}",
                    ),
                    Evidence(
                        where=NORTHBOUND,
                        what=f"networks of {gateway.leg.name}",
                        seen=", ".join(gateway.leg.networks),
                        expected=f"one with {row.external_ip}",
                        command=f"ovn-nbctl get Logical_Router_Port {q(gateway.leg.name)} networks",
                    ),
                ),
                steps=owned_row(
                    cloud,
                    ovn=f"ovn-nbctl set NAT {q(row.uuid)} external_ip={db(own)}",
                    undo=f"ovn-nbctl set NAT {q(row.uuid)} external_ip={db(row.external_ip)}",
                    openstack="neutron-ovn-db-sync-util --ovn-neutron_sync_mode repair",
                    verify=f"ovn-nbctl lr-nat-list {q(gateway.router.name)}",
                ),
                # A provider may route further addresses to the router, as Neutron never asks.
                certainty=Certainty.PROVEN
                if "neutron:router_name" in gateway.router.external_ids
                else Certainty.LIKELY,
                victims=frozenset(subject.port(port.id) for port in ports),
            )


def _reached(gateway: Gateway, address: str) -> bool:
    """In a subnet of the gateway port, where ARP for it is answered; so is what cannot be read."""
    try:
        wanted = ipaddress.ip_address(address)
        return any(wanted in ipaddress.ip_interface(net).network for net in gateway.leg.networks)
    except ValueError:
        return True


_OUT = "A VM without a floating IP gets no answer from outside; one with a floating IP does. "

FAULTS = (
    Fault(
        id="snat-disabled",
        stage=Stage.FLOATING_IP,
        title="The router does not translate the sources of a subnet",
        what="The router has a gateway, and no snat row for a subnet behind it: enable_snat is false, "
        "or the row was lost.",
        shows=_OUT + "On the provider's wire packets carry the VM's private address.",
        decisive="No NAT row of type snat, whose logical_ip holds the VM's address, in the router. "
        "Where Neutron does not say that it is meant (enable_snat) only the router's owner knows, so "
        "an audit does not list it.",
        remedy="Enable SNAT at the router, unless the provider routes the subnet back.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT", "neutron: ovn_client.py update_nat_rules"),
        unlike={"router-no-gateway-chassis": "there floating IPs are dead too"},
        find=_bare,
        spares_others=True,
        intended=True,
    ),
    Fault(
        id="snat-wrong-address",
        stage=Stage.FLOATING_IP,
        title="The router gives sources an address of another network",
        what="The external_ip of the router's snat row is in no subnet of its gateway port: left over "
        "from a gateway that was moved to another network or subnet.",
        shows=_OUT + "On the provider's wire packets carry that address, and ARP for it fails.",
        decisive="NAT.external_ip of type snat is outside Logical_Router_Port.networks of the gateway "
        "port.",
        remedy="Translate to the router's own address; Neutron's sync repair writes it.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), NAT", "neutron: ovn_client.py update_nat_rules"),
        unlike={"snat-disabled": "there the source is not translated at all"},
        find=_foreign,
        spares_others=True,
    ),
)
