"""The guesses that operators write down first, and the facts that decide them.

Each comes from the two incidents that this product began with: disk, memory,
tunnels, the provnet patch port, the qvb/qvo pair, configuration, firewalls.
"""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import northd, subject
from viftrail.chain.cloud import NAME_LENGTH
from viftrail.chain.controller import connection, controller_state
from viftrail.chain.quoting import q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import NAT
from viftrail.facts.vswitch import Port
from viftrail.faults import estimate, event, firewall, habit
from viftrail.faults.hypothesis import Guess, Scene, Weighed, at, called, never
from viftrail.verdict import Cause, Evidence, RuledOut, Stage, State, Undecided

FULL_PERCENT = 95
SHORT_PERCENT = 2
KEYS = ("system-id", "ovn-remote", "ovn-encap-type", "ovn-encap-ip")


def weigh(scene: Scene) -> Iterator[Weighed]:
    """Every guess that no named cause confirms, with what clears or would decide it."""
    guesses = GUESSES if scene.broken else HYPOTHESES
    if not scene.trail.port.id:
        guesses = estimate.GUESSES if scene.broken else ()
    elif event.seen(scene):
        guesses = (*guesses, event.GUESS)
    for guess in guesses:
        if not any(guess.confirmed_by(scene, cause) for cause in scene.causes):
            yield guess.weigh(scene, guess.name)


def _disk(scene: Scene, guess: str) -> Weighed:
    host, place = scene.host, scene.place
    used = {
        disk.path: 100 - 100 * disk.free // max(disk.total, 1)
        for disk in (host.disks if host else ())
    }
    if not used:
        return Undecided(
            guess=guess,
            why=scene.blind,
            observation=f"a file system that is used to {FULL_PERCENT} % or more",
            where=place,
            command="df -h",
        )
    full = [path for path, percent in used.items() if percent >= FULL_PERCENT]
    if full:
        return Undecided(
            guess=guess,
            why=f"{', '.join(full)} of {place} is, and the chain does not show that it matters",
            observation="the words `No space left on device` in the log of a daemon of the chain",
            where=place,
            command="grep -rl 'No space left' /var/log/openvswitch /var/log/ovn /var/log/nova",
        )
    room = ", ".join(f"{path} below {_step(percent)} %" for path, percent in used.items())
    return RuledOut(
        guess=guess,
        because=f"{place} has room: {room} used",
        evidence=(
            Evidence(
                where=place,
                what="file systems",
                seen=f"{room} used",
                expected=f"below {FULL_PERCENT} %",
                command="df -h",
            ),
        ),
    )


