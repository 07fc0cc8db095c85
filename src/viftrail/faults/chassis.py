"""S6 and S7: chassis that are registered twice, half, or lag behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from viftrail.chain import subject
from viftrail.chain.build import waited_in_vain
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import controller_state, newest_step
from viftrail.chain.daemon import RUNNING, UNASKED, UNSEEN
from viftrail.chain.quoting import db, q
from viftrail.chain.saying import evidence_of, is_during
from viftrail.chain.scheduling import fault_evidence
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import Server
from viftrail.facts.southbound import Chassis, ChassisPrivate
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, unregister, woken
from viftrail.verdict import Certainty, Evidence, Risk, Stage

LAG = 2
"""Neutron counts an agent as alive while it is at most one nb_cfg behind (neutron_agent.py)."""


def _twins(cloud: Cloud) -> Iterator[Case]:
    for hostname, rows in cloud.sb[Chassis].by("hostname").items():
        if len(rows) < 2 or not hostname:
            continue
        host = cloud.hosts.get(hostname)
        counters = {row.name: _counter(cloud, row.name) for row in rows}
        # Where nobody writes its counter, the lower one is no older one.
        newest = max(counters.values()) if newest_step(cloud) is not None else 0
        stale = [
            row.name
            for row in rows
            if (host and host.chassis_name and row.name != host.chassis_name)
            or (not host and _has_stopped(cloud, row.name, newest))
        ]
        names = ", ".join(row.name for row in rows)
        yield Case(
            subject=subject.host(hostname),
            summary=f"{hostname} is registered {len(rows)} times in Southbound ({names})",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis hostname={hostname}",
                    seen=names,
                    expected="one row",
                    command=f"ovn-sbctl --columns=name,encaps find Chassis hostname={db(hostname)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="Chassis_Private.nb_cfg of each",
                    seen=", ".join(f"{name}: {value}" for name, value in counters.items()),
                    expected="the same for all",
                    command="ovn-sbctl --columns=name,nb_cfg list Chassis_Private",
                ),
            ),
            steps=tuple(step for name in stale for step in unregister(cloud, name)),
            victims=frozenset(),
            note=""
            if stale
            else "Compare with `ovs-vsctl get Open_vSwitch . external_ids:system-id` on the host: "
            "the other row is the stale one.",
        )


def _has_stopped(cloud: Cloud, name: str, newest: int) -> bool:
    """It is as far behind its twin as a dead agent; one step is anybody's who is not there yet.

    An ovn-controller makes its Chassis_Private with its Chassis, so who has none is none's.
    """
    table = cloud.sb[ChassisPrivate]
    if table.find("name", name):
        return newest - _counter(cloud, name) >= LAG
    return newest >= 0 and table.absent("name", name)


def _counter(cloud: Cloud, name: str) -> int:
    row = cloud.sb[ChassisPrivate].one("name", name)
    return row.nb_cfg if row else -1


def _ghosts(cloud: Cloud) -> Iterator[Case]:
    chassis = cloud.sb[Chassis]
    for row in cloud.sb[ChassisPrivate]:
        if row.chassis or not chassis.absent("name", row.name):
            continue
        yield Case(
            subject=subject.host(row.name),
            summary=f"Chassis_Private {row.name} has no Chassis, so `--wait=hv` never returns and "
            "every agent looks late",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis_Private {row.name}",
                    seen="chassis empty, and no Chassis of that name",
                    expected="a Chassis",
                    command=f"ovn-sbctl find Chassis name={db(row.name)}",
                ),
            ),
            steps=on_host(
                cloud.central_name,
                f"ovn-sbctl destroy Chassis_Private {q(row.name)}",
                undo="a living ovn-controller makes it again",
                verify="ovn-nbctl --wait=hv --timeout=10 sync",
            ),
            victims=frozenset(),
        )


def _lagging(cloud: Cloud) -> Iterator[Case]:
    wanted = newest_step(cloud) or 0
    in_vain = waited_in_vain(cloud)
    for row in cloud.sb[ChassisPrivate]:
        chassis = cloud.sb[Chassis].one("name", row.name)
        waited = in_vain.get(chassis.hostname, ()) if chassis else ()
        mute = _mute(cloud, chassis, waited) if chassis and waited else None
        if chassis is None:
            continue
        host = cloud.hosts.get(chassis.hostname)
        state = controller_state(host) if host else ""
        # One step is nothing where it is seen to run: the answer is on its way.
        least = 1 if waited and state != RUNNING else LAG
        if wanted - row.nb_cfg < least and not mute:
            continue
        if len(cloud.sb[Chassis].find("hostname", chassis.hostname)) > 1:
            continue  # a stale twin lags too, and that is its own fault
        if state not in ("", RUNNING, UNASKED, UNSEEN):
            continue  # dead, stopped or hung: that is another fault
        answers = host.unixctl.get("ovn-controller", {}) if host else {}
        if answers.get("connection-status", "connected") != "connected":
            continue
        paused = answers.get("debug/status") == "paused"
        yield Case(
            subject=subject.host(chassis.hostname),
            summary=f"ovn-controller of {chassis.hostname} "
            + (
                f"is {wanted - row.nb_cfg} step{'s' * (wanted - row.nb_cfg > 1)} behind Southbound"
                if wanted > row.nb_cfg
                else "did not answer Southbound's server"
            )
            + (": it is paused" if paused else "")
            + (
                f": the port of {', '.join(each.name for each in waited)}, plugged there, was never "
                "claimed"
                if waited
                else ""
            ),
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis_Private.nb_cfg of {chassis.hostname}",
                    seen=str(row.nb_cfg),
                    expected=str(max(wanted, row.nb_cfg)),
                    command=f"ovn-sbctl --columns=nb_cfg find Chassis_Private name={db(row.name)}",
                ),
                *evidence_of([mute]),
                *(
                    fault_evidence(each, each.fault.message if each.fault else "")
                    for each in waited
                ),
                *(
                    (
                        Evidence(
                            where=chassis.hostname,
                            what="ovn-controller",
                            seen=answers["debug/status"],
                            expected="running",
                            command="ovn-appctl -t ovn-controller debug/status",
                        ),
                    )
                    if "debug/status" in answers
                    else ()
                ),
            ),
            steps=on_host(
                chassis.hostname,
                "ovn-appctl -t ovn-controller debug/resume",
                undo="ovn-appctl -t ovn-controller debug/pause",
                verify="ovn-appctl -t ovn-controller debug/status",
            )
            if paused
            else woken(chassis.hostname)
            if waited
            else (),
            certainty=Certainty.PROVEN if paused or mute else Certainty.LIKELY,
            victims=_unfinished(cloud, chassis)
            | {subject.server(each.id) for each in waited if mute},
            note=""
            if paused
            else "Look on the host whether ovn-controller is dead, cut off, or busy: "
            "`ovn-appctl -t ovn-controller connection-status` and `stopwatch/show`.",
        )


def _mute(cloud: Cloud, chassis: Chassis, waited: Sequence[Server]) -> Signal | None:
    """Southbound's server got no answer from this host's ovn-controller (inactivity probe).

    While one of these was built there: what it was deaf to at other times is over.
    """
    own = {cloud.tunnel_ip(chassis)} - {""}
    own |= {
        row.address
        for row in cloud.openstack.hypervisors or ()
        if row.address and (row.host or row.hostname) == chassis.hostname
    }
    for signal in reversed(cloud.facts.logs.signals("inactivity")):
        remote = signal.groups.get("remote", "")
        if (
            signal.line.service.startswith("ovsdb")
            and any(f":{ip}:" in f":{remote}" for ip in own)
            and any(is_during(each, signal.time) for each in waited)
        ):
            return signal
    return None


def _unfinished(cloud: Cloud, chassis: Chassis) -> frozenset[subject.Subject]:
    """Ports that this chassis shall claim and has not claimed, or not finished."""
    found = set()
    for name in (chassis.hostname, chassis.name):
        for port in cloud.ports_wanted_on.get(name, ()):
            binding = cloud.binding(port.id)
            if binding and (binding.chassis != chassis.uuid or binding.up is False):
                found.add(subject.port(port.id))
    return frozenset(found)


FAULTS = (
    Fault(
        id="chassis-stale-same-hostname",
        stage=Stage.SOUTHBOUND,
        title="A host is registered twice",
        what="A Chassis row of an earlier installation with the same hostname was left behind.",
        shows="The living host is called dead now and then, bindings and migrations go astray, and "
        "its peers keep a dead tunnel more.",
        decisive="Two Chassis rows with one hostname.",
        remedy="Delete the stale row, the one that is not the host's system-id, and its "
        "Chassis_Private.",
        risk=Risk.BLINKS,
        references=("neutron: mech_driver.py", "ovn-sb(5), Chassis"),
        unlike={
            "chassis-stale-same-encap": "there the addresses are equal, and only one registers"
        },
        find=_twins,
    ),
    Fault(
        id="chassis-private-ghost",
        stage=Stage.SOUTHBOUND,
        title="A Chassis_Private row without its Chassis",
        what="The Chassis row was deleted and its Chassis_Private was left.",
        shows="hv_cfg stands still, `ovn-nbctl --wait=hv sync` never returns, every agent looks late.",
        decisive="Chassis_Private.chassis is empty and no Chassis has its name.",
        remedy="Delete the row.",
        risk=Risk.SAFE,
        references=("ovn: ovn-northd.c update_northbound_cfg", "ovn-sb(5), Chassis_Private"),
        unlike={"controller-flow-lag": "there the row has a chassis"},
        find=_ghosts,
    ),
    Fault(
        id="controller-flow-lag",
        stage=Stage.CONTROLLER,
        title="ovn-controller is behind",
        what="ovn-controller has not followed the last changes of Southbound: it is paused, busy "
        "recomputing, or cannot be seen to be dead from here.",
        shows="Ports of the host come up late or not at all.",
        decisive="Chassis_Private.nb_cfg of the host is two or more behind SB_Global.nb_cfg.",
        remedy="Resume it when it is paused; otherwise find out what keeps it busy.",
        risk=Risk.SAFE,
        references=("ovn: controller/if-status.c", "ovn-controller(8), debug/pause"),
        unlike={"controller-crashed": "there the process is gone"},
        find=_lagging,
        on_path_freezes=True,
    ),
)
