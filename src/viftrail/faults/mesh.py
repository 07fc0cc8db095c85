"""S10: tunnels that ovn-controller could not, or was told not to, make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import connection, controller_state
from viftrail.chain.daemon import RUNNING
from viftrail.chain.mesh import Realm, apart, encaps, is_remote, realms
from viftrail.chain.plug import diverted
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.chain.switch import carried_out, switch_state
from viftrail.chain.tunnel import works
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import DEFAULT_ZONE, Chassis
from viftrail.facts.vswitch import Interface
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, plug_again
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

Zones = frozenset[str]

GENEVE_PORT, VXLAN_PORT = "6081", "4789"


def _not_made(cloud: Cloud) -> Iterator[Case]:
    found: dict[Subject, list[tuple[str, Chassis, Interface | None]]] = {}
    wanted: dict[tuple[Zones, Zones], Mapping[str, Chassis]] = {}
    for name, host in cloud.hosts.items():
        own = cloud.sb[Chassis].one("name", host.chassis_name) if host.chassis_name else None
        if own is None or not _makes_tunnels(host):
            continue
        kind = _types(cloud, own), own.zones
        if kind not in wanted:
            wanted[kind] = _partners(cloud, own)
        good = {chassis for chassis, rows in host.tunnels.items() if any(map(works, rows))}
        for chassis in sorted(wanted[kind].keys() - good - {own.name}):
            peer = wanted[kind][chassis]
            row = next(iter(host.tunnels.get(chassis, ())), None)
            found.setdefault(subject.tunnel(name, peer.hostname), []).append((name, peer, row))
    for tunnel, ends in found.items():
        yield _unmade(cloud, tunnel, ends)


def _makes_tunnels(host: Host) -> bool:
    """Its ovn-controller and ovs-vswitchd are at work, and make a port for each tunnel."""
    answers = host.unixctl.get("ovn-controller", {})
    return (
        bool(host.vswitch)
        and carried_out(host)
        and not diverted(host)
        and controller_state(host) == RUNNING == switch_state(host)
        and connection(host) == "connected"
        and answers.get("debug/status") != "paused"
        # Since 26.03 one port can serve for all (ovn-controller(8)).
        and host.settings.get("ovn-enable-flow-based-tunnels") != "true"
    )


def _types(cloud: Cloud, chassis: Chassis) -> frozenset[str]:
    return frozenset(row.type for row in encaps(cloud, chassis))


def _partners(cloud: Cloud, own: Chassis) -> Mapping[str, Chassis]:
    """The chassis that one like this makes tunnels to, by name (controller/encaps.c)."""
    types = _types(cloud, own)
    return {
        row.name: row
        for row in cloud.sb[Chassis]
        if not is_remote(row) and not apart(own, row) and types & _types(cloud, row)
    }


def _unmade(
    cloud: Cloud, tunnel: Subject, ends: list[tuple[str, Chassis, Interface | None]]
) -> Case:
    evidence: list[Evidence] = []
    steps: list[Step] = []
    reasons = []
    for name, peer, row in ends:
        host = cloud.hosts[name]
        error = (row.error if row else "") or ""
        evidence.append(
            Evidence(
                where=name,
                what=f"tunnel port towards {peer.hostname}",
                seen=f"{row.name}: {error or 'no ofport'}" if row else "none",
                expected=f"one, to {cloud.tunnel_ip(peer)}",
                command=f"ovs-vsctl --columns=name,ofport,error find Interface type={db(row.type)}"
                if row
                else "ovs-vsctl show",
            )
        )
        rival = _rival(host, row) if row else None
        if rival:
            bridge = host.bridge_of.get(rival.name, "")
            reasons.append(f"{rival.name} in {bridge} has its remote_ip and key")
            evidence.append(
                Evidence(
                    where=name,
                    what=f"Interface {rival.name} in {bridge}",
                    seen=f"{rival.type} to {rival.options.get('remote_ip')}, ofport {rival.ofport}",
                    expected="no second tunnel port with the same remote_ip and key",
                    command=f"ovs-vsctl list Interface {q(rival.name)}",
                )
            )
            steps += on_host(
                name,
                f"ovs-vsctl --if-exists del-port {q(bridge)} {q(rival.name)}",
                undo=plug_again(bridge, rival),
                verify=f"ovs-vsctl find Interface name={db(rival.name)}",
                risk=Risk.DISRUPTIVE,
            )
        elif error:
            reasons.append(error)
        if row:
            steps += on_host(
                name,
                f"ovs-vsctl --if-exists del-port {q(row.name)}",
                undo="ovn-controller makes it again by itself",
                verify=f"ovs-vsctl get Interface {q(row.name)} ofport error",
            )
    name, peer, row = ends[0]
    why = f": {reasons[0]}" if reasons else ""
    return Case(
        subject=tunnel,
        summary=f"{name} has no working tunnel port towards {peer.hostname}, although both are "
        f"registered and may have one{why}",
        evidence=tuple(evidence),
        steps=tuple(steps),
        # A port without an error may be on its way.
        certainty=Certainty.PROVEN
        if all(row and row.error for *_, row in ends)
        else Certainty.LIKELY,
        note="Make sure first that nothing uses the port that is deleted; it may be what "
        "ML2/OVS's br-tun left."
        if any(step.risk is Risk.DISRUPTIVE for step in steps)
        else ""
        if steps
        else f"Look in ovn-controller.log of {name} for `encap`; "
        "`ovn-appctl -t ovn-controller exit --restart` and a start make it look at all anew.",
    )


def _rival(host: Host, row: Interface) -> Interface | None:
    """Another tunnel port that ovs-vswitchd cannot tell from this one."""
    remote = row.options.get("remote_ip", "")
    for other in host.conf[Interface].find("options", f"remote_ip={remote}"):
        if other.uuid != row.uuid and works(other) and _match(other) == _match(row):
            return other
    return None


def _match(row: Interface) -> tuple[str, ...]:
    """What incoming packets are told apart by (ofproto/tunnel.c, struct tnl_match)."""
    options = row.options
    default = {"geneve": GENEVE_PORT, "vxlan": VXLAN_PORT}.get(row.type, "")
    return (
        row.type,
        options.get("dst_port", default),
        options.get("local_ip", ""),
        options.get("in_key", options.get("key", "")),
    )


def _separated(cloud: Cloud) -> Iterator[Case]:
    members = Counter(zone for row in cloud.sb[Chassis] for zone in row.zones)
    if len(members) < 2:
        return
    cut: dict[str, dict[Subject, tuple[Evidence, ...]]] = {}
    missed: dict[str, set[Zones]] = {}
    for realm in realms(cloud):
        here: dict[Zones, list[Chassis]] = {}
        for chassis in filter(None, map(cloud.chassis_named, sorted(realm.hosts))):
            here.setdefault(chassis.zones, []).append(chassis)
        for pair in combinations(here, 2):
            # The odd one is in a rarer zone; of equals, it is the one that names a zone.
            odd, usual = sorted(
                pair, key=lambda kind: (_company(members, kind), DEFAULT_ZONE in kind, sorted(kind))
            )
            for chassis in here[odd] if odd.isdisjoint(usual) else ():
                missed.setdefault(chassis.hostname, set()).add(usual)
                known = cut.setdefault(chassis.hostname, {})
                for victim, seen in _cut_off(realm, chassis, here[usual]).items():
                    known.setdefault(victim, seen)
    for name, victims in cut.items():
        yield _odd_one(cloud, name, missed[name], members, victims)


def _company(members: Counter[str], kind: Zones) -> int:
    """How many chassis are in the most common of these zones."""
    return max(members[zone] for zone in kind)


def _cut_off(
    realm: Realm, odd: Chassis, usual: list[Chassis]
) -> dict[Subject, tuple[Evidence, ...]]:
    """The ports that lose their gateway or their neighbours, and who is on the other side."""
    far = next((row for row in usual if row.hostname in realm.gateways), usual[0])
    found: dict[Subject, tuple[Evidence, ...]] = {}
    if odd.hostname in realm.gateways:
        for row in usual:
            seen = (_zones_of(row, odd.hostname),)
            found.update((subject.port(p.id), seen) for p, _ in realm.ports.get(row.hostname, ()))
    seen = (_zones_of(far, odd.hostname),)
    found.update((subject.port(p.id), seen) for p, _ in realm.ports.get(odd.hostname, ()))
    return found


def _words(kind: Zones) -> str:
    return ", ".join(sorted(kind - {DEFAULT_ZONE})) or "none (the default zone)"


def _zones_of(chassis: Chassis, others: str) -> Evidence:
    return Evidence(
        where=SOUTHBOUND,
        what=f"Chassis.transport_zones of {chassis.hostname}",
        seen=_words(chassis.zones),
        expected=f"one in common with {others}, or none for both",
        command=f"ovn-sbctl --columns=transport_zones find Chassis hostname={db(chassis.hostname)}",
    )


def _odd_one(
    cloud: Cloud,
    name: str,
    missed: set[Zones],
    members: Counter[str],
    victims: Mapping[Subject, tuple[Evidence, ...]],
) -> Case:
    chassis = cloud.sb[Chassis].find("hostname", name)[0]
    own = chassis.zones
    join = max((zone for kind in missed for zone in kind), key=lambda zone: (members[zone], zone))
    # Who names a zone is in the default one no more: that would cut off those it is there with.
    leaves = DEFAULT_ZONE in (join, *own)
    alone = _company(members, own) == 1
    return Case(
        subject=subject.host(name),
        summary=f"{name} shares no transport zone with hosts that its VMs or gateways need: its own "
        f"is {_words(own)}, theirs {_words(frozenset({join}))}",
        evidence=(_zones_of(chassis, "the hosts that its networks and gateways need"),),
        steps=_join(name, own, join) if alone or not leaves else (),
        victims=frozenset(victims),
        note="If the zones are meant to be apart, leave them so, and move the VM or the gateway "
        "to a host of its zone."
        if alone or not leaves
        else f"{name} shares its zone with other hosts: give all that need each other one zone in "
        "common (external_ids:ovn-transport-zones of each host), or move the VM or the gateway.",
        traces=victims,
    )


def _join(name: str, own: Zones, join: str) -> tuple[Step, ...]:
    def command(kind: Zones) -> str:
        names = ",".join(sorted(kind - {DEFAULT_ZONE}))
        return "ovs-vsctl " + (
            f"set Open_vSwitch . external_ids:ovn-transport-zones={names}"
            if names
            else "remove Open_vSwitch . external_ids ovn-transport-zones"
        )

    return on_host(
        name,
        command(own | {join} if join != DEFAULT_ZONE else frozenset()),
        undo=command(own),
        verify=f"ovn-sbctl --columns=transport_zones find Chassis hostname={db(name)}",
    )


FAULTS = (
    Fault(
        id="tunnel-not-made",
        stage=Stage.TUNNEL,
        title="A host has no working tunnel port towards another",
        what="Both chassis are registered with a common kind of tunnel and transport zone, but "
        "ovs-vswitchd refused the port: another tunnel port, left by br-tun of ML2/OVS or made by "
        "hand, has the same remote_ip and key, and was there first.",
        shows="VMs of the two hosts do not reach each other; if one is the gateway's, north-south "
        "traffic and floating IPs are dead. DHCP works. ovs-vswitchd logs `attempting to add "
        "tunnel port with same config as port …`, and for what the peer sends `receive tunnel "
        "port not found`.",
        decisive="The Interface that ovn-controller made towards the peer has an error and ofport "
        "-1, or there is none, while ovn-controller is connected.",
        remedy="Delete the other port, after making sure that nothing uses it, and then the refused "
        "one: ovn-controller makes it again. ovs-vswitchd alone tries again only at its next "
        "reconfiguration.",
        risk=Risk.DISRUPTIVE,
        references=("ovs: ofproto/tunnel.c tnl_port_add__", "ovn: controller/encaps.c"),
        unlike={
            "tunnel-encap-type-mismatch": "there the two have no kind of tunnel in common",
            "tunnel-transport-zone": "there the two share no transport zone",
            "a chassis without peers": "a single chassis has no tunnel, and needs none",
        },
        find=_not_made,
    ),
    Fault(
        id="tunnel-transport-zone",
        stage=Stage.TUNNEL,
        title="Hosts that need each other are in separate transport zones",
        what="ovn-transport-zones keeps tunnels within a zone, and a chassis that names none is in "
        "the default zone. A network has VMs, or its router a gateway, on hosts of two zones that "
        "have none in common.",
        shows="DHCP and the local gateway work, nothing passes between the zones. Nothing is logged "
        "but `Failed to locate tunnel to reach main chassis …` for the gateway.",
        decisive="Chassis.transport_zones of the two are disjoint, and a network or router spans "
        "both.",
        remedy="Put the host whose zone is the rarer one into the other zone too; a host that is "
        "alone in its zone loses nothing by it.",
        risk=Risk.SAFE,
        references=(
            "ovn-controller(8), ovn-transport-zones",
            "ovn: controller/encaps.c chassis_tzones_overlap",
        ),
        unlike={
            "tunnel-encap-type-mismatch": "there both log `No supported encaps`",
            "edge sites": "zones between which no network or router spans are meant to be apart",
        },
        find=_separated,
        spares_others=True,
    ),
)
