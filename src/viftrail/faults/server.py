"""S4 and S6: faults of the servers of OVN_Northbound and OVN_Southbound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import unserved
from viftrail.chain.controller import connection, controller_state
from viftrail.chain.daemon import RUNNING
from viftrail.chain.server import PID_FILES, UNITS, endpoints, owner_of
from viftrail.chain.subject import Subject
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
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
        # Of a cluster: sb-raft-no-quorum.
        for name, state in list(unserved(cloud, database).items())[:1]:
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
)
