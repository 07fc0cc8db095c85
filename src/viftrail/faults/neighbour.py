"""S11: what routers know, and do not know, of the neighbours that they send to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.once import once
from viftrail.chain.physnet import mappings
from viftrail.chain.quoting import atom, db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    StaticRoute,
)
from viftrail.facts.southbound import Chassis, MACBinding
from viftrail.faults.fault import Case, Fault
from viftrail.faults.nexthop import redirect
from viftrail.faults.route import DEFAULT, first_address
from viftrail.faults.step import on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage

ANYBODY = frozenset({"localnet", "l2gateway", "vtep", "remote"})
"""Types of ports behind which there may be machines that OVN knows nothing of."""

NEXT_HOP = "next hop"
"""What `viftrail.probing` calls the addresses that default routes lead to."""


@dataclass(frozen=True)
class _Truth:
    """Whose MAC an address really is, and who says so."""

    mac: str
    evidence: Evidence
    certainty: Certainty


def _hops(cloud: Cloud, router: LogicalRouter) -> Iterator[StaticRoute]:
    routes = cloud.nb[StaticRoute].by("uuid")
    for uuid in router.static_routes:
        yield from routes.get(uuid, ())


def _victims(row: StaticRoute) -> frozenset[subject.Subject] | None:
    """Who uses a route to a single network cannot be seen; by the default route all go."""
    return None if row.ip_prefix == DEFAULT else frozenset()


# --- router-stale-mac-binding --------------------------------------------------------------------


def _stale(cloud: Cloud) -> Iterator[Case]:
    learned = cloud.sb[MACBinding].by("logical_port")
    for gateway in cloud.gateways if learned else ():
        rows = {row.ip: row for row in learned.get(gateway.leg.name, ())}
        for route in _hops(cloud, gateway.router) if rows else ():
            row = rows.get(route.nexthop)
            truth = _truth(cloud, gateway, route.nexthop) if row else None
            if row is None or truth is None or truth.mac == row.mac.lower():
                continue
            find = (
                f"ovn-sbctl find MAC_Binding {q('ip=' + atom(row.ip))} "
                f"logical_port={db(row.logical_port)}"
            )
            yield Case(
                subject=subject.router(gateway.router.name),
                summary=f"router {gateway.router.name} sends what is for {row.ip} to the MAC "
                f"{row.mac}, and {row.ip} has {truth.mac} now",
                evidence=(
                    Evidence(
                        where=SOUTHBOUND,
                        what=f"MAC_Binding ip={row.ip} of {row.logical_port}",
                        seen=row.mac,
                        expected=truth.mac,
                        command=find,
                    ),
                    truth.evidence,
                ),
                steps=on_host(
                    cloud.central_name,
                    f"ovn-sbctl --if-exists destroy MAC_Binding {q(row.uuid)}",
                    undo="nothing to undo: the router asks again, and learns who answers",
                    verify=find,
                ),
                certainty=truth.certainty,
                victims=_victims(route),
                note="It comes back whenever that neighbour changes its MAC without telling; "
                "Neutron's [ovn]mac_binding_age_threshold, 0 up to 2025.2, has such rows forgotten.",
            )


def _truth(cloud: Cloud, gateway: Gateway, address: str) -> _Truth | None:
    """By a router port of OVN's own, by who answered ARP, or by a host that has the address."""
    return (
        _of_router(cloud, gateway, address)
        or _of_answer(cloud, address)
        or _of_host(cloud, gateway, address)
    )


def _of_router(cloud: Cloud, gateway: Gateway, address: str) -> _Truth | None:
    side = cloud.outside(gateway)
    for leg in cloud.legs_of(side[0]) if side else ():
        if leg.mac and address in _own(leg):
            evidence = Evidence(
                where=NORTHBOUND,
                what=f"Logical_Router_Port {leg.name}, which has {address}",
                seen=leg.mac,
                expected="the MAC that its neighbours have learned",
                command=f"ovn-nbctl get Logical_Router_Port {q(leg.name)} mac networks",
            )
            return _Truth(leg.mac.lower(), evidence, Certainty.PROVEN)
    return None


def _of_answer(cloud: Cloud, address: str) -> _Truth | None:
    for asked in cloud.soundings.arpings:
        if asked.what == NEXT_HOP and asked.address == address and asked.mac:
            evidence = Evidence(
                where=asked.host,
                what=f"ARP for {address}, who answers",
                seen=asked.mac,
                expected="the MAC that the router has learned",
                command=asked.command,
            )
            # Some pairs of routers answer by several MACs, and all of them are right (GLBP).
            return _Truth(asked.mac.lower(), evidence, Certainty.LIKELY)
    return None


