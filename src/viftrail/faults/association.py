"""S13: floating IPs that Neutron refused to give to a port."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway, Port
from viftrail.chain.quoting import q
from viftrail.chain.saying import said
from viftrail.chain.trail import floating_ips_of
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.log.logs import Signal
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

REFUSED = "floating-ip-not-reachable"
"""The pattern of Neutron's own words."""

NETWORK = "neutron:network_name"


def _refused(cloud: Cloud) -> Iterator[Case]:
    latest = {signal.groups["port"]: signal for signal in cloud.facts.logs.signals(REFUSED)}
    for port_id, signal in latest.items():
        port = cloud.ports.get(port_id)
        if port is None or port.row is None or floating_ips_of(cloud, port):
            continue  # it has got one since
        if not _still(cloud, port, signal.groups["network"]):
            continue
        yield _case(cloud, port, signal)


def _gateways(cloud: Cloud, port: Port) -> list[Gateway]:
    switch = cloud.switch_of(port)
    routers = {router.uuid for router in cloud.routers_of(switch)} if switch else set()
    return [gateway for gateway in cloud.gateways if gateway.router.uuid in routers]


def _still(cloud: Cloud, port: Port, network: str) -> bool:
    """No router leads from the port's network to that one; not so where that was not read."""
    switch = cloud.switch_of(port)
    if switch is None or not _read(cloud, switch.ports):
        return False
    sides = [cloud.outside(gateway) for gateway in _gateways(cloud, port)]
    return None not in sides and f"neutron-{network}" not in [
        side[0].name for side in sides if side
    ]


def _read(cloud: Cloud, members: tuple[str, ...]) -> bool:
    table = cloud.nb[LogicalSwitchPort]
    return all(table.find("uuid", uuid) for uuid in members)


def _case(cloud: Cloud, port: Port, signal: Signal) -> Case:
    network, subnet = signal.groups["network"], signal.groups["subnet"]
    switch = cloud.switch_of(port)
    routers = cloud.routers_of(switch) if switch else ()
    router = routers[0].name.removeprefix("neutron-") if routers else "ROUTER"
    ways = [side[0].name for g in _gateways(cloud, port) if (side := cloud.outside(g))]
    return Case(
        subject=subject.port(port.id),
        summary=f"Neutron gave {port.label} no floating IP: no router leads from its subnet to the "
        f"external network {network}",
        evidence=(
            said(signal.line, expected="a floating IP that is given to the port"),
            Evidence(
                where=NORTHBOUND,
                what="provider networks that the routers of the port's network lead to",
                seen=", ".join(ways) or ("none" if routers else "none: it has no router"),
                expected=f"neutron-{network}",
                command=f"openstack router list --long; openstack port show {q(port.id)} -c fixed_ips",
            ),
        ),
        steps=(
            Step(
                command=f"openstack router set --external-gateway {q(network)} {q(router)}",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=f"openstack router unset --external-gateway {q(router)}",
                verify=f"openstack router show {q(router)} -c external_gateway_info",
            ),
        )
        if routers and not ways
        else (),
        # Somebody may have asked for the wrong network, and have another floating IP since.
        certainty=Certainty.LIKELY,
        victims=frozenset(),
        note=f"Attach the subnet to a router whose gateway is on {network}: openstack router add "
        f"subnet ROUTER {subnet}. Or take a floating IP of a network that its router leads to.",
    )


FAULTS = (
    Fault(
        id="fip-not-associable",
        stage=Stage.FLOATING_IP,
        title="Neutron refuses to give the port a floating IP",
        what="A floating IP is of an external network, and a port can have it only where a router is "
        "attached to the port's subnet and has its gateway on that network.",
        shows="`openstack floating ip set` or `server add floating ip` answers 404. The VM works as it "
        "did, without that floating IP.",
        decisive="`External network N is not reachable from subnet S.  Therefore, cannot associate Port "
        "P with a Floating IP.`, and Northbound has no router that leads from one to the other.",
        remedy="Attach the subnet to a router, and set that router's gateway to the external network.",
        risk=Risk.SAFE,
        references=(
            "neutron: db/l3_db.py get_router_for_floatingip",
            "neutron-lib: exceptions/l3.py ExternalGatewayForFloatingIPNotFound",
        ),
        unlike={
            "fip-nat-row-missing": "there Neutron gave it, and OVN does not have it",
            "router-no-gateway-chassis": "there the router has its gateway, and no host for it",
        },
        find=_refused,
        unprovoked="it is an answer of Neutron's API, and the lab's own gives every floating IP.",
    ),
)
