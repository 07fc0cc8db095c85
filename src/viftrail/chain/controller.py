"""S7: ovn-controller of the VM's host is alive, connected, and fills br-int."""

from __future__ import annotations

from viftrail.chain import subject
from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import RUNNING, UNASKED, UNREACHED, UNSEEN, daemon_state
from viftrail.chain.quoting import q
from viftrail.chain.subject import Subject
from viftrail.chain.trail import Trail
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.southbound import ChassisPrivate, SBGlobal
from viftrail.verdict import Evidence, Finding, Stage

FEW_FLOWS = 20
"""Fewer than this is an empty pipeline: ovn-controller alone installs over 100."""


def controller_state(host: Host) -> str:
    """What ovn-controller is doing, as any daemon."""
    return daemon_state(host, "ovn-controller")


def connection(host: Host) -> str:
    """Its connection to Southbound, as it reports it; empty when it did not answer."""
    return host.unixctl.get("ovn-controller", {}).get("connection-status", "")


def unclaimed(cloud: Cloud, name: str, host: Host) -> frozenset[Subject]:
    """Ports plugged here that Southbound does not show as claimed here."""
    found = set()
    for port_id, plugs in cloud.plugs.items():
        if any(plug.host == name and plug.bridge == host.integration_bridge for plug in plugs):
            chassis = cloud.chassis_of(cloud.binding(port_id))
            if chassis is None or chassis.name != host.chassis_name:
                found.add(subject.port(port_id))
    return frozenset(found)


def newest_step(cloud: Cloud) -> int | None:
    """The nb_cfg that every ovn-controller writes once it got there; None where nobody said.

    With ``enable_chassis_nb_cfg_update=false`` none writes it any more, and what stands there tells
    nothing (ovn-nb(5), NB_Global options; northd copies them to SB_Global).
    """
    rows = (*cloud.nb[NBGlobal], *cloud.sb[SBGlobal])
    if any(row.options.get("enable_chassis_nb_cfg_update") == "false" for row in rows):
        return None
    return max((row.nb_cfg for row in cloud.sb[SBGlobal]), default=None)


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """The process, its connection to Southbound, and the flows it installed."""
    checks = Checks(Stage.CONTROLLER)
    host = cloud.hosts.get(trail.host)
    if host is None:
        checks.unseen(trail.host)
        return checks.finding()
    state = controller_state(host)
    if state == UNREACHED:
        checks.unknown(f"ovn-controller on {trail.host} is {state}")
    if state in (UNASKED, UNSEEN):
        _followed(checks, cloud, host, trail.host)
    alive = state not in (UNREACHED, UNASKED, UNSEEN) and checks.check(
        state == RUNNING,
        Evidence(
            where=trail.host,
            what="ovn-controller",
            seen=state,
            expected="running",
            command="ovn-appctl -t ovn-controller debug/status",
        ),
        good="ovn-controller runs",
        bad=f"ovn-controller on {trail.host} is {state}",
    )
    if alive:
        status = connection(host)
        checks.check(
            status == "connected",
            Evidence(
                where=trail.host,
                what="ovn-controller's connection to Southbound",
                seen=status or "no answer",
                expected="connected",
                command="ovn-appctl -t ovn-controller connection-status",
            ),
            good="connected to Southbound",
            bad=f"ovn-controller on {trail.host} is not connected to Southbound",
        )
    if host.flows is not None:
        checks.check(
            host.flows.count >= FEW_FLOWS,
            Evidence(
                where=trail.host,
                what=f"OpenFlow flows in {host.flows.bridge}",
                seen="installed" if host.flows.count >= FEW_FLOWS else str(host.flows.count),
                expected=f"{FEW_FLOWS} or more",
                command=f"ovs-ofctl dump-aggregate {q(host.flows.bridge)}",
            ),
            good="flows installed",
            bad=f"{host.flows.bridge} on {trail.host} has no pipeline",
        )
    return checks.finding()


def _followed(checks: Checks, cloud: Cloud, host: Host, name: str) -> None:
    """Where nobody looked at the process, or asked it: the last nb_cfg that it wrote.

    It writes one when ovs-vswitchd has confirmed the flows that go with it, so it speaks for both
    (ovn-controller(8); controller/ofctrl.c).
    """
    own = cloud.sb[ChassisPrivate].one("name", host.chassis_name)
    newest = newest_step(cloud)
    if own is None or newest is None:
        checks.unknown(f"nothing in Southbound tells whether ovn-controller on {name} works")
    elif own.nb_cfg == newest - 1:
        checks.unknown(f"{name} is one step behind Southbound, perhaps for a moment only")
    else:
        checks.check(
            own.nb_cfg >= newest,
            Evidence(
                where=SOUTHBOUND,
                what=f"Chassis_Private.nb_cfg of {name}",
                seen=str(own.nb_cfg),
                expected=str(newest),
                command=f"ovn-sbctl --columns=nb_cfg find Chassis_Private name={host.chassis_name}",
            ),
            good="ovn-controller has followed Southbound to its last step",
            bad=f"ovn-controller on {name} does not follow Southbound",
        )