def _memory(scene: Scene, guess: str) -> Weighed:
    host, place = scene.host, scene.place
    if host is None or not host.memory.total:
        return Undecided(
            guess=guess,
            why=scene.blind,
            observation=f"less than {SHORT_PERCENT} % of the memory being available",
            where=place,
            command="free -h",
        )
    if 100 * host.memory.available < SHORT_PERCENT * host.memory.total:
        return Undecided(
            guess=guess,
            why=f"{place} is short of it, and the chain does not show that it matters",
            observation="a daemon of the chain among those that the OOM killer ended",
            where=place,
            command="journalctl -k --grep 'Out of memory'",
        )
    # A power of two is coarse enough for two looks a moment apart to say the same.
    gib = 1 << max(host.memory.available // 2**30, 1).bit_length() - 1
    return RuledOut(
        guess=guess,
        because=f"{place} has at least {gib} GiB available",
        evidence=(
            Evidence(
                where=place,
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


def _northd(scene: Scene, guess: str) -> Weighed:
    states = {name: northd.northd_state(host) for name, host in scene.cloud.central.items()}
    finding = scene.stages[Stage.NORTHD]
    active = [name for name, state in states.items() if state == "active"]
    follows = finding.state is State.CONSEQUENCE
    # One that stands by says nothing of the one that it stands by for.
    if not (active and (finding.state is State.OK or follows)):
        return Undecided(
            guess=guess,
            why=finding.summary,
            observation="whether an ovn-northd says `active`",
            where=scene.cloud.central_name,
            command=northd.STATUS,
        )
    return RuledOut(
        guess=guess,
        because=f"ovn-northd is active; {finding.summary}"
        if follows
        else "ovn-northd is active, and the port has its Port_Binding",
        evidence=(
            Evidence(
                where=active[0],
                what="ovn-northd",
                seen="active",
                expected="active",
                command=northd.STATUS,
            ),
        ),
    )


def _tunnel(scene: Scene, guess: str) -> Weighed:
    finding, trail = scene.stages[Stage.TUNNEL], scene.trail
    if finding.state is State.OK:
        return RuledOut(guess=guess, because=finding.summary, evidence=finding.evidence[:2])
    # Without its network it is not known where its traffic goes.
    stays = finding.state is State.NOT_APPLICABLE and trail.switch is not None
    if stays or finding.state is State.CONSEQUENCE:
        return RuledOut(guess=guess, because=finding.summary, evidence=finding.evidence[:2])
    if scene.first_broken < Stage.TUNNEL.number and trail.host:
        return RuledOut(
            guess=guess,
            because=f"DHCP and the subnet's gateway are answered by br-int of {trail.host} itself; "
            "no tunnel takes part in that",
        )
    return Undecided(
        guess=guess,
        why=finding.summary,
        observation=f"a geneve port towards {', '.join(trail.peers) or 'each peer'} with an ofport "
        "above 0",
        where=scene.place,
        command="ovs-vsctl --columns=name,ofport,error,options find Interface type=geneve",
    )


_UNMAPPED = ("prov-mapping-missing", "prov-mapping-bridge-missing", "prov-mapping-syntax")


def _unpatched(scene: Scene, cause: Cause) -> bool:
    """It should have one: for its floating IP, or because it is on the provider network itself."""
    if cause.id == "fip-distributed-no-mapping":
        return True
    own = cause.subject == str(subject.host(scene.trail.host))
    return scene.trail.direct is not None and own and cause.id in _UNMAPPED


def _provnet(scene: Scene, guess: str) -> Weighed:
    trail, host = scene.trail, scene.host
    table = scene.cloud.nb[NAT]
    rows = [row for address in trail.floating_ips for row in table.find("external_ip", address)]
    known = all(
        table.find("external_ip", ip) or table.knows("external_ip", ip) for ip in trail.floating_ips
    )
    away = [g.expected.hostname for g in trail.gateways if g.expected]
    if trail.switch and scene.stages[Stage.PROVIDER].state is State.NOT_APPLICABLE:
        return RuledOut(guess=guess, because=scene.stages[Stage.PROVIDER].summary)
    if known and away and trail.host not in away and not any(r.external_mac for r in rows):
        return RuledOut(
            guess=guess,
            because=f"it needs none: floating IPs are centralized on {', '.join(away)}",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="NAT.external_mac",
                    seen="empty in every row of the port",
                    expected="empty for centralized floating IPs",
                    command="ovn-nbctl --columns=external_ip,external_mac list NAT",
                ),
            ),
        )
    patches = [
        row.name
        for row in (host.conf[Port] if host else ())
        if "ovn-localnet-port" in row.external_ids
    ]
    if patches:
        return RuledOut(
            guess=guess,
            because=f"it has one: {', '.join(patches)}",
            evidence=(
                Evidence(
                    where=trail.host,
                    what="Port external_ids:ovn-localnet-port",
                    seen=", ".join(patches),
                    expected="one, where the VM's host reaches the provider network itself",
                    command="ovs-vsctl --columns=name,external_ids list Port",
                ),
            ),
        )
    return Undecided(
        guess=guess,
        why="it could not be seen which chassis translates and routes for the port",
        observation="an external_mac at the port's NAT row: only then the VM's own host needs one",
        where=scene.cloud.central_name,
        command="ovn-nbctl --columns=external_ip,external_mac,logical_port list NAT",
    )


def _hybrid(scene: Scene, guess: str) -> Weighed:
    port, host, place = scene.trail.port, scene.host, scene.place
    plugs = [p for p in scene.cloud.plugs.get(port.id, ()) if p.host == scene.trail.host]
    suffix = port.id[:NAME_LENGTH]
    command = f"ip -brief link; ovs-vsctl find Interface external_ids:iface-id={q(port.id)}"
    wants = bool(port.owned and port.owned.hybrid)
    pair = [name for name in ("qvb" + suffix, "qvo" + suffix) if host and name in host.link_by_name]
    if wants or pair:
        if len(pair) == 2:
            because = f"{' and '.join(pair)} are there, as this port's plug is a hybrid one"
        else:
            return Undecided(
                guess=guess,
                why=f"the port is one that is plugged in the hybrid way, and {place} shows no pair",
                observation=f"the devices qvb{suffix} and qvo{suffix}",
                where=place,
                command="ip -brief link",
            )
    elif plugs or (host and "tap" + suffix in host.link_by_name):
        because = (
            "a tap directly in br-int is how OVN ports are plugged; only ports that came from "
            "ML2/OVS with a hybrid firewall have the pair"
        )
    elif port.owned:
        because = f"{scene.cloud.owner.kind}'s own record of the port asks for no hybrid plug"
    else:
        return Undecided(
            guess=guess,
            why=f"neither a plug nor a device of the port was seen on {place}",
            observation=f"which of tap{suffix}, qvb{suffix} and qvo{suffix} exist",
            where=place,
            command="ip -brief link",
        )
    seen = [f"{p.interface.name} in {p.bridge or 'no bridge'}" for p in plugs] or pair
    evidence = Evidence(
        where=place,
        what=f"plug of {port.id}",
        seen=", ".join(seen) or "no qvb, no qvo",
        expected="tap… in br-int, or the pair where the owner says hybrid",
        command=command,
    )
    return RuledOut(guess=guess, because=because, evidence=(evidence,))


def _configured(scene: Scene, cause: Cause) -> bool:
    """Its remedy sets what ovn-controller is configured by, on the VM's host."""
    return any(
        step.where == scene.trail.host and "Open_vSwitch . external_ids" in step.command
        for step in cause.remedy.steps
    )


def _configuration(scene: Scene, guess: str) -> Weighed:
    host, place = scene.host, scene.place
    known = host.settings if host else {}
    if host is None or not host.vswitch:
        why = scene.blind
    else:
        missing = [key for key in KEYS if not known.get(key)]
        connected = connection(host)
        state = controller_state(host)
        if not missing and (
            connected == "connected" or state in ("not running", "dead", "stopped")
        ):
            works = (
                "and is connected with them"
                if connected == "connected"
                else f"but ovn-controller is {state}, which no setting explains"
            )
            return RuledOut(
                guess=guess,
                because=f"{place} has all keys that ovn-controller needs, {works}",
                evidence=(
                    Evidence(
                        where=place,
                        what="Open_vSwitch.external_ids",
                        seen=", ".join(f"{key}={known[key]}" for key in KEYS[1:]),
                        expected="all set",
                        command="ovs-vsctl get Open_vSwitch . external_ids",
                    ),
                ),
            )
        why = (
            f"{place} lacks {', '.join(missing)}" if missing else "ovn-controller is not connected"
        )
    return Undecided(
        guess=guess,
        why=why,
        observation=f"all of {', '.join(KEYS)} set, and the answer `connected`",
        where=place,
        command="ovs-vsctl get Open_vSwitch . external_ids; "
        "ovn-appctl -t ovn-controller connection-status",
    )


HYPOTHESES: tuple[Guess, ...] = (
    Guess("the disk is full", never, _disk),
    Guess("memory ran out", never, _memory),
    Guess("ovn-northd or the Southbound row is missing", at(Stage.NORTHD), _northd),
    Guess("a geneve tunnel is missing", at(Stage.TUNNEL), _tunnel),
    Guess("the VM's host has no provnet patch port", _unpatched, _provnet),
    Guess(
        "OVN needs a qvb/qvo pair instead of a bare tap", called("vif-hybrid-leg-broken"), _hybrid
    ),
    Guess("the host is not configured for OVN", _configured, _configuration),
    Guess(
        "a security group drops what it sends",
        called("sg-egress-missing", "sg-egress-version-missing"),
        firewall.weigh,
    ),
)
GUESSES = (*HYPOTHESES, *habit.GUESSES)