def _of_host(cloud: Cloud, gateway: Gateway, address: str) -> _Truth | None:
    """A host that is the way out itself: its provider bridge has the next hop's address."""
    side = cloud.provider_side(gateway)
    if side is None or side[1].tag:
        return None  # with a VLAN the bridge's own device is not in that network
    physnet = side[1].options.get("network_name", "")
    for name, host in cloud.hosts.items():
        chassis = cloud.sb[Chassis].one("hostname", name)
        bridge = mappings(chassis.bridge_mappings).get(physnet, "") if chassis else ""
        link = host.link_by_name.get(bridge)
        if link and link.address and any(each.local == address for each in link.addr_info):
            evidence = Evidence(
                where=name,
                what=f"device {bridge}, which has {address}",
                seen=link.address,
                expected="the MAC that the router has learned",
                command=f"ip address show dev {q(bridge)}",
            )
            return _Truth(link.address.lower(), evidence, Certainty.LIKELY)
    return None


def _own(leg: LogicalRouterPort) -> frozenset[str]:
    return frozenset(network.partition("/")[0] for network in leg.networks)


# --- router-nexthop-dead -------------------------------------------------------------------------


def _dead(cloud: Cloud) -> Iterator[Case]:
    gateways = {gateway.router.uuid: gateway for gateway in cloud.gateways}
    legs = cloud.nb[LogicalRouterPort].by("uuid")
    for router in cloud.nb[LogicalRouter]:
        gateway = gateways.get(router.uuid)
        for route in _hops(cloud, router) if router.static_routes else ():
            found = [leg for uuid in router.ports for leg in legs.get(uuid, ())]
            leg = next((leg for leg in found if _reaches(leg, route.nexthop)), None)
            dead = _nobody(cloud, leg, route.nexthop, gateway) if leg else None
            if dead is None:
                continue
            evidence, certainty = dead
            hop = first_address(gateway) if gateway else ""
            mend = hop if route.ip_prefix == DEFAULT and hop != route.nexthop else ""
            yield Case(
                subject=subject.router(router.name),
                summary=f"router {router.name} sends {route.ip_prefix} to {route.nexthop}, and "
                "nobody has that address",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"route {route.ip_prefix} of {router.name}",
                        seen=f"via {route.nexthop}",
                        expected="via a machine that answers",
                        command=f"ovn-nbctl lr-route-list {q(router.name)}",
                    ),
                    evidence,
                ),
                steps=redirect(cloud, router, route, mend) if mend else (),
                certainty=certainty,
                victims=_victims(route),
                note=f"{hop} is the provider subnet's first address; where the provider's router "
                "has another one, name that."
                if mend
                else "Bring the machine with that address back, or take the route away: in Neutron "
                "it is the subnet's gateway_ip, or one of the router's extra routes.",
            )


def _reaches(leg: LogicalRouterPort, address: str) -> bool:
    try:
        wanted = ipaddress.ip_address(address)
        return any(wanted in ipaddress.ip_interface(net).network for net in leg.networks)
    except ValueError:
        return False


def _nobody(
    cloud: Cloud, leg: LogicalRouterPort, hop: str, gateway: Gateway | None
) -> tuple[Evidence, Certainty] | None:
    """What tells that nobody on this leg's network has the address; None where nothing does."""
    if hop in _own(leg):
        evidence = Evidence(
            where=NORTHBOUND,
            what=f"networks of {leg.name}",
            seen=", ".join(leg.networks),
            expected=f"{hop} to be another machine's, not the router's own",
            command=f"ovn-nbctl get Logical_Router_Port {q(leg.name)} networks",
        )
        return evidence, Certainty.PROVEN
    if gateway and gateway.leg.uuid == leg.uuid:
        return _silent(cloud, leg, hop)
    for peer in cloud.nb[LogicalSwitchPort].find("options", f"router-port={leg.name}"):
        switch = cloud.nb[LogicalSwitch].one("ports", peer.uuid)
        users = _addresses(cloud).get(switch.uuid) if switch else None
        if switch and users is not None and hop not in users:
            evidence = Evidence(
                where=NORTHBOUND,
                what=f"ports of network {switch.name} with {hop}",
                seen="none",
                expected="one",
                command=f"ovn-nbctl --bare --columns=addresses,port_security list "
                f"Logical_Switch_Port | grep -wF {q(hop)}",
            )
            return evidence, Certainty.LIKELY
    return None


