"""S5: faults of ovn-northd, which carries Northbound over to Southbound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain import northd, subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import all_seen
from viftrail.chain.daemon import HUNG, SILENT
from viftrail.chain.quoting import db, q
from viftrail.chain.subject import Subject
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.southbound import PortBinding
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NO_UNDO, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage

SYNC = "ovn-nbctl --wait=sb --timeout=10 sync"


def waiting(cloud: Cloud) -> frozenset[Subject]:
    """Ports that Northbound has and Southbound provably has not."""
    bindings = cloud.sb[PortBinding]
    return frozenset(
        subject.port(port.id)
        for port in cloud.ports.values()
        if port.row and bindings.absent("logical_port", port.id)
    )


def _northd(
    accused: Callable[[str], bool], command: str, undo: str, *, holds: bool = False
) -> Callable[[Cloud], Iterator[Case]]:
    """A case when no northd is active and one is in the accused state.

    ``holds``: in that state it keeps the lock that others stand by for.
    """
    cleared = {"active", *SILENT} if holds else {"active", "standby", *SILENT}

    def find(cloud: Cloud) -> Iterator[Case]:
        states = {name: northd.northd_state(host) for name, host in cloud.central.items()}
        if cleared & set(states.values()):
            return  # who stands by does so because another one is active
        if not all_seen(cloud):
            return  # it may run beside a member of the cluster that was not looked at
        guilty = [name for name, state in states.items() if accused(state)]
        if not guilty:
            return
        name = guilty[0]
        victims = waiting(cloud)
        yield Case(
            subject=subject.CLOUD,
            summary=f"ovn-northd on {name} is {states[name]}, "
            "so nothing new in Northbound reaches Southbound",
            evidence=(
                Evidence(
                    where=name,
                    what="ovn-northd",
                    seen=states[name],
                    expected="active",
                    command=northd.STATUS,
                ),
                *_lag(cloud),
            ),
            steps=on_host(name, command, undo=undo, verify=SYNC),
            # On a host that only serves the databases northd was never meant to run; and who
            # stands by may do so for one on a host that was not looked at.
            certainty=Certainty.PROVEN
            if "ovn-northd" in cloud.central[name].processes and "standby" not in states.values()
            else Certainty.LIKELY,
            victims=victims,
            traces={victim: tuple(_traces(cloud, victim.name)) for victim in sorted(victims)},
        )

    return find


def misled(cloud: Cloud) -> Iterator[Case]:
    """An ovn-northd that works on other databases than its host serves."""
    for name, host in cloud.central.items():
        for database, (option, daemon) in _OPTIONS.items():
            seen, served = _option(host, "ovn-northd", option), _sockets(host, daemon)
            # Only a socket of this very host can be known to be another server's.
            if not seen.startswith("unix:") or not served:
                continue
            if (
                _real(seen.removeprefix("unix:")) in map(_real, served)
                or northd.northd_state(host) == "dead"
            ):
                continue
            victims = waiting(cloud)
            yield Case(
                subject=subject.CLOUD,
                summary=f"ovn-northd on {name} works on {seen}, which is not where the server of "
                f"{database} on {name} listens",
                evidence=(
                    Evidence(
                        where=name,
                        what=f"ovn-northd {option}",
                        seen=seen,
                        expected=" or ".join(f"unix:{path}" for path in served),
                        command="ps -C ovn-northd -o args=",
                    ),
                    Evidence(
                        where=name,
                        what="ovn-northd",
                        seen=northd.northd_state(host),
                        expected="active, on these databases",
                        command=northd.STATUS,
                    ),
                    *_lag(cloud),
                ),
                steps=on_host(
                    name,
                    "systemctl restart ovn-northd",
                    undo=NO_UNDO,
                    verify=SYNC,
                ),
                # It may be meant; a port that it has left out is the proof.
                certainty=Certainty.LIKELY,
                victims=victims,
                traces={victim: tuple(_traces(cloud, victim.name)) for victim in sorted(victims)},
                note="If it comes back with the same databases, they are in its unit's settings: "
                "OVN_CTL_OPTS in /etc/default/ovn-central or /etc/sysconfig/ovn-northd.",
            )
            break


_OPTIONS = {NORTHBOUND: ("--ovnnb-db", "ovnnb_db"), SOUTHBOUND: ("--ovnsb-db", "ovnsb_db")}
"""By which option ovn-northd is told of a database, and the pid file of its server."""


def _real(path: str) -> str:
    """Without the link that /var/run is (hier(7))."""
    return path.removeprefix("/var") if path.startswith("/var/run/") else path


def _option(host: Host, daemon: str, option: str) -> str:
    """The value that a daemon was started with; empty where it is not known."""
    process = host.processes.get(daemon)
    words = process.command.split() if process and process.runs else []
    found = (word.partition("=")[2] for word in words if word.startswith(f"{option}="))
    return next(found, "")


def _sockets(host: Host, daemon: str) -> tuple[str, ...]:
    """The unix sockets that a database server was told to listen on."""
    process = host.processes.get(daemon)
    words = process.command.split() if process and process.runs else []
    start = "--remote=punix:"
    return tuple(word.removeprefix(start) for word in words if word.startswith(start))


def _traces(cloud: Cloud, port_id: str) -> Iterator[Evidence]:
    """What it has left undone for one port."""
    yield Evidence(
        where=SOUTHBOUND,
        what=f"Port_Binding logical_port={port_id}",
        seen="no such row",
        expected="one row, as its Logical_Switch_Port exists",
        command=f"ovn-sbctl find Port_Binding logical_port={db(port_id)}",
    )
    row = cloud.ports[port_id].row
    if row is not None and row.up is None:
        yield Evidence(
            where=NORTHBOUND,
            what="Logical_Switch_Port.up",
            seen="unset: northd never looked at it",
            expected="true or false",
            command=f"ovn-nbctl get Logical_Switch_Port {q(port_id)} up",
        )


def _lag(cloud: Cloud) -> tuple[Evidence, ...]:
    """How far Southbound is behind."""
    return tuple(_behind(cloud))


def _behind(cloud: Cloud) -> Iterator[Evidence]:
    for counters in cloud.nb[NBGlobal]:
        if counters.nb_cfg > counters.sb_cfg:
            yield Evidence(
                where=NORTHBOUND,
                what="NB_Global nb_cfg, sb_cfg",
                seen=f"{counters.nb_cfg}, {counters.sb_cfg}",
                expected="equal",
                command="ovn-nbctl --columns=nb_cfg,sb_cfg list NB_Global",
            )


FAULTS = (
    Fault(
        id="northd-not-running",
        stage=Stage.NORTHD,
        title="ovn-northd is not running",
        what="No ovn-northd carries changes from Northbound to Southbound. What is in Southbound "
        "stays there, so everything old works and everything new is dead.",
        shows="New ports, networks and rules have no effect. A new port's Logical_Switch_Port "
        "exists with `up` unset, and Southbound has no Port_Binding for it: no flows, no DHCP, no "
        "IPv4 address.",
        decisive="No ovn-northd process on any host with the central databases.",
        remedy="Start ovn-northd. No packet is lost; the missing rows appear within a second and "
        "the waiting taps are claimed.",
        risk=Risk.SAFE,
        references=("ovn-northd(8)", "ovn: northd/ovn-northd.c"),
        unlike={
            "northd-paused": "there the process lives and says `paused`",
            "nb-lsp-missing": "there Northbound itself lacks the port",
        },
        find=_northd(
            lambda state: state in ("not running", "dead"),
            "systemctl start ovn-northd",
            "systemctl stop ovn-northd",
        ),
    ),
    Fault(
        id="northd-paused",
        stage=Stage.NORTHD,
        title="ovn-northd is paused",
        what="Somebody paused ovn-northd, as is done around maintenance, and it was not resumed. "
        "The process lives and does nothing.",
        shows="As with a northd that is not running: old ports work, a new port has a "
        "Logical_Switch_Port and no Port_Binding.",
        decisive="`ovn-appctl -t ovn-northd status` answers `paused`, and no other northd is active.",
        remedy="Resume it. It may stay on standby for a few seconds before it takes the lock.",
        risk=Risk.SAFE,
        references=("ovn-northd(8), runtime management commands",),
        unlike={"northd-not-running": "there no process answers"},
        find=_northd(
            lambda state: state == "paused",
            "ovn-appctl -t ovn-northd resume",
            "ovn-appctl -t ovn-northd pause",
        ),
    ),
    Fault(
        id="northd-no-active",
        stage=Stage.NORTHD,
        title="The ovn-northd that holds the lock hangs",
        what="The ovn-northd that is to do the work is stopped or hangs. Its connection lives, so it "
        "keeps the lock, and every other ovn-northd stands by for it.",
        shows="As with a northd that is not running: old ports work, a new port has a "
        "Logical_Switch_Port and no Port_Binding. Every northd that answers says `standby`.",
        decisive="One ovn-northd is stopped by a signal or does not answer, and none is active.",
        remedy="Restart the one that hangs. Another takes the lock at once, or it does itself.",
        risk=Risk.SAFE,
        references=("ovn-northd(8), active-standby", "ovn: northd/ovn-northd.c"),
        unlike={
            "northd-paused": "there it answers, and says so",
            "northd-not-running": "there the process is gone, and its lock with it",
        },
        find=_northd(
            lambda state: state in ("stopped by a signal", HUNG),
            "systemctl restart ovn-northd",
            NO_UNDO,
            holds=True,
        ),
    ),
    Fault(
        id="northd-wrong-endpoints",
        stage=Stage.NORTHD,
        title="ovn-northd works on other databases",
        what="ovn-northd was started for another pair of databases than those that are in use: those "
        "of an earlier installation, or of another cluster.",
        shows="It says `active` and is connected, and nothing that is written to Northbound reaches "
        "Southbound.",
        decisive="Its command line names a unix socket on which the database server of the same host "
        "does not listen.",
        remedy="Correct its options and restart it. No packet is lost.",
        risk=Risk.SAFE,
        references=("ovn-northd(8), --ovnnb-db and --ovnsb-db", "ovn: utilities/ovn-ctl"),
        unlike={
            "northd-not-running": "there no process is there to ask",
            "northd-binding-missing": "there it works on these very databases",
        },
        find=misled,
    ),
)
