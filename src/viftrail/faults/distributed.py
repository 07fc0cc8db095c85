"""S13: floating IPs that are translated on a host without their provider network."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.physnet import mappings
from viftrail.chain.quoting import atom, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NAT, LogicalRouter
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage


def _stranded(cloud: Cloud) -> Iterator[Case]:
    routers = cloud.nb[LogicalRouter]
    gateways = {gateway.router.uuid: gateway for gateway in cloud.gateways}
    for row in cloud.nb[NAT]:
        # Both together make northd translate on the port's own chassis.
        if row.type != "dnat_and_snat" or not row.external_mac or not row.logical_port:
            continue
        chassis = cloud.chassis_of(cloud.binding(row.logical_port))
        router = routers.one("nat", row.uuid)
        gateway = gateways.get(router.uuid) if router else None
        if chassis and gateway:
            yield from _unmapped(cloud, row, chassis, gateway)


def _unmapped(cloud: Cloud, row: NAT, chassis: Chassis, gateway: Gateway) -> Iterator[Case]:
    side = cloud.provider_side(gateway)
    physnet = side[1].options.get("network_name", "") if side else ""
    own = cloud.localnet_of(side[0], chassis) if side else None
    text = chassis.bridge_mappings
    # Where the gateway's own chassis has no mapping either, the mapping is what is wrong.
    home = gateway.expected.bridge_mappings if gateway.expected else ""
    if not own or own.options.get("network_name", "") in mappings(text):
        return
    if physnet not in mappings(home):
        return
    column = f"NAT {row.uuid} external_mac"
    yield Case(
        subject=subject.floating_ip(row.external_ip),
        summary=f"floating IP {row.external_ip} is translated on {chassis.hostname}, which is not "
        f"connected to {physnet}",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what=f"NAT external_ip={row.external_ip} external_mac",
                seen=f"{row.external_mac}: translated where the VM runs",
                expected=f"none, or a chassis that maps {physnet}",
                command=f"ovn-nbctl get {column}",
            ),
            Evidence(
                where=SOUTHBOUND,
                what=f"Chassis.other_config:ovn-bridge-mappings of {chassis.hostname}",
                seen=text or "empty",
                expected=f"{physnet}:BRIDGE",
                command=f"ovn-sbctl get Chassis {q(chassis.name)} other_config:ovn-bridge-mappings",
            ),
        ),
        steps=on_host(
            cloud.central_name,
            f"ovn-nbctl clear {column}",
            undo=f"ovn-nbctl set NAT {q(row.uuid)} external_mac={q(atom(row.external_mac))}",
            verify=f"ovn-nbctl get {column}",
            risk=Risk.BLINKS,
        ),
        note=f"That translates it on {_place(gateway)}. To keep it distributed connect "
        f"{chassis.hostname} to {physnet} and set its ovn-bridge-mappings. With "
        "enable_distributed_floating_ip=True Neutron writes external_mac again when the port next "
        "comes up.",
    )


def _place(gateway: Gateway) -> str:
    return gateway.expected.hostname if gateway.expected else "the gateway"


FAULTS = (
    Fault(
        id="fip-distributed-no-mapping",
        stage=Stage.FLOATING_IP,
        title="A distributed floating IP on a host without its provider network",
        what="The NAT row has an external_mac, so the floating IP is translated where the VM runs; "
        "that host maps no bridge to the provider network.",
        shows="Floating IPs of VMs on some hosts are dead in both directions; VMs without one reach "
        "the outside through the gateway.",
        decisive="NAT.external_mac and logical_port are set, and the chassis that claims the port "
        "has no mapping of the physical network.",
        remedy="Connect the host to the provider network, or translate on the gateway by clearing "
        "external_mac (Neutron: enable_distributed_floating_ip=False).",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), NAT external_mac", "neutron: ovn_conf.py"),
        unlike={
            "prov-mapping-missing": "there the gateway's chassis has no mapping, and all is dead",
            "fip-nat-row-missing": "there is no NAT row at all",
        },
        find=_stranded,
    ),
)