def _silent(cloud: Cloud, leg: LogicalRouterPort, hop: str) -> tuple[Evidence, Certainty] | None:
    """On a provider network: never learned, and no answer to ARP that was sent to see it."""
    table = cloud.sb[MACBinding]
    learned = table.find("logical_port", leg.name)
    if not table.knows("logical_port", leg.name) or any(row.ip == hop for row in learned):
        return None
    for asked in cloud.soundings.arpings:
        if asked.what == NEXT_HOP and asked.address == hop and not asked.answered:
            evidence = Evidence(
                where=asked.host,
                what=f"ARP for {hop}, which the router has never learned",
                seen="no answer",
                expected="answered",
                command=asked.command,
            )
            return evidence, Certainty.LIKELY
    return None


@once
def _addresses(cloud: Cloud) -> Mapping[str, frozenset[str]]:
    """Every address that a port of a network may use, by the network's UUID.

    Of those networks only where that is known: all ports were read, and none of them may use what
    it likes, or leads to machines that OVN knows nothing of.
    """
    table = cloud.nb[LogicalSwitchPort]
    rows = table.by("uuid")
    found: dict[str, frozenset[str]] = {}
    for switch in cloud.nb[LogicalSwitch]:
        members = [row for uuid in switch.ports for row in rows.get(uuid, ())]
        peers = [row.options.get("router-port", "") for row in members if row.type == "router"]
        legs = [leg for name in peers for leg in cloud.nb[LogicalRouterPort].find("name", name)]
        all_read = (len(members), len(legs)) == (len(switch.ports), len(peers))
        if all_read and not any(map(_uses_any, members)):
            words = {
                word.partition("/")[0]
                for row in members
                for entry in (*row.addresses, *row.port_security, *row.options.values())
                for word in entry.replace(",", " ").split()
            }
            found[switch.uuid] = frozenset(words).union(*map(_own, legs))
    return found


def _uses_any(row: LogicalSwitchPort) -> bool:
    """A port by which an address may be reached that its row does not name."""
    if row.type in ANYBODY or "unknown" in row.addresses:
        return True
    named = all(len(entry.split()) > 1 for entry in row.port_security)
    if any("/" in word for entry in row.port_security for word in entry.split()):
        return True  # allowed address pairs may be whole networks
    return row.type in ("", "external") and not (row.port_security and named)


FAULTS = (
    Fault(
        id="router-nexthop-dead",
        stage=Stage.ROUTER,
        title="A route leads to an address that nobody has",
        what="The next hop of the router's default route, or of an extra route, is on a network that "
        "the router is in, and nobody has that address: a router or server that was taken away, or "
        "the router's own address.",
        shows="The networks that the router is in are reached, nothing behind the next hop is. On the "
        "wire the router asks by ARP again and again, and gets no answer.",
        decisive="In an overlay network no Logical_Switch_Port may use the next hop's address; on a "
        "provider network it has no MAC_Binding, and does not answer ARP (`why --probe`).",
        remedy="Name the next hop that is there, or bring it back.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Router_Static_Route nexthop",
            "ovn-northd(8), ARP/ND Resolution",
        ),
        unlike={
            "router-route-wrong": "there the next hop is in no subnet of the router at all",
            "router-stale-mac-binding": "there the next hop lives, under another MAC",
            "router-no-default-route": "there the router has no default route",
        },
        find=_dead,
        yields_to=frozenset({Stage.PROVIDER}),
    ),
    Fault(
        id="router-stale-mac-binding",
        stage=Stage.ROUTER,
        title="The router sends to a MAC that its next hop has no more",
        what="The provider's router changed its MAC (it was replaced, or failed over) and did not say "
        "so by a gratuitous ARP. OVN keeps what its router learned in MAC_Binding, by default for "
        "ever with Neutron up to 2025.2.",
        shows="All that leaves by the provider network is lost, floating IPs included, and every row "
        "and daemon is in order. It ends by itself when the neighbour asks for the router by ARP.",
        decisive="The MAC_Binding of the next hop at the router's gateway port has another MAC than "
        "whoever has that address: a router port of OVN's own, a host, or who answers ARP "
        "(`why --probe`).",
        remedy="Destroy that one row: the router asks, and learns the MAC that answers.",
        risk=Risk.SAFE,
        references=(
            "ovn-sb(5), MAC_Binding",
            "ovn-nb(5), Logical_Router options:mac_binding_age_threshold",
            "neutron: ovn_conf.py mac_binding_age_threshold",
        ),
        unlike={
            "prov-upstream-stale-arp": "there it is the provider's router that sends to an old MAC",
            "fip-external-ip-conflict": "there somebody else has an address of the router's own",
            "router-nexthop-dead": "there nobody has the address",
        },
        find=_stale,
    ),
)
