"""S11: routes to a next hop that the router cannot reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalRouter, LogicalRouterPort, StaticRoute
from viftrail.faults.fault import Case, Fault
from viftrail.faults.route import DEFAULT, first_address
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, neutron_owns, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _pathless(cloud: Cloud) -> Iterator[Case]:
    gateways = {gateway.router.uuid: gateway for gateway in cloud.gateways}
    routes = cloud.nb[StaticRoute].by("uuid")
    for router in cloud.nb[LogicalRouter] if routes else ():
        gateway = gateways.get(router.uuid)
        mine = [row for uuid in router.static_routes for row in routes.get(uuid, ())]
        for row in mine:
            if _on_link(cloud, router, row.nexthop) is not False:
                continue
            default = row.ip_prefix == DEFAULT
            hop = first_address(gateway) if default and gateway else ""
            yield Case(
                subject=subject.router(router.name),
                summary=f"router {router.name} sends {row.ip_prefix} to {row.nexthop}, which is in "
                "no subnet of its ports, so northd makes no route of it",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"route {row.ip_prefix} of {router.name}",
                        seen=f"via {row.nexthop}",
                        expected="via an address of "
                        + ", ".join(sorted(net for net in _networks(cloud, router))),
                        command=f"ovn-nbctl lr-route-list {q(router.name)}",
                    ),
                ),
                steps=redirect(cloud, router, row, hop) if hop else (),
                # Who uses a route to a single network cannot be seen.
                certainty=Certainty.PROVEN if default else Certainty.LIKELY,
                victims=None if default else frozenset(),
                note=f"{hop} is the subnet's first address; where the provider's router has another "
                "one, name that."
                if hop
                else "Take the route away, or name a next hop in one of the router's subnets.",
            )


def _on_link(cloud: Cloud, router: LogicalRouter, nexthop: str) -> bool | None:
    """Some leg's subnet has it; None where that cannot be told."""
    table = cloud.nb[LogicalRouterPort]
    try:
        address = ipaddress.ip_address(nexthop)
        if address.is_link_local or not all(table.knows("uuid", uuid) for uuid in router.ports):
            return None
        return any(
            address in ipaddress.ip_interface(net).network for net in _networks(cloud, router)
        )
    except ValueError:
        return None


def _networks(cloud: Cloud, router: LogicalRouter) -> list[str]:
    legs = cloud.nb[LogicalRouterPort].by("uuid")
    return [net for uuid in router.ports for leg in legs.get(uuid, ()) for net in leg.networks]


def redirect(cloud: Cloud, router: LogicalRouter, row: StaticRoute, hop: str) -> tuple[Step, ...]:
    """Have the route lead to this next hop; where Neutron owns it, see what it wants."""
    if neutron_owns(cloud):
        name = router.external_ids.get("neutron:router_name") or router.name
        return (
            Step(
                command=f"openstack router show -c external_gateway_info {q(name)}",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=NO_UNDO,
                verify=f"ovn-nbctl lr-route-list {q(router.name)}",
            ),
        )
    column = f"Logical_Router_Static_Route {row.uuid} nexthop"
    return on_host(
        cloud.central_name,
        f"ovn-nbctl set {column}={db(hop)}",
        undo=f"ovn-nbctl set {column}={db(row.nexthop)}",
        verify=f"ovn-nbctl lr-route-list {q(router.name)}",
    )


FAULTS = (
    Fault(
        id="router-route-wrong",
        stage=Stage.ROUTER,
        title="A route leads to a next hop that no port reaches",
        what="A static route of the router, or its default route, names a next hop outside every "
        "subnet that the router has a port in. northd then makes no flow for it.",
        shows="As without the route: the provider network's own subnet is reached, nothing behind it. "
        "ovn-northd logs `No path for static route …`.",
        decisive="The route's nexthop is in no subnet of Logical_Router_Port.networks of that router.",
        remedy="Name the next hop that is on the wire; in Neutron that is the subnet's gateway_ip, or "
        "the router's extra route.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Router_Static_Route nexthop", "ovn: northd/northd.c"),
        unlike={"router-no-default-route": "there the router has no default route at all"},
        find=_pathless,
    ),
)
