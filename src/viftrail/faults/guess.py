"""The guesses that operators write down first, and the facts that clear them.

Each comes from the two incidents that this product began with: disk, memory,
tunnels, the provnet patch port, the qvb/qvo pair, configuration, firewalls.
A guess is cleared in writing, or it is not mentioned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain import northd
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import connection
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT
from viftrail.verdict import Evidence, Finding, RuledOut, Stage, State

FULL_PERCENT = 95
SHORT_PERCENT = 2

Guess = Callable[[Cloud, Trail, dict[Stage, Finding]], RuledOut | None]


def _disk(cloud: Cloud, trail: Trail, _: dict[Stage, Finding]) -> RuledOut | None:
    host = cloud.hosts.get(trail.host)
    if host is None or not host.disks:
        return None
    used = {disk.path: 100 - 100 * disk.free // max(disk.total, 1) for disk in host.disks}
    if max(used.values()) >= FULL_PERCENT:
        return None
    room = ", ".join(f"{path} below {_step(percent)} %" for path, percent in used.items())
    return RuledOut(
        guess="the disk is full",
        because=f"{trail.host} has room: {room} used",
        evidence=(
            Evidence(
                where=trail.host,
                what="file systems",
                seen=f"{room} used",
                expected=f"below {FULL_PERCENT} %",
                command="df -h",
            ),
        ),
    )


def _memory(cloud: Cloud, trail: Trail, _: dict[Stage, Finding]) -> RuledOut | None:
    host = cloud.hosts.get(trail.host)
    if host is None or not host.memory.total:
        return None
    if 100 * host.memory.available < SHORT_PERCENT * host.memory.total:
        return None
    # A power of two is coarse enough for two looks a moment apart to say the same.
    gib = 1 << max(host.memory.available // 2**30, 1).bit_length() - 1
    return RuledOut(
        guess="memory ran out",
        because=f"{trail.host} has at least {gib} GiB available",
        evidence=(
            Evidence(
                where=trail.host,
                what="memory available",
                seen=f"at least {gib} GiB",
                expected=f"more than {SHORT_PERCENT} % of the total",
                command="free -h",
            ),
        ),
    )


def _step(percent: int) -> int:
    """The next of a few coarse steps, so that two looks a moment apart say the same."""
    return next(step for step in (25, 50, 75, FULL_PERCENT) if percent < step)


def _northd(cloud: Cloud, _trail: Trail, stages: dict[Stage, Finding]) -> RuledOut | None:
    if stages[Stage.NORTHD].state is not State.OK or not cloud.central:
        return None
    name, host = next(iter(cloud.central.items()))
    return RuledOut(
        guess="ovn-northd or the Southbound row is missing",
        because="ovn-northd is active, and the port has its Port_Binding",
        evidence=(
            Evidence(
                where=name,
                what="ovn-northd",
                seen=northd.northd_state(host),
                expected="active",
                command=northd.STATUS,
            ),
        ),
    )


def _tunnel(_cloud: Cloud, trail: Trail, stages: dict[Stage, Finding]) -> RuledOut | None:
    finding = stages[Stage.TUNNEL]
    if finding.state is State.OK:
        return RuledOut(
            guess="a geneve tunnel is missing",
            because=finding.summary,
            evidence=finding.evidence[:2],
        )
    if _first_broken(stages) < Stage.TUNNEL.number and trail.host:
        return RuledOut(
            guess="a geneve tunnel is missing",
            because=f"DHCP and the subnet's gateway are answered by br-int of {trail.host} itself; "
            "no tunnel takes part in that",
        )
    return None


def _provnet(cloud: Cloud, trail: Trail, _: dict[Stage, Finding]) -> RuledOut | None:
    elsewhere = [gateway.host for gateway in trail.gateways if gateway.host]
    distributed = [row for row in cloud.nb[NAT] if row.external_mac]
    if not elsewhere or trail.host in elsewhere or distributed:
        return None
    return RuledOut(
        guess=f"{trail.host} has no provnet patch port",
        because=f"it needs none: floating IPs are centralized on {', '.join(elsewhere)}",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what="NAT.external_mac",
                seen="empty in every row of the router",
                expected="empty for centralized floating IPs",
                command="ovn-nbctl --columns=external_ip,external_mac list NAT",
            ),
        ),
    )


def _hybrid(cloud: Cloud, trail: Trail, _: dict[Stage, Finding]) -> RuledOut | None:
    plugs = [p for p in cloud.plugs.get(trail.port.id, ()) if p.interface.name.startswith("tap")]
    if not plugs or (trail.port.owned and trail.port.owned.hybrid):
        return None
    return RuledOut(
        guess="OVN needs a qvb/qvo pair instead of a bare tap",
        because="a tap directly in br-int is how OVN ports are plugged; only ports that came from "
        "ML2/OVS with a hybrid firewall have the pair",
        evidence=(
            Evidence(
                where=plugs[0].host,
                what=f"Interface external_ids:iface-id={trail.port.id}",
                seen=f"{plugs[0].interface.name} in {plugs[0].bridge or 'no bridge'}",
                expected="tap… in br-int",
                command=f"ovs-vsctl iface-to-br {plugs[0].interface.name}",
            ),
        ),
    )


def _configuration(cloud: Cloud, trail: Trail, _: dict[Stage, Finding]) -> RuledOut | None:
    host = cloud.hosts.get(trail.host)
    keys = ("system-id", "ovn-remote", "ovn-encap-type", "ovn-encap-ip")
    if host is None or not all(host.settings.get(key) for key in keys):
        return None
    if connection(host) != "connected":
        return None
    return RuledOut(
        guess="the host is not configured for OVN",
        because=f"{trail.host} has all keys that ovn-controller needs, and is connected with them",
        evidence=(
            Evidence(
                where=trail.host,
                what="Open_vSwitch.external_ids",
                seen=", ".join(f"{key}={host.settings[key]}" for key in keys[1:]),
                expected="all set",
                command="ovs-vsctl get Open_vSwitch . external_ids",
            ),
        ),
    )


def _firewall(_cloud: Cloud, trail: Trail, stages: dict[Stage, Finding]) -> RuledOut | None:
    finding = stages[Stage.LOCAL]
    passed = [e for e in finding.evidence if e.what == "egress rules of its port groups"]
    if finding.state is not State.OK or not passed:
        return None
    return RuledOut(
        guess="a security group drops what it sends",
        because=f"the security groups of {trail.port.label} let it send",
        evidence=tuple(passed),
    )


def _first_broken(stages: dict[Stage, Finding]) -> int:
    broken = [s.number for s, f in stages.items() if f.state in (State.BROKEN, State.DEGRADED)]
    return min(broken, default=99)


GUESSES: tuple[Guess, ...] = (
    _disk,
    _memory,
    _northd,
    _tunnel,
    _provnet,
    _hybrid,
    _configuration,
    _firewall,
)


def cleared(cloud: Cloud, trail: Trail, stages: dict[Stage, Finding]) -> Iterator[RuledOut]:
    """Every guess that the facts clear for this trail."""
    for guess in GUESSES:
        found = guess(cloud, trail, stages)
        if found:
            yield found
