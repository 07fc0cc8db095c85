"""S4 and S6: faults of the servers of OVN_Northbound and OVN_Southbound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import Member, majority_lost, members
from viftrail.chain.controller import connection, controller_state
from viftrail.chain.daemon import RUNNING
from viftrail.chain.quoting import atom, q
from viftrail.chain.server import PID_FILES, UNITS, endpoints, owner_of, server_state
from viftrail.chain.subject import Subject
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.southbound import SBGlobal
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage

TOOLS = {NORTHBOUND: "ovn-nbctl", SOUTHBOUND: "ovn-sbctl"}


def unfinished(cloud: Cloud) -> frozenset[Subject]:
    """Ports that are plugged, and whose ovn-controller has not said that they are done.

    It takes ``ovn-installed`` away as soon as a port is unplugged, and writes it only when
    Southbound has heard of the claim (ovn-controller(8)).
    """
    return frozenset(
        subject.port(port_id)
        for port_id, plugs in cloud.plugs.items()
        if port_id in {port.id for port in cloud.owner.ports} | set(cloud.ports)
        and all(plug.interface.external_ids.get("ovn-installed") != "true" for plug in plugs)
    )


def _down(database: str) -> Callable[[Cloud], Iterator[Case]]:
    """A case when nobody serves the database, and a server that shall is dead, stopped or hung."""

    def find(cloud: Cloud) -> Iterator[Case]:
        if cloud.nb[NBGlobal].rows if database == NORTHBOUND else cloud.sb[SBGlobal].rows:
            return  # somebody serves it
        states = {name: server_state(host, database) for name, host in cloud.central.items()}
        guilty = {name: state for name, state in states.items() if state not in ("", RUNNING)}
        for name, state in list(guilty.items())[:1]:
            daemon, unit = PID_FILES[database], UNITS[database]
            verb = "start" if state == "dead" else "restart"
            yield Case(
                subject=subject.CLOUD,
                summary=f"the server of {database} on {name} is {state}, so "
                + (
                    "nothing can be changed, and nothing new is made"
                    if database == NORTHBOUND
                    else "no chassis learns of anything new, or can claim a port"
                ),
                evidence=(
                    Evidence(
                        where=name,
                        what=f"ovsdb-server of {database} ({daemon}.pid)",
                        seen=state,
                        expected=RUNNING,
                        command=f"ovn-appctl -t /run/ovn/{daemon}.ctl version",
                    ),
                ),
                steps=on_host(
                    name,
                    f"systemctl {verb} {unit}",
                    undo=f"systemctl stop {unit}",
                    verify=f"{TOOLS[database]} --timeout=5 get-connection",
                ),
                victims=unfinished(cloud) if database == SOUTHBOUND else frozenset(),
            )

    return find


def deaf(cloud: Cloud, remote: str) -> tuple[str, int] | None:
    """The central host, and the port, where a chassis' remote should find a server and does not.

    Only when every endpoint of the remote is known to be like that.
    """
    found: tuple[str, int] | None = None
    for _, address, port in endpoints(remote):
        owner = owner_of(cloud, address)
        server = owner[1].servers.get(SOUTHBOUND) if owner else None
        if owner is None or server is None or server.ports is None or port in server.ports:
            return None
        found = found or (owner[0], port)
    return found


def _listener_gone(cloud: Cloud) -> Iterator[Case]:
    lost: dict[tuple[str, int], list[str]] = {}
    for name, host in cloud.hosts.items():
        if controller_state(host) == RUNNING and connection(host) != "connected":
            place = deaf(cloud, host.settings.get("ovn-remote", ""))
            if place:
                lost.setdefault(place, []).append(name)
    for (name, port), chassis in lost.items():
        scheme = endpoints(cloud.hosts[chassis[0]].settings["ovn-remote"])[0][0]
        yield Case(
            subject=subject.CLOUD,
            summary=f"the server of Southbound on {name} runs, but does not listen on port {port}, "
            "where the chassis look for it",
            evidence=(
                Evidence(
                    where=name,
                    what="TCP ports of the ovsdb-server of OVN_Southbound",
                    seen=", ".join(map(str, cloud.hosts[name].servers[SOUTHBOUND].ports or ()))
                    or "none",
                    expected=str(port),
                    command="ovn-sbctl get-connection; ss -ltnp",
                ),
            ),
            steps=on_host(
                name,
                f"ovn-sbctl set-connection p{scheme}:{port}:0.0.0.0",
                undo="ovn-sbctl del-connection",
                verify="ovn-sbctl get-connection",
            ),
            victims=unfinished(cloud),
            traces={subject.host(each): (_not_connected(each),) for each in chassis},
        )


def _not_connected(name: str) -> Evidence:
    return Evidence(
        where=name,
        what="ovn-controller's connection to Southbound",
        seen="not connected",
        expected="connected",
        command="ovn-appctl -t ovn-controller connection-status",
    )


def _unreachable(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.central.items():
        north, south = host.servers.get(NORTHBOUND), host.servers.get(SOUTHBOUND)
        if north is None or north.ports != () or south is None or not south.ports:
            continue
        yield Case(
            subject=subject.CLOUD,
            summary=f"the server of Northbound on {name} runs, but listens on no TCP port: who is on "
            "another host, as Neutron may be, cannot change anything",
            evidence=(
                Evidence(
                    where=name,
                    what="TCP ports of the ovsdb-server of OVN_Northbound",
                    seen="none",
                    expected="6641, as Southbound listens on " + ", ".join(map(str, south.ports)),
                    command="ovn-nbctl get-connection; ss -ltnp",
                ),
            ),
            steps=on_host(
                name,
                "ovn-nbctl set-connection ptcp:6641:0.0.0.0",
                undo="ovn-nbctl del-connection",
                verify="ovn-nbctl get-connection",
            ),
            # Where Neutron runs on the same host its unix socket is all that it needs.
            certainty=Certainty.LIKELY,
            victims=frozenset(),
        )


def _no_quorum(cloud: Cloud) -> Iterator[Case]:
    for database, tool in TOOLS.items():
        if not majority_lost(cloud, database):
            continue
        left = members(cloud, database)
        silent = [
            name
            for name, host in cloud.central.items()
            if server_state(host, database) not in ("", RUNNING)
        ]
        unheard = sorted({peer.address for member in left for peer in member.unheard})
        yield Case(
            subject=subject.CLOUD,
            summary=f"the cluster of {database} has lost its majority: "
            f"{', '.join(member.host for member in left)} {'are' if len(left) > 1 else 'is'} "
            "left without a leader, and nothing can be written"
            + (f"; dead or stopped: the server on {' and on '.join(silent)}" if silent else ""),
            evidence=(
                *(
                    Evidence(
                        where=member.host,
                        what=f"cluster/status of {database}",
                        seen=member.told(),
                        expected="cluster member; a leader that is known",
                        command=status_command(database),
                    )
                    for member in left
                ),
                *(
                    Evidence(
                        where=name,
                        what=f"ovsdb-server of {database} ({PID_FILES[database]}.pid)",
                        seen=server_state(cloud.hosts[name], database),
                        expected=RUNNING,
                        command=f"systemctl status {UNITS[database]}",
                    )
                    for name in silent
                ),
                *_unheard(left, unheard, database),
            ),
            steps=tuple(
                step
                for name in silent
                for step in on_host(
                    name,
                    f"systemctl restart {UNITS[database]}",
                    undo=f"systemctl stop {UNITS[database]}",
                    verify=f"{tool} --timeout=5 get-connection",
                )
            ),
            victims=unfinished(cloud) if database == SOUTHBOUND else frozenset(),
            note="What is read now comes from a member that was left behind, and may be old. Never "
            "kick a member or make the cluster anew before its files are saved: what only the lost "
            "members know would be gone.",
        )


def _unheard(
    left: Sequence[Member], addresses: Sequence[str], database: str
) -> tuple[Evidence, ...]:
    """The members that those who are left do not hear, by their addresses."""
    if not addresses:
        return ()
    return (
        Evidence(
            where=left[0].host,
            what=f"members of {database} that were not heard for two election times",
            seen=", ".join(addresses),
            expected="none",
            command=status_command(database),
        ),
    )


def status_command(database: str) -> str:
    """How a member is asked what it thinks of its cluster."""
    return f"ovn-appctl -t /run/ovn/{PID_FILES[database]}.ctl cluster/status {q(database)}"


def _single(cloud: Cloud) -> Iterator[Case]:
    clustered = any(
        host.servers[SOUTHBOUND].model == "clustered"
        for host in cloud.hosts.values()
        if SOUTHBOUND in host.servers
    )
    if not clustered:
        return
    for name, host in cloud.hosts.items():
        remote = host.settings.get("ovn-remote", "")
        others = [
            other.settings.get("ovn-remote", "")
            for peer, other in cloud.hosts.items()
            if peer != name
        ]
        best = max(others, key=lambda each: len(endpoints(each)), default="")
        if len(endpoints(remote)) != 1 or len(endpoints(best)) < 2:
            continue
        if endpoints(remote)[0] not in endpoints(best):
            continue  # a virtual address that all members share
        yield Case(
            subject=subject.host(name),
            summary=f"{name} knows one member of the Southbound cluster only ({remote}), and follows "
            "nobody when that one is down or behind",
            evidence=(
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-remote",
                    seen=remote,
                    expected=best,
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-remote",
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . {q('external_ids:ovn-remote=' + atom(best))}",
                undo=f"ovs-vsctl set Open_vSwitch . {q('external_ids:ovn-remote=' + atom(remote))}",
                verify="ovn-appctl -t ovn-controller connection-status",
            ),
            victims=unfinished(cloud) & _on(cloud, name)
            if connection(host) != "connected"
            else frozenset(),
        )


def _on(cloud: Cloud, name: str) -> frozenset[Subject]:
    return frozenset(subject.port(port.id) for port in cloud.ports_on.get(name, ()))


FAULTS = (
    Fault(
        id="nb-server-down",
        stage=Stage.NORTHBOUND,
        title="The server of Northbound does not serve",
        what="The ovsdb-server of OVN_Northbound is dead, stopped by a signal or hung, and no other "
        "member of a cluster serves the database.",
        shows="What there is works on. Neutron's requests that need OVN hang for 180 s and fail, and "
        "ovn-northd has nothing to read.",
        decisive="The pid file names a process that is gone or stopped, or that answers nobody, and "
        "the database cannot be read.",
        remedy="Start the server. Its file is its memory: nothing is lost, and clients come back by "
        "themselves.",
        risk=Risk.SAFE,
        references=("ovsdb-server(1)", "ovn: utilities/ovn-ctl"),
        unlike={
            "nb-unreachable-from-neutron": "there the server runs, and answers on its own host",
            "infra-controller-disk-full": "there it answers what it is asked, and refuses writes",
        },
        find=_down(NORTHBOUND),
    ),
    Fault(
        id="nb-unreachable-from-neutron",
        stage=Stage.NORTHBOUND,
        title="The server of Northbound listens on no port",
        what="The ovsdb-server of OVN_Northbound runs and has lost its listener, so only programs on "
        "its own host reach it, by the unix socket.",
        shows="What there is works on. Neutron's requests hang for 180 s and fail with `exceeded "
        "timeout … Result queue is empty`; ovn-nbctl on the controller works.",
        decisive="The server's process listens on no TCP port, while Southbound's beside it does.",
        remedy="Set the connection again. Neutron comes back by itself.",
        risk=Risk.SAFE,
        references=("ovn-nbctl(8), set-connection", "ovn-nb(5), NB_Global connections"),
        unlike={"nb-server-down": "there nobody is answered, on the own host neither"},
        find=_unreachable,
    ),
    Fault(
        id="sb-server-down",
        stage=Stage.SOUTHBOUND,
        title="The server of Southbound does not serve",
        what="The ovsdb-server of OVN_Southbound is dead, stopped by a signal or hung, and no other "
        "member of a cluster serves the database.",
        shows="The flows that are installed go on passing traffic. No chassis learns of anything new, "
        "a port that is plugged is not claimed, and every ovn-controller loses its connection.",
        decisive="The pid file names a process that is gone or stopped, or that answers nobody, and "
        "the database cannot be read.",
        remedy="Start the server. Its file is its memory: nothing is lost, and every ovn-controller "
        "comes back by itself.",
        risk=Risk.SAFE,
        references=("ovsdb-server(1)", "ovn: utilities/ovn-ctl"),
        unlike={
            "sb-listener-gone": "there the server runs, and answers on its own host",
            "controller-sb-unreachable": "there the server runs, and other chassis reach it",
        },
        find=_down(SOUTHBOUND),
    ),
    Fault(
        id="sb-listener-gone",
        stage=Stage.SOUTHBOUND,
        title="The server of Southbound does not listen where the chassis look for it",
        what="The ovsdb-server of OVN_Southbound runs, and its listener for the chassis is gone: "
        "`del-connection`, a database restored without its Connection row, or another port.",
        shows="The flows that are installed go on passing traffic. Every chassis logs `connection "
        "attempt failed (Connection refused)`, and a port that is plugged is not claimed.",
        decisive="ovn-remote names an address of this host and a port on which the server's process "
        "does not listen.",
        remedy="Set the connection again. Every ovn-controller comes back by itself, in up to eight "
        "seconds.",
        risk=Risk.SAFE,
        references=("ovn-sbctl(8), set-connection", "ovn-sb(5), SB_Global connections"),
        unlike={
            "sb-server-down": "there the server itself is dead or hung",
            "controller-sb-unreachable": "there the server listens, and one host looks elsewhere",
        },
        find=_listener_gone,
    ),
    Fault(
        id="sb-raft-no-quorum",
        stage=Stage.SOUTHBOUND,
        title="A database cluster has lost its majority",
        what="Most members of a RAFT cluster of OVN_Southbound or OVN_Northbound are down or cut off. "
        "The rest elect no leader, and serve nobody.",
        shows="The flows that are installed go on passing traffic, and nothing changes any more. "
        "Clients log `clustered database server is disconnected from cluster; trying another server`.",
        decisive="Every member that answers says `connected: false` of itself in its _Server database, "
        "and cluster/status `disconnected from the cluster (election timeout)`, `Leader: unknown`.",
        remedy="Start the members that are down. Two of three are enough.",
        risk=Risk.SAFE,
        references=("ovsdb(7), clustered database", "ovs: ovsdb/raft.c"),
        unlike={
            "sb-server-down": "there no server answers at all",
            "one follower": "it serves all who do not insist on the leader, and nothing is wrong",
        },
        find=_no_quorum,
    ),
    Fault(
        id="sb-stale-or-single-endpoint",
        stage=Stage.SOUTHBOUND,
        title="A host knows one member of the Southbound cluster only",
        what="ovn-remote of the host names one member, while the cluster has more. When that member is "
        "down, or behind the others, the host has nobody else to follow.",
        shows="Nothing while the member lives. After it fails, this host alone stays as it was.",
        decisive="One endpoint in ovn-remote, which is one of several in the other hosts' lists.",
        remedy="List all members. ovn-controller connects anew; no packet is lost.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-remote", "ovs: lib/ovsdb-cs.c"),
        unlike={"a virtual address": "it is no member's own, and the others have it too"},
        find=_single,
        unprovoked="the lab's databases are standalone servers.",
        on_path_freezes=True,
        spares_others=True,
    ),
)
