"""S11: routers without a way on, or with two kinds of gateway at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import StaticRoute
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import neutron_owns, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage

DEFAULT = "0.0.0.0/0"


def _routeless(cloud: Cloud) -> Iterator[Case]:
    table = cloud.nb[StaticRoute]
    for gateway in cloud.gateways:
        router = gateway.router
        hop = first_address(gateway)
        if not hop or not all(table.knows("uuid", uuid) for uuid in router.static_routes):
            continue
        routes = [row for uuid in router.static_routes for row in table.find("uuid", uuid)]
        if any(row.ip_prefix == DEFAULT for row in routes):
            continue
        neutron = neutron_owns(cloud)
        yield Case(
            subject=subject.router(router.name),
            summary=f"router {router.name} has a gateway, but no default route: nothing beyond the "
            "provider network's own subnet is reached",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"static routes of {router.name}",
                    seen=", ".join(f"{row.ip_prefix} via {row.nexthop}" for row in routes)
                    or "none",
                    expected=f"{DEFAULT} via the provider's router",
                    command=f"ovn-nbctl lr-route-list {q(router.name)}",
                ),
            ),
            # The subnet is its owner's, and serves others too: without a gateway it may be meant.
            steps=()
            if neutron
            else on_host(
                cloud.central_name,
                f"ovn-nbctl lr-route-add {q(router.name)} {DEFAULT} {q(hop)}",
                undo=f"ovn-nbctl lr-route-del {q(router.name)} {DEFAULT}",
                verify=f"ovn-nbctl lr-route-list {q(router.name)}",
            ),
            certainty=Certainty.LIKELY,
            note=(_gateway_note(cloud, gateway, hop) if neutron else "")
            + f"{hop} is the subnet's first address, which Neutron takes for the gateway unless "
            "told otherwise; where the provider's router has another one, name that.",
        )


def _gateway_note(cloud: Cloud, gateway: Gateway, hop: str) -> str:
    ids = gateway.leg.external_ids.get("neutron:subnet_ids", "").split()
    six = {row.id for row in cloud.openstack.subnets or () if row.ip_version == 6}
    left = [each for each in ids if each not in six]
    which = q(left[0]) if len(left) == 1 else "SUBNET"
    return (
        "It may be meant so, where the provider network leads nowhere else. If it is not: "
        f"`openstack subnet set --gateway {hop} {which}`"
        + (f", where SUBNET is that of {hop} among {', '.join(left)}. " if len(left) > 1 else ". ")
    )


def first_address(gateway: Gateway) -> str:
    """The first IPv4 address of the gateway leg's subnet; empty where it has none."""
    for text in gateway.leg.networks:
        try:
            network = ipaddress.ip_interface(text).network
        except ValueError:
            continue
        if network.version == 4 and network.prefixlen < 31:
            return str(network.network_address + 1)
    return ""


def _torn(cloud: Cloud) -> Iterator[Case]:
    for gateway in cloud.gateways:
        router = gateway.router
        pinned = router.options.get("chassis", "")
        # Without a chassis of the leg's own it is an ordinary gateway router.
        if not pinned or not gateway.named:
            continue
        leg = gateway.leg.name
        right_place = pinned in gateway.candidates
        yield Case(
            subject=subject.router(router.name),
            summary=f"router {router.name} is bound to chassis {pinned} as a whole, and its port "
            f"{leg} has a gateway chassis of its own; northd makes no gateway then"
            + (
                ", so all of it lives there, and nowhere else if that fails"
                if right_place
                else f", and {pinned} is none of those that may have it"
            ),
            victims=frozenset() if right_place else None,
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Router {router.name} options:chassis",
                    seen=pinned,
                    expected="not set",
                    command=f"ovn-nbctl get Logical_Router {q(router.name)} options",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"gateway chassis of {leg}",
                    seen=", ".join(gateway.candidates) or "a group",
                    expected="the only gateway",
                    command=f"ovn-nbctl lrp-get-gateway-chassis {q(leg)}",
                ),
            ),
            # No OpenStack command sets or clears that option.
            steps=on_host(
                cloud.central_name,
                f"ovn-nbctl remove Logical_Router {q(router.name)} options chassis",
                undo=f"ovn-nbctl set Logical_Router {q(router.name)} options:chassis={db(pinned)}",
                verify=f"ovn-sbctl --columns=chassis find Port_Binding logical_port={db('cr-' + leg)}",
                risk=Risk.BLINKS,
            ),
        )


FAULTS = (
    Fault(
        id="router-no-default-route",
        stage=Stage.ROUTER,
        title="The router has no default route",
        what="The router has a gateway, and no static route for 0.0.0.0/0: the provider subnet has no "
        "gateway_ip, or the route was lost.",
        shows="VMs reach hosts of the provider subnet and nothing beyond it.",
        decisive="None of the router's static routes has the prefix 0.0.0.0/0.",
        remedy="If it is not meant so, give the provider subnet its gateway; without Neutron, add the "
        "route.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Router_Static_Route",
            "neutron: ovn_client.py _add_router_ext_gw",
        ),
        unlike={
            "router-no-gateway-chassis": "there not even hosts of the provider subnet are reached"
        },
        find=_routeless,
        intended=True,
    ),
    Fault(
        id="router-mode-conflict",
        stage=Stage.ROUTER,
        title="The router is a gateway router and has a distributed gateway too",
        what="Logical_Router.options:chassis is set although a port of the router names gateway "
        "chassis. The two kinds of gateway exclude each other.",
        shows="northd logs `Bad configuration: distributed gateway port configured on port … on L3 "
        "gateway router`; the gateway port has no chassisredirect row. All of the router lives on "
        "that chassis: where it may live anyway, traffic passes until the chassis fails; elsewhere "
        "none does.",
        decisive="options:chassis is set, and a port has gateway_chassis or an ha_chassis_group.",
        remedy="Remove options:chassis; the gateway port keeps its own gateway chassis.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), Logical_Router options:chassis", "OVN: northd/northd.c"),
        unlike={"router-no-gateway-chassis": "there the gateway port names no chassis at all"},
        find=_torn,
    ),
)
