"""S10: geneve between the VM's host and the hosts that its traffic passes."""

from __future__ import annotations

from dataclasses import dataclass

from viftrail.chain.checks import Checks, not_applicable, not_examined
from viftrail.chain.cloud import Cloud
from viftrail.chain.mesh import apart, need_each_other
from viftrail.chain.router import unread
from viftrail.chain.sounding import check_tunnel
from viftrail.chain.switch import check_switch
from viftrail.chain.trail import Trail
from viftrail.facts.facts import NOT_ASKED
from viftrail.facts.host import Host
from viftrail.facts.vswitch import Interface
from viftrail.verdict import Evidence, Finding, Stage

LOST_AT_LEAST = 4
"""Packets; fewer may be on their way, or wait for the first ARP of a native tunnel."""

FAIR_WINDOW = 1.2
"""Seconds. ovs-vswitchd adds up a tunnel's packets when its revalidators come round, every
half second (ovs-vswitchd.conf.db(5), max-revalidator); over less the two ends cannot be compared."""


@dataclass(frozen=True)
class Endpoint:
    """One host's tunnel port towards a peer."""

    host: str
    interface: Interface

    @property
    def remote_ip(self) -> str:
        """Where it sends to."""
        return self.interface.options.get("remote_ip", "")


def endpoint(cloud: Cloud, here: str, there: str) -> Endpoint | None:
    """The tunnel Interface on ``here`` towards ``there``, by the chassis id that it carries."""
    host, chassis = cloud.hosts.get(here), cloud.chassis_named(there)
    if host is None or chassis is None:
        return None
    return next((Endpoint(here, row) for row in host.tunnels.get(chassis.name, ())), None)


def works(interface: Interface) -> bool:
    """ovs-vswitchd took it."""
    return (interface.ofport or 0) > 0 and not interface.error


def local_addresses(host: Host) -> frozenset[str]:
    """Every IP address of the host."""
    return frozenset(address.local for link in host.links for address in link.addr_info)


@dataclass(frozen=True)
class Loss:
    """Packets that one end sent within ``seconds``, none of which reached the other."""

    sender: str
    receiver: str
    sent: int
    seconds: float


def loss(cloud: Cloud, one: str, other: str) -> Loss | None:
    """The direction that loses everything, if there is one.

    Only a fair window counts. Totals are reset whenever a tunnel is made anew,
    on one end alone, and so cannot be compared.
    """
    found = _all_lost(cloud, one, other)
    return found if found and found.seconds >= FAIR_WINDOW else None


def suspected(cloud: Cloud, one: str, other: str) -> bool:
    """Worth a look through a fair window: something seems to be lost, in a short one or in all."""
    if _all_lost(cloud, one, other):
        return True
    for sender, receiver in ((one, other), (other, one)):
        sent, received = traffic(cloud, sender, receiver), traffic(cloud, receiver, sender)
        if sent and received and sent.seconds < FAIR_WINDOW:
            lost = sent.total_out - received.total_in
            if lost > LOST_AT_LEAST and 4 * lost > 3 * sent.total_out:
                return True
    return False


def _all_lost(cloud: Cloud, one: str, other: str) -> Loss | None:
    for sender, receiver in ((one, other), (other, one)):
        sent, received = traffic(cloud, sender, receiver), traffic(cloud, receiver, sender)
        if sent and received and sent.outgoing >= LOST_AT_LEAST and received.incoming == 0:
            return Loss(sender, receiver, sent.outgoing, min(sent.seconds, received.seconds))
    return None


@dataclass(frozen=True)
class Traffic:
    """Packets through one tunnel port, within the window and since the port was made."""

    incoming: int
    outgoing: int
    total_in: int
    total_out: int
    seconds: float


