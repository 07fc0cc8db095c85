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
class RouterLsp:
    """A Logical_Switch_Port of type router: a network's side of a router port."""

    switch: LogicalSwitch
    row: LogicalSwitchPort
    router: LogicalRouter
    outside: bool
    """The network is the router's way out, and no network that it serves."""


@once
def disabled_router_lsps(cloud: Cloud) -> tuple[RouterLsp, ...]:
    """Those that are disabled: northd has all in and out of them dropped."""
    found: list[RouterLsp] = []
    for switch, row in cloud.router_ports:
        if row.enabled is False:
            leg = cloud.nb[LogicalRouterPort].one("name", row.options.get("router-port", ""))
            router = cloud.nb[LogicalRouter].one("ports", leg.uuid) if leg else None
            if leg and router:
                found.append(RouterLsp(switch, row, router, is_gateway(leg)))
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
    for lsp in disabled_router_lsps(cloud):
        if lsp.router.uuid in passed and (lsp.outside or lsp.switch.uuid == trail.switch.uuid):
            checks.check(
                False,
                enabled(lsp.row),
                bad=f"the port {lsp.row.name} towards router {lsp.router.name} is disabled",
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
