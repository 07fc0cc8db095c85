"""S11: the network's router, and the chassis that hosts its gateway."""

from __future__ import annotations

from dataclasses import dataclass

from viftrail.chain.checks import Checks, not_applicable
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.northbound import enabled
from viftrail.chain.once import once
from viftrail.chain.quoting import db, q
from viftrail.chain.sounding import check_router
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
)
from viftrail.facts.slice import is_gateway
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import Evidence, Finding, Stage


@dataclass(frozen=True)
class Door:
    """A network's port towards a router."""

    switch: LogicalSwitch
    row: LogicalSwitchPort
    router: LogicalRouter
    outside: bool
    """The network is the router's way out, and no network that it serves."""


@once
def shut(cloud: Cloud) -> tuple[Door, ...]:
    """The doors that are disabled: in and out of them all is dropped."""
    found: list[Door] = []
    for switch, row in cloud.router_ports:
        if row.enabled is False:
            leg = cloud.nb[LogicalRouterPort].one("name", row.options.get("router-port", ""))
            router = cloud.nb[LogicalRouter].one("ports", leg.uuid) if leg else None
            if leg and router:
                found.append(Door(switch, row, router, is_gateway(leg)))
    return tuple(found)


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Each gateway leg has candidates, and one of them hosts it."""
    if trail.switch is None:
        return not_applicable(Stage.ROUTER, "the port's network is not known")
    if not trail.routers:
        return not_applicable(Stage.ROUTER, "no router on this network")
    checks = Checks(Stage.ROUTER)
    for router in trail.routers:
        checks.check(
            router.enabled is not False,
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Router {router.name}",
                seen="disabled" if router.enabled is False else "enabled",
                expected="enabled",
                command=f"ovn-nbctl list Logical_Router {q(router.name)}",
            ),
            good="the network has a router",
            bad=f"router {router.name} is disabled",
        )
    passed = {router.uuid for router in trail.routers}
    for door in shut(cloud):
        if door.router.uuid in passed and (door.outside or door.switch.uuid == trail.switch.uuid):
            checks.check(
                False,
                enabled(door.row),
                bad=f"the port {door.row.name} towards router {door.router.name} is disabled",
            )
    for gateway in trail.gateways:
        _hosted(checks, cloud, gateway)
    check_router(checks, cloud, trail)
    return checks.finding()


def unread(cloud: Cloud, gateway: Gateway) -> str:
    """What was not read, so that nobody can tell who hosts a gateway; empty where it is known."""
    claim = f"cr-{gateway.leg.name}"
    if gateway.binding is None and not cloud.sb[PortBinding].knows("logical_port", claim):
        return f"{SOUTHBOUND} was not read"
    if gateway.chassis is None and gateway.binding and gateway.binding.chassis:
        return f"the chassis that hosts {gateway.leg.name} was not read"
    return ""


def _hosted(checks: Checks, cloud: Cloud, gateway: Gateway) -> None:
    leg = gateway.leg.name
    if not checks.check(
        gateway.named,
        Evidence(
            where=NORTHBOUND,
            what=f"gateway chassis of {leg}",
            seen=f"{len(gateway.candidates) or 'some'} named" if gateway.named else "none",
            expected="at least one",
            command=f"ovn-nbctl lrp-get-gateway-chassis {q(leg)}",
        ),
        bad=f"no chassis may host the gateway port {leg}",
    ):
        return
    if missing := unread(cloud, gateway):
        checks.unknown(missing)
        return
    checks.check(
        gateway.chassis is not None,
        Evidence(
            where=SOUTHBOUND,
            what=f"Port_Binding cr-{leg}",
            seen=f"on {gateway.host}" if gateway.chassis else "claimed by nobody",
            expected="claimed by a chassis",
            command=f"ovn-sbctl find Port_Binding logical_port={db('cr-' + leg)}",
        ),
        good=f"its gateway is on {gateway.host}",
        bad=f"no chassis hosts the gateway port {leg}",
    )