def traffic(cloud: Cloud, here: str, there: str) -> Traffic | None:
    """What passed the tunnel port on ``here`` towards ``there``; None when not counted."""
    end = endpoint(cloud, here, there)
    host = cloud.hosts.get(here)
    if end is None or host is None:
        return None
    key = str(end.interface.ofport)
    first, second = host.counters.first.get(key), host.counters.second.get(key)
    if first is None or second is None:
        return None
    return Traffic(second[0] - first[0], second[1] - first[1], *second, host.counters.seconds)


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Towards each peer: a tunnel port, the right address, and packets that arrive."""
    if not trail.peers:
        away = [gateway for gateway in trail.gateways if gateway.expected is None]
        missing = dict.fromkeys(filter(None, (unread(cloud, gateway) for gateway in away)))
        if missing:
            return not_examined(Stage.TUNNEL, "; ".join(missing))
        why = (
            "a provider network takes no tunnel"
            if trail.direct
            else "its traffic does not leave the host"
        )
        return not_applicable(Stage.TUNNEL, why)
    checks = Checks(Stage.TUNNEL)
    for name in (trail.host, *trail.peers):
        _address(checks, cloud, name)
        if name in cloud.hosts and name != trail.host:
            check_switch(checks, cloud.hosts[name], name)
    for peer in trail.peers:
        for here, there in ((trail.host, peer), (peer, trail.host)):
            _towards(checks, cloud, here, there)
            _ever_arrived(checks, cloud, here, there)
    check_tunnel(checks, cloud)
    return checks.finding()


def _ever_arrived(checks: Checks, cloud: Cloud, sender: str, receiver: str) -> None:
    """Where counters were read once, as in a sosreport, only what was never received is a sign."""
    sent, received = traffic(cloud, sender, receiver), traffic(cloud, receiver, sender)
    if not sent or not received or sent.seconds or received.seconds:
        return
    if sent.total_out >= LOST_AT_LEAST and received.total_in == 0:
        checks.unknown(
            f"{sender} has counted {sent.total_out} packets into its tunnel and {receiver} none out "
            "of it; whether they are dropped on the way, `viftrail why --probe` on the living cloud "
            "tells, and `nft list ruleset` on both"
        )


def loss_evidence(lost: Loss) -> Evidence:
    """Both ends' counters, side by side."""
    return Evidence(
        where=f"{lost.sender} and {lost.receiver}",
        what=f"packets through the tunnel within {lost.seconds:.1f} s",
        seen=f"{lost.sender} sent {lost.sent}, {lost.receiver} received 0",
        expected="all that was sent",
        command="ovs-ofctl dump-ports br-int   # on both, twice",
    )


def _address(checks: Checks, cloud: Cloud, name: str) -> None:
    host, chassis = cloud.hosts.get(name), cloud.chassis_named(name)
    if host is not None and host.conf_only:
        checks.aside(f"of {name} only its conf.db is known")
        return
    if host is None or not host.links:
        checks.unseen(name)
        return
    if any(failure.why == NOT_ASKED for failure in host.failures("nft ")):
        checks.aside(f"whether {name} drops geneve is not in its report (nft list ruleset)")
    if chassis is None:
        return
    ip = cloud.tunnel_ip(chassis)
    if not ip and chassis.encaps:
        checks.unknown(f"the tunnel address of {name} was not read")
        return
    checks.check(
        ip in local_addresses(host),
        Evidence(
            where=name,
            what="tunnel address (Encap.ip)",
            seen=f"{ip or 'none'}, "
            + ("its own" if ip in local_addresses(host) else "not its own"),
            expected="an address of the host",
            command="ip -brief address",
        ),
        good=f"{name} has its tunnel address",
        bad=f"{name} does not have the tunnel address that it announces",
    )


def _towards(checks: Checks, cloud: Cloud, here: str, there: str) -> None:
    host, chassis = cloud.hosts.get(here), cloud.chassis_named(there)
    if host is None or chassis is None or not host.vswitch:
        return
    end = endpoint(cloud, here, there)
    own = cloud.chassis_named(here)
    if end is None and own and apart(own, chassis) and not need_each_other(cloud, here, there):
        checks.aside(f"{here} and {there} are in separate transport zones and share no network")
        return
    checks.check(
        end is not None and works(end.interface),
        Evidence(
            where=here,
            what=f"tunnel port towards {there}",
            seen=f"{end.interface.name} to {end.remote_ip}" if end else "none",
            expected=f"one, to {cloud.tunnel_ip(chassis)}",
            command="ovs-vsctl show",
        ),
        good=f"tunnel {here} to {there} is made",
        bad=f"{here} has no working tunnel port towards {there}",
    )
