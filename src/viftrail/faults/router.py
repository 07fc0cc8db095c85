"""S11: faults of routers and their gateway chassis."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.physnet import mappings
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.masquerade import GATEWAY_UNKNOWN, gateway_again
from viftrail.faults.step import neutron_owns, owned_row
from viftrail.verdict import Evidence, Risk, Stage, Step

GATEWAY_OPTION = "enable-chassis-as-gw"


def able(cloud: Cloud, physnet: str) -> list[Chassis]:
    """Chassis that may host gateways and reach this physical network, by hostname."""
    return sorted(
        (
            row
            for row in cloud.sb[Chassis]
            if GATEWAY_OPTION in row.setting("ovn-cms-options").split(",")
            and (not physnet or physnet in mappings(row.bridge_mappings))
        ),
        key=lambda row: row.hostname,
    )


def able_for(cloud: Cloud, gateway: Gateway) -> tuple[str, list[Chassis]]:
    """Chassis that may host it, and a physical network of its outside; any segment of that does."""
    side = cloud.provider_side(gateway)
    rows = cloud.localnets_of(side[0]) if side else ()
    physnets = [row.options.get("network_name", "") for row in rows] or [""]
    ready = {row.uuid: row for physnet in physnets for row in able(cloud, physnet)}
    return physnets[0], sorted(ready.values(), key=lambda row: row.hostname)


def _unhosted(cloud: Cloud) -> Iterator[Case]:
    for gateway in cloud.gateways:
        if gateway.named:
            continue
        leg = gateway.leg.name
        physnet, ready = able_for(cloud, gateway)
        steps = _schedule(cloud, gateway, ready[0]) if ready else ()
        yield Case(
            subject=subject.router(gateway.router.name),
            summary=f"the gateway port of {_name(gateway)} has no gateway chassis, so nothing "
            "passes to or from the provider network",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Router_Port {leg} gateway_chassis, ha_chassis_group",
                    seen="empty, empty",
                    expected="at least one chassis",
                    command=f"ovn-nbctl lrp-get-gateway-chassis {q(leg)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="chassis that may host gateways for " + (physnet or "the network"),
                    seen=", ".join(row.hostname for row in ready) or "none",
                    expected=f"ovn-cms-options={GATEWAY_OPTION} and a mapping of {physnet}",
                    command="ovn-sbctl --columns=hostname,other_config list Chassis",
                ),
            ),
            steps=steps,
            note=""
            if steps
            else GATEWAY_UNKNOWN
            if ready
            else f"First make a host eligible: on it, map {physnet or 'the physical network'} to its "
            f"provider bridge and set external_ids:ovn-cms-options={GATEWAY_OPTION}.",
        )


def _schedule(cloud: Cloud, gateway: Gateway, chassis: Chassis) -> tuple[Step, ...]:
    leg = gateway.leg.name
    network = gateway.leg.external_ids.get("neutron:network_name", "").removeprefix("neutron-")
    # Any update of the gateway schedules it (neutron ovn_client.py update_router).
    openstack = gateway_again(cloud, gateway, network)
    if neutron_owns(cloud) and not openstack:
        return ()
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl lrp-set-gateway-chassis {q(leg)} {q(chassis.name)} 1",
        undo=f"ovn-nbctl lrp-del-gateway-chassis {q(leg)} {q(chassis.name)}",
        openstack=openstack,
        verify=f"ovn-sbctl --columns=chassis find Port_Binding logical_port={db('cr-' + leg)}",
        risk=Risk.SAFE,
    )


def _name(gateway: Gateway) -> str:
    router = gateway.router
    return "router " + (router.external_ids.get("neutron:router_name") or router.name)


FAULTS = (
    Fault(
        id="router-no-gateway-chassis",
        stage=Stage.ROUTER,
        title="The router's gateway has no chassis",
        what="The gateway port names no gateway chassis: when it was scheduled, no chassis had "
        "ovn-cms-options=enable-chassis-as-gw together with a mapping of the physical network.",
        shows="East-west traffic works, north-south and floating IPs are dead. The router's own "
        "external address still answers a ping from the VM, which misleads.",
        decisive="gateway_chassis and ha_chassis_group of the gateway port are empty; Southbound "
        "has no chassisredirect row for it.",
        remedy="Make a chassis eligible; Neutron then schedules unhosted gateways by itself. "
        "Without Neutron name the chassis at the port.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Router_Port gateway_chassis",
            "neutron: ovn_client.py get_candidates_for_scheduling",
        ),
        unlike={"router-gateway-chassis-gone": "there a chassis is named that no longer exists"},
        find=_unhosted,
    ),
)
