"""S11: gateways that stay where they cannot work, or do not stay anywhere."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.provider import linked, mappings, uplinks
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import GatewayChassis, HAChassis, HAChassisGroup
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.mapping import link_evidence, silent_nics
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage, Step


def _stuck(cloud: Cloud) -> Iterator[Case]:
    for gateway in cloud.gateways:
        side = cloud.provider_side(gateway)
        host = cloud.hosts.get(gateway.host)
        if gateway.chassis is None or host is None or side is None:
            continue
        physnet = side[1].options.get("network_name", "")
        nics = silent_nics(host, mappings(gateway.chassis.bridge_mappings).get(physnet, ""))
        standby = _standby(cloud, gateway)
        if not nics or not standby:
            continue
        ready = [row for row in standby if _reaches(cloud, row, physnet)]
        leg = gateway.leg.name
        yield Case(
            subject=subject.router(gateway.router.name),
            summary=f"{gateway.host} hosts the gateway of {gateway.router.name} without a link to "
            f"{physnet}, and {', '.join(row.hostname for row in standby)} is idle",
            evidence=(
                *link_evidence(gateway.host, host, nics),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Port_Binding cr-{leg}",
                    seen=f"on {gateway.host}",
                    expected=f"on a chassis with a link to {physnet}",
                    command=f"ovn-sbctl find Port_Binding logical_port=cr-{leg}",
                ),
            ),
            steps=prefer(cloud, gateway, ready[0]) if ready else (),
            note="OVN moves a gateway when its tunnels fail (BFD), and never for its provider NIC. "
            f"Repair the link of {' and '.join(nics)} on {gateway.host} too; Neutron may put the "
            "priorities back at its next update of the router.",
        )


def _standby(cloud: Cloud, gateway: Gateway) -> list[Chassis]:
    """The other chassis that may host it, best first."""
    rows = (cloud.sb[Chassis].one("name", name) for name in gateway.candidates)
    return [row for row in rows if row and row is not gateway.chassis]


def _reaches(cloud: Cloud, chassis: Chassis, physnet: str) -> bool:
    """Mapped, and as far as can be seen with a link."""
    bridge = mappings(chassis.bridge_mappings).get(physnet, "")
    host = cloud.hosts.get(chassis.hostname)
    if not bridge or host is None:
        return bool(bridge)
    return any(linked(host, nic) is not False for nic in uplinks(host, bridge))


def prefer(cloud: Cloud, gateway: Gateway, chassis: Chassis) -> tuple[Step, ...]:
    """Give a chassis the highest priority, whichever way the gateway port is scheduled."""
    ranks = _ranks(cloud, gateway)
    top, own = max(ranks.values(), default=0) + 1, ranks.get(chassis.name, 0)
    group = cloud.nb[HAChassisGroup].one("uuid", gateway.leg.ha_chassis_group or "")
    verb = (
        f"ha-chassis-group-add-chassis {shlex.quote(group.name)}"
        if group
        else f"lrp-set-gateway-chassis {gateway.leg.name}"
    )
    # No OpenStack command says which chassis shall host a gateway.
    return on_host(
        cloud.central_name,
        f"ovn-nbctl {verb} {chassis.name} {top}",
        undo=f"ovn-nbctl {verb} {chassis.name} {own}",
        verify=f"ovn-sbctl --columns=chassis find Port_Binding logical_port=cr-{gateway.leg.name}",
        risk=Risk.BLINKS,
    )


def _ranks(cloud: Cloud, gateway: Gateway) -> dict[str, int]:
    """The priority of each candidate, by Chassis.name."""
    single = cloud.nb[GatewayChassis].by("uuid")
    rows = [row for uuid in gateway.leg.gateway_chassis for row in single.get(uuid, ())]
    ranks = {row.chassis_name: row.priority for row in rows}
    group = cloud.nb[HAChassisGroup].one("uuid", gateway.leg.ha_chassis_group or "")
    members = cloud.nb[HAChassis].by("uuid")
    for uuid in group.ha_chassis if group else ():
        ranks |= {row.chassis_name: row.priority for row in members.get(uuid, ())}
    return ranks


FAULTS = (
    Fault(
        id="router-gw-nic-down-no-failover",
        stage=Stage.ROUTER,
        title="The gateway stays on a chassis without a provider link",
        what="The chassis that hosts the router's gateway has lost the link of its provider NIC. OVN "
        "moves gateways by BFD over the tunnels only, so another chassis that could take over stays "
        "idle.",
        shows="North-south traffic and floating IPs of every router on that chassis are dead; those of "
        "routers on other gateways work. Every OVN row is green, BFD is up, nothing is logged.",
        decisive="The mapped bridge's NIC on the chassis of the chassisredirect port has no link, and "
        "another candidate exists.",
        remedy="Prefer another candidate by its priority; then repair the link.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), Gateway_Chassis priority", "ovn-architecture(7), HA"),
        unlike={
            "prov-nic-down": "there no other chassis may host the gateway",
            "prov-nic-not-in-bridge": "there the NIC is not in the bridge",
        },
        find=_stuck,
    ),
)
