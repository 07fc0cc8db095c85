"""S7: faults of ovn-controller on one host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import majority_lost, members, whole_remote
from viftrail.chain.controller import connection, controller_state, unclaimed
from viftrail.chain.daemon import HUNG, RUNNING, STOPPED
from viftrail.chain.quoting import db, q
from viftrail.chain.server import endpoints, is_part, server_state
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, SBGlobal
from viftrail.faults.certificate import distrust
from viftrail.faults.fault import Case, Fault
from viftrail.faults.server import deaf
from viftrail.faults.step import NOTHING_CHANGED, on_host, revive
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

STATUS = "ovn-appctl -t ovn-controller connection-status"


def _crashed(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        chassis = cloud.sb[Chassis].one("name", host.chassis_name) if host.chassis_name else None
        if chassis is None or controller_state(host) not in ("not running", "dead"):
            continue
        process = host.processes.get("ovn-controller")
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} is dead: its old flows still pass traffic, but "
            "nobody there answers DHCP or claims ports",
            evidence=(
                Evidence(
                    where=name,
                    what="ovn-controller",
                    seen=f"its pid file names process {process.pid}, which is gone"
                    if process
                    else "not running",
                    expected="running",
                    command="systemctl status ovn-controller",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis name={host.chassis_name}",
                    seen="still registered",
                    expected="gone, had it been stopped in an orderly way",
                    command=f"ovn-sbctl find Chassis name={db(host.chassis_name)}",
                ),
            ),
            steps=on_host(
                name,
                "systemctl start ovn-controller",
                undo="systemctl stop ovn-controller",
                verify=STATUS,
            ),
        )


def _hung(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        state = controller_state(host)
        process = host.processes.get("ovn-controller")
        if process is None or state not in (STOPPED, HUNG) or not host.settings.get("ovn-remote"):
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} is {state}: its flows still pass traffic, but "
            "nobody there answers DHCP or claims ports",
            evidence=(
                Evidence(
                    where=name,
                    what=f"state of process {process.pid}, ovn-controller",
                    seen=f"{process.state} ({state})",
                    expected="S or R, and an answer",
                    command=f"grep State /proc/{process.pid}/status; {STATUS}",
                ),
            ),
            steps=revive(
                name,
                "ovn-controller",
                state,
                verify=STATUS,
                blinks=f"every VM of {name}, below a second: tunnels and claims are made anew",
            ),
            # An answer that does not come in time may yet come; a stopped process gives none.
            certainty=Certainty.PROVEN if state == STOPPED else Certainty.LIKELY,
        )


def _unreachable(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        if controller_state(host) != "running" or connection(host) != "not connected":
            continue
        remote = host.settings.get("ovn-remote", "")
        if (
            deaf(cloud, remote)
            or _down(cloud)
            or majority_lost(cloud, SOUTHBOUND)
            or _all_are(cloud, remote)
        ):
            continue  # nobody can: the server is at fault, and not this host
        if not remote:
            continue  # it was not told where: controller-not-configured
        usual = usual_remote(cloud, name)
        if distrust(cloud, name):
            continue  # it does, and is not believed, or believes nobody: controller-ssl
        if is_part(remote, whole_remote(cloud, remote)):
            continue  # the others reach a member that it was not told of: sb-stale-or-single-endpoint
        differs = bool(usual) and usual != remote
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} cannot reach Southbound"
            + (f": its ovn-remote is {remote}, the others' is {usual}" if differs else ""),
            evidence=(
                Evidence(
                    where=name,
                    what="ovn-controller's connection to Southbound",
                    seen="not connected",
                    expected="connected",
                    command=STATUS,
                ),
                Evidence(
                    where=name,
                    what="Open_vSwitch.external_ids:ovn-remote",
                    seen=remote,
                    expected=usual or "an address where Southbound listens",
                    command="ovs-vsctl get Open_vSwitch . external_ids:ovn-remote",
                ),
            ),
            steps=_reconnect(cloud, name, remote, usual if differs else ""),
            certainty=Certainty.PROVEN,
            victims=unclaimed(cloud, name, host),
        )


def _down(cloud: Cloud) -> bool:
    """Southbound could not be read, and no server of it that was looked at serves."""
    if cloud.sb[SBGlobal].rows:
        return False
    states = {server_state(host, SOUTHBOUND) for host in cloud.central.values()} - {""}
    return bool(states) and RUNNING not in states


def _all_are(cloud: Cloud, remote: str) -> bool:
    """No host is connected that knows the same members, of which none was looked at."""
    return (
        len(endpoints(remote)) > 1
        and not members(cloud, SOUTHBOUND)
        and not any(
            connection(host) == "connected"
            for host in cloud.hosts.values()
            if host.settings.get("ovn-remote") == remote
        )
    )


def _reconnect(cloud: Cloud, name: str, remote: str, usual: str) -> tuple[Step, ...]:
    if usual:
        undo = f"ovs-vsctl set Open_vSwitch . external_ids:ovn-remote={db(remote)}"
        return on_host(
            name,
            f"ovs-vsctl set Open_vSwitch . external_ids:ovn-remote={db(usual)}",
            undo=undo if remote else "ovs-vsctl remove Open_vSwitch . external_ids ovn-remote",
            verify=STATUS,
        )
    return on_host(
        cloud.central_name,
        "ovn-sbctl get-connection",
        undo=NOTHING_CHANGED,
        verify=f"ss -ltn, and from {q(name)}: ovsdb-client list-dbs {q(remote or 'tcp:ADDRESS:6642')}",
    )


def usual_remote(cloud: Cloud, name: str) -> str:
    """The ovn-remote of the other hosts, if they agree on one by majority."""
    remotes = Counter(
        host.settings["ovn-remote"]
        for other, host in cloud.hosts.items()
        if other != name and host.settings.get("ovn-remote") and connection(host) == "connected"
    )
    return remotes.most_common(1)[0][0] if remotes else ""


FAULTS = (
    Fault(
        id="controller-crashed",
        stage=Stage.CONTROLLER,
        title="ovn-controller is dead",
        what="ovn-controller died without cleaning up (a crash, kill -9, the OOM killer). Its Chassis "
        "row, its tunnels and the flows in br-int stay as they were.",
        shows="Existing flows go on passing traffic. DHCP is not answered any more, since "
        "ovn-controller itself answers it; new ports of the host are not claimed. Every row of "
        "the database still looks right.",
        decisive="The pid file names a process that is gone, and the Chassis row is still there.",
        remedy="Start ovn-controller. It finds its flows and replaces them without a gap.",
        risk=Risk.SAFE,
        references=("ovn-controller(8)",),
        unlike={
            "chassis-missing-graceful-stop": "an orderly stop deletes the Chassis row",
            "controller-sb-unreachable": "there the process lives",
        },
        find=_crashed,
        on_path_freezes=True,
    ),
    Fault(
        id="controller-hung",
        stage=Stage.CONTROLLER,
        title="ovn-controller hangs or was stopped by a signal",
        what="The process of ovn-controller is there and does nothing: it was stopped by a signal "
        "(a debugger, a frozen cgroup), waits for a disk that does not answer, or loops.",
        shows="As after a crash: flows that are installed go on passing traffic, DHCP is not "
        "answered, new ports of the host are not claimed, and every row still looks right.",
        decisive="The process is in state T, or its control socket accepts a question and gives no "
        "answer within the time-out, again and again.",
        remedy="Continue a process that was stopped by a signal; restart one that hangs for another "
        "reason, after a look at its log and at what it waits for.",
        risk=Risk.BLINKS,
        references=("ovn-controller(8)", "proc(5), /proc/PID/stat", "systemctl(1), kill"),
        unlike={
            "controller-crashed": "there the process is gone",
            "controller-flow-lag": "there it answers, and says that it is paused or busy",
            "chassis-missing-graceful-stop": "there the Chassis row is gone as well",
        },
        find=_hung,
        on_path_freezes=True,
    ),
    Fault(
        id="controller-sb-unreachable",
        stage=Stage.CONTROLLER,
        title="ovn-controller cannot reach OVN Southbound",
        what="ovn-controller runs but has no connection to Southbound: a wrong ovn-remote, a closed "
        "listener, a firewall in between. It neither learns of new ports nor reports its own.",
        shows="What was there before goes on working. A port plugged since stays without a "
        "chassis. The log repeats connection attempts.",
        decisive="`connection-status` says `not connected`; where only this host fails, its "
        "ovn-remote differs from the others'.",
        remedy="Set the right ovn-remote; ovn-controller follows without a restart.",
        risk=Risk.SAFE,
        references=("ovn-controller(8), ovn-remote", "ovs: lib/reconnect.c"),
        unlike={
            "controller-crashed": "there no process answers",
            "controller-not-configured": "there ovn-remote is not set at all",
        },
        find=_unreachable,
        on_path_freezes=True,
    ),
)
