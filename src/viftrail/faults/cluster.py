"""S6: faults of RAFT clusters, and of hosts that know only a part of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import Member, majority_lost, members, whole_remote
from viftrail.chain.controller import connection
from viftrail.chain.daemon import RUNNING
from viftrail.chain.quoting import atom, q
from viftrail.chain.server import PID_FILES, UNITS, endpoints, is_part, owner_of, server_state
from viftrail.chain.subject import Subject
from viftrail.facts.host import FAR_BEHIND
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.faults.fault import Case, Fault
from viftrail.faults.server import TOOLS, unfinished
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Evidence, Risk, Stage

AT_ONCE = 10.0
"""Seconds between two looks that still show one moment: an election takes no more than one, and
thousands of entries pass in minutes."""


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
        alone = "alone" if any(member.connected for member in left) else "without a leader"
        unheard = sorted({peer.address for member in left for peer in member.unheard})
        yield Case(
            subject=subject.CLOUD,
            summary=f"the cluster of {database} has lost its majority: "
            f"{', '.join(member.host for member in left)} {'are' if len(left) > 1 else 'is'} "
            f"left {alone}, and nothing can be written"
            + (f"; dead or stopped: the server on {' and on '.join(silent)}" if silent else ""),
            evidence=(
                *(
                    Evidence(
                        where=member.host,
                        what=f"cluster/status of {database}",
                        seen=member.told()
                        + (": it has not noticed yet" if member.connected else ""),
                        expected="cluster member; a leader that is known, and lives",
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
    if not members(cloud, SOUTHBOUND) or majority_lost(cloud, SOUTHBOUND):
        return
    for name, host in cloud.hosts.items():
        remote = host.settings.get("ovn-remote", "")
        whole = whole_remote(cloud, remote)
        # A virtual address that all members share is none of theirs.
        if len(endpoints(remote)) != 1 or not is_part(remote, whole):
            continue
        cut_off = connection(host) == "not connected"
        yield Case(
            subject=subject.host(name),
            summary=f"{name} knows one member of the Southbound cluster only ({remote})"
            + (
                ", cannot reach it, and hears of nothing new"
                if cut_off
                else ", and follows nobody when that one is down or behind"
            ),
            evidence=(
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-remote",
                    seen=remote,
                    expected=whole,
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-remote",
                ),
                *(_cut_off(cloud, name, remote) if cut_off else ()),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl set Open_vSwitch . {q('external_ids:ovn-remote=' + atom(whole))}",
                undo=f"ovs-vsctl set Open_vSwitch . {q('external_ids:ovn-remote=' + atom(remote))}",
                verify="ovn-appctl -t ovn-controller connection-status",
            ),
            victims=unfinished(cloud) & _on(cloud, name) if cut_off else frozenset(),
            spares_others=not cut_off,
        )


def _cut_off(cloud: Cloud, name: str, remote: str) -> Iterator[Evidence]:
    """That the host is not connected, and why the one member it knows does not serve it."""
    yield Evidence(
        where=name,
        what="ovn-controller's connection to Southbound",
        seen="not connected",
        expected="connected",
        command="ovn-appctl -t ovn-controller connection-status",
    )
    owner = owner_of(cloud, endpoints(remote)[0][1])
    if owner is None:
        return
    server, host = owner
    state = server_state(host, SOUTHBOUND)
    if state not in ("", RUNNING):
        yield Evidence(
            where=server,
            what=f"ovsdb-server of {SOUTHBOUND} ({PID_FILES[SOUTHBOUND]}.pid)",
            seen=state,
            expected=RUNNING,
            command=f"systemctl status {UNITS[SOUTHBOUND]}",
        )


def _apart(cloud: Cloud) -> Iterator[Case]:
    """A case for each member that the rest of its cluster is without, where the rest serves."""
    for database in TOOLS:
        known = members(cloud, database)
        serving = [member for member in known if member.connected]
        if not serving or majority_lost(cloud, database):
            continue
        for name, host in cloud.central.items():
            state = server_state(host, database)
            if database not in host.servers and state not in ("", RUNNING):
                yield _member(name, database, f"is {state}", state, RUNNING, restart=True)
        for member in known:
            then = cloud.hosts[member.host].looked_at
            near = [
                each for each in serving if abs(cloud.hosts[each.host].looked_at - then) <= AT_ONCE
            ]
            what, expected = _differs(member, serving) or _lags(member, near) or ("", "")
            if what:
                yield _member(member.host, database, what, member.told(), expected, restart=False)


def _differs(member: Member, serving: Sequence[Member]) -> tuple[str, str] | None:
    """How a member is not of those that serve, and what it should say instead."""
    clusters = Counter(each.cluster for each in serving if each.cluster)
    usual = clusters.most_common(1)[0][0] if clusters else ""
    if not member.connected:
        return "has lost its cluster: what is read there may be old", _newest(serving).told()
    if member.cluster and member.cluster != usual:
        return f"is a member of another cluster ({member.cluster})", f"cluster {usual}"
    return None


def _lags(member: Member, serving: Sequence[Member]) -> tuple[str, str] | None:
    """How far a member is behind those that serve and were looked at when it was."""
    if not serving:
        return None
    newest = _newest(serving)
    if member.role and member.term < newest.term and member.leader != newest.leader:
        what = (
            "still takes itself for the leader, and another was elected"
            if member.role == "leader"
            else "follows a leader of an earlier term"
        )
        return f"{what}: what is read there is old", newest.told()
    if member.end and newest.end - member.end > FAR_BEHIND:
        return (
            f"is {newest.end - member.end} entries behind {newest.host}: what is read there is old",
            f"log up to {newest.end}",
        )
    return None


def _newest(serving: Sequence[Member]) -> Member:
    return max(serving, key=lambda each: (each.term, each.end))


def _member(
    name: str, database: str, what: str, seen: str, expected: str, *, restart: bool
) -> Case:
    return Case(
        subject=subject.host(name),
        summary=f"the member of the cluster of {database} on {name} {what}",
        evidence=(
            Evidence(
                where=name,
                what=f"ovsdb-server of {database}",
                seen=seen,
                expected=expected,
                command=f"systemctl status {UNITS[database]}"
                if restart
                else status_command(database),
            ),
        ),
        steps=on_host(
            name,
            f"systemctl restart {UNITS[database]}",
            undo=f"systemctl stop {UNITS[database]}",
            verify=status_command(database),
        )
        if restart
        else on_host(
            name,
            status_command(database),
            undo=NOTHING_CHANGED,
            verify=status_command(database),
        ),
        victims=frozenset(),
        spares_others=True,
        note=""
        if restart
        else "It comes back by itself when the others reach it again, by the port of its Address; "
        "what keeps them apart is between the hosts. Save its file before it is made anew.",
    )


def _on(cloud: Cloud, name: str) -> frozenset[Subject]:
    return frozenset(subject.port(port.id) for port in cloud.ports_on.get(name, ()))


FAULTS = (
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
        shows="Nothing while the member lives. After it fails, this host alone stays as it was: what "
        "is installed works on, and a port that is plugged there is not claimed.",
        decisive="One endpoint in ovn-remote, which is one of several in the other hosts' lists.",
        remedy="List all members. ovn-controller connects anew; no packet is lost.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-remote", "ovs: lib/ovsdb-cs.c"),
        unlike={
            "a virtual address": "it is no member's own, and the others have it too",
            "controller-sb-unreachable": "there the address is nobody's, or nothing answers the host "
            "at any member's",
            "sb-raft-no-quorum": "there no host is served, however long its list",
        },
        find=_single,
        on_path_freezes=True,
    ),
    Fault(
        id="raft-member-apart",
        stage=Stage.SOUTHBOUND,
        title="A member of a database cluster is down, or not of one mind with the rest",
        what="A cluster of OVN_Southbound or OVN_Northbound serves, and one of its members is dead, is "
        "cut off from the others, belongs to another cluster, or is far behind.",
        shows="Nothing: clients go to another member. The next loss is that of the majority; who is "
        "told of this member alone reads old data, or none.",
        decisive="The server is dead or stopped, or its cluster/status says another leader, term, "
        "cluster or log than the others' do.",
        remedy="Start the server that is down. One that is cut off comes back when the others reach it.",
        risk=Risk.SAFE,
        references=("ovsdb(7), clustered database", "ovsdb-server(1), cluster/status"),
        unlike={
            "sb-raft-no-quorum": "there no member is in contact with a majority",
            "one follower": "it says the same leader and term as the others",
        },
        find=_apart,
    ),
)
