"""S11: gateways that stay where they cannot work, or do not stay anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.physnet import mappings
from viftrail.chain.provider import linked, uplinks
from viftrail.chain.quoting import db, q
from viftrail.chain.tunnel import FAIR_WINDOW
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import GatewayChassis, HAChassis, HAChassisGroup, NBGlobal
from viftrail.facts.number import number
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.mapping import link_evidence, silent_nics
from viftrail.faults.step import on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

OFTEN = 6
"""Times that BFD went up or down, since a tunnel was made, that are worth a longer look."""

PATIENCE = 4
"""Times as many of BFD's packets may be lost as before."""


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
                    command=f"ovn-sbctl find Port_Binding logical_port={db('cr-' + leg)}",
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
    ranks = ranks_of(cloud, gateway)
    top, own = max(ranks.values(), default=0) + 1, ranks.get(chassis.name, 0)
    verb, _ = verbs_of(cloud, gateway)
    # No OpenStack command says which chassis shall host a gateway.
    return on_host(
        cloud.central_name,
        f"ovn-nbctl {verb} {q(chassis.name)} {top}",
        undo=f"ovn-nbctl {verb} {q(chassis.name)} {own}",
        verify="ovn-sbctl --columns=chassis find Port_Binding "
        f"logical_port={db('cr-' + gateway.leg.name)}",
        risk=Risk.BLINKS,
    )


def verbs_of(cloud: Cloud, gateway: Gateway) -> tuple[str, str]:
    """How ovn-nbctl names a candidate, and how it takes one away, whichever way it is scheduled."""
    group = cloud.nb[HAChassisGroup].one("uuid", gateway.leg.ha_chassis_group or "")
    if group:
        name = q(group.name)
        return f"ha-chassis-group-add-chassis {name}", f"ha-chassis-group-remove-chassis {name}"
    leg = q(gateway.leg.name)
    return f"lrp-set-gateway-chassis {leg}", f"lrp-del-gateway-chassis {leg}"


def ranks_of(cloud: Cloud, gateway: Gateway) -> dict[str, int]:
    """The priority of each candidate, by Chassis.name."""
    single = cloud.nb[GatewayChassis].by("uuid")
    rows = [row for uuid in gateway.leg.gateway_chassis for row in single.get(uuid, ())]
    ranks = {row.chassis_name: row.priority for row in rows}
    group = cloud.nb[HAChassisGroup].one("uuid", gateway.leg.ha_chassis_group or "")
    members = cloud.nb[HAChassis].by("uuid")
    for uuid in group.ha_chassis if group else ():
        ranks |= {row.chassis_name: row.priority for row in members.get(uuid, ())}
    return ranks


def _flapping(cloud: Cloud) -> Iterator[Case]:
    for gateway in cloud.gateways:
        candidates = [row for name in gateway.candidates if (row := _known(cloud, name))]
        if len(candidates) < 2:
            continue  # ovn-controller watches gateways by BFD where there is a choice
        names = [row.hostname for row in candidates]
        seen = [flap for row in candidates for flap in _flaps(cloud, row, names)]
        within = sum(flap.within for flap in seen)
        short = [flap for flap in seen if flap.seconds < FAIR_WINDOW and flap.ever >= OFTEN]
        if not within and not short:
            continue
        shown = [flap for flap in seen if flap.within] or short
        proven = Certainty.PROVEN if within > 1 else Certainty.LIKELY
        yield Case(
            subject=subject.router(gateway.router.name),
            summary=f"BFD between the gateways of {gateway.router.name} goes up and down, "
            "and the gateway wanders with it",
            evidence=tuple(flap.evidence for flap in shown),
            steps=_patience(cloud),
            certainty=proven if within else Certainty.POSSIBLE,
            note="That makes gateways wait longer before they take over. What loses BFD's packets is "
            "still to be found: loss on the underlay, a filter on UDP 6081 in one direction, or "
            "an ovs-vswitchd that gets no CPU time.",
        )


@dataclass(frozen=True)
class _Flap:
    """BFD on one tunnel, as one end counted it."""

    host: str
    interface: str
    within: int
    ever: int
    seconds: float

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            where=self.host,
            what=f"BFD of {self.interface}, times up or down",
            seen=f"{self.within} within {self.seconds:.1f} s, {self.ever} in all",
            expected="none",
            command=f"ovs-vsctl get Interface {q(self.interface)} bfd_status   # twice",
        )


def _flaps(cloud: Cloud, chassis: Chassis, names: list[str]) -> Iterator[_Flap]:
    """These hosts' ends of their tunnels to this chassis."""
    for name, host in cloud.hosts.items():
        for row in host.tunnels.get(chassis.name, ()) if name in names else ():
            ever = host.flaps.second.get(row.name, 0)
            yield _Flap(name, row.name, host.flaps.within(row.name), ever, host.flaps.seconds)


def _known(cloud: Cloud, name: str) -> Chassis | None:
    return cloud.sb[Chassis].one("name", name)


def _patience(cloud: Cloud) -> tuple[Step, ...]:
    options = next((row.options for row in cloud.nb[NBGlobal]), {})
    now = options.get("bfd-mult", "")
    known = number(now)
    longer = PATIENCE * (3 if known is None else known)
    return on_host(
        cloud.central_name,
        f"ovn-nbctl set NB_Global . options:bfd-mult={db(longer)}",
        undo=f"ovn-nbctl set NB_Global . options:bfd-mult={db(now)}"
        if now
        else "ovn-nbctl remove NB_Global . options bfd-mult",
        verify="ovs-vsctl --columns=name,bfd,bfd_status find Interface type=geneve",
    )


FAULTS = (
    Fault(
        id="router-gateway-bfd-flap",
        stage=Stage.ROUTER,
        title="BFD between gateways flaps",
        what="The chassis that may host the gateway watch each other by BFD in their tunnels, and "
        "packets of it are lost or late, so the gateway moves to and fro.",
        shows="North-south traffic and floating IPs stop for seconds, again and again. "
        "ovn-controller of both gateways logs `Changing chassis for lport cr-…` in turns.",
        decisive="bfd_status:flap_count of a tunnel to a gateway rises between two looks.",
        remedy="Mend the underlay; until then raise bfd-mult or bfd-min-rx, which makes a real "
        "failover slower.",
        risk=Risk.SAFE,
        references=(
            "ovs-vswitchd.conf.db(5), Interface bfd_status",
            "ovn-nb(5), NB_Global options:bfd-min-rx, bfd-mult",
        ),
        unlike={
            "tunnel-udp-blocked": "there BFD stays down, and all other packets are lost too",
            "one failover": "there the count rises once, and not again",
        },
        find=_flapping,
    ),
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
