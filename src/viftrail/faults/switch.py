"""S7 and S8: ovs-vswitchd, and the flow table of br-int that it carries out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import connection, controller_state
from viftrail.chain.daemon import ABSENT, DEAD, HUNG, RUNNING, STOPPED
from viftrail.chain.plug import diverted
from viftrail.chain.quoting import q
from viftrail.chain.switch import speaks, switch_state
from viftrail.facts.host import Host
from viftrail.facts.southbound import Chassis
from viftrail.facts.vswitch import Interface
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NO_UNDO, revive
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

VERSION = "ovs-appctl version"
FRESH = 5.0
"""Seconds in which a daemon that was just started may not have filled br-int yet."""

_IN_PORT = re.compile(r"\bin_port=\"?(\d+)")


def _dead(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        state = switch_state(host)
        if state not in (ABSENT, DEAD, STOPPED, HUNG) or not host.settings.get("ovn-remote"):
            continue
        process = host.processes.get("ovs-vswitchd")
        waiting = [row.name for row in host.conf[Interface] if row.ofport is None]
        yield Case(
            subject=subject.host(name),
            summary=f"ovs-vswitchd on {name} is {state}: nothing passes its bridges, and what "
            "conf.db says of its ports is as old as that",
            evidence=(
                Evidence(
                    where=name,
                    what="ovs-vswitchd" + (f", process {process.pid}" if process else ""),
                    seen=state,
                    expected="running",
                    command=VERSION,
                ),
                *(
                    (
                        Evidence(
                            where=name,
                            what="Interfaces without an ofport",
                            seen=", ".join(sorted(waiting)),
                            expected="none: ovs-vswitchd gives every new row a number at once",
                            command="ovs-vsctl --columns=name,ofport find Interface 'ofport=[]'",
                        ),
                    )
                    if waiting
                    else ()
                ),
            ),
            steps=revive(
                name,
                "ovs-vswitchd",
                state,
                verify=VERSION,
                blinks=f"every VM of {name}, about a second",
            ),
            certainty=Certainty.LIKELY if state == HUNG else Certainty.PROVEN,
            note="Where the tunnel address is on a bridge of Open vSwitch, make sure afterwards that "
            "the host's network configuration has put it back.",
        )


def _wiped(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        flows = host.flows
        if flows is None or not _fills(cloud, host):
            continue
        expected = _installed(host)
        entering = {match for flow in flows.ports for match in _IN_PORT.findall(flow)}
        if not expected or entering.intersection(expected.values()):
            continue
        young = min(host.age("ovn-controller"), host.age("ovs-vswitchd")) < FRESH
        yield Case(
            subject=subject.host(name),
            summary=f"the flow table of {flows.bridge} on {name} was emptied behind ovn-controller's "
            "back: every row is green and nothing passes",
            evidence=(
                Evidence(
                    where=name,
                    what=f"OpenFlow flows in {flows.bridge}",
                    seen=str(flows.count),
                    expected="some for each port; a host that is registered has over ten",
                    command=f"ovs-ofctl dump-aggregate {q(flows.bridge)}",
                ),
                *(
                    Evidence(
                        where=name,
                        what=f"table 0 of {flows.bridge}, in_port={number} ({device})",
                        seen="no flow",
                        expected="one flow, as its port is installed",
                        command=f"ovs-ofctl dump-flows {q(flows.bridge)} table=0,in_port={number}",
                    )
                    for device, number in sorted(expected.items())[:2]
                ),
                Evidence(
                    where=name,
                    what="ovn-controller",
                    seen="running, connected",
                    expected="the same: it believes that its flows are installed",
                    command="ovn-appctl -t ovn-controller connection-status",
                ),
            ),
            steps=(
                Step(
                    command="systemctl restart ovn-controller",
                    where=name,
                    risk=Risk.BLINKS,
                    undo=NO_UNDO,
                    verify=f"ovs-ofctl dump-aggregate {q(flows.bridge)}",
                    blinks=f"nothing that works now: nothing passes {flows.bridge} of {name}",
                ),
            ),
            certainty=Certainty.LIKELY if young else Certainty.PROVEN,
            note="Find out who did it: `ovs-vsctl get-controller` of the bridge should print "
            "nothing, and nobody but ovn-controller should write its flows.",
        )


def _fills(cloud: Cloud, host: Host) -> bool:
    """Its ovn-controller is at work, registered and connected, and so keeps br-int filled."""
    answers = host.unixctl.get("ovn-controller", {})
    return (
        controller_state(host) == RUNNING == switch_state(host)
        and connection(host) == "connected"
        and answers.get("debug/status") != "paused"
        and bool(host.chassis_name and cloud.sb[Chassis].one("name", host.chassis_name))
        and host.flows is not None
        and host.flows.bridge == host.integration_bridge
        and speaks(host)
        and not diverted(host)
    )


def _installed(host: Host) -> dict[str, str]:
    """The ofports by which packets enter br-int for sure, by the Interface's name.

    Those of VMs whose flows ovn-controller reported as installed, and those of its tunnels. A
    host without any VM has few flows, and these.
    """
    vms = [
        row
        for row in host.conf[Interface]
        if row.external_ids.get("ovn-installed") == "true"
        and host.bridge_of.get(row.name) == host.integration_bridge
    ]
    tunnels = [row for rows in host.tunnels.values() for row in rows]
    return {row.name: str(row.ofport) for row in vms or tunnels if (row.ofport or 0) > 0}


FAULTS = (
    Fault(
        id="flows-wiped",
        stage=Stage.CONTROLLER,
        title="The flows of br-int were deleted",
        what="Somebody ran `ovs-ofctl del-flows br-int`, or another controller owns the bridge. "
        "ovn-controller is not told, and believes that what it installed is still there.",
        shows="All VMs of the host are cut off, DHCP included, while every row of OVN and Open "
        "vSwitch is healthy: claimed, up, ovn-installed, hv_cfg equal to nb_cfg.",
        decisive="Table 0 of br-int has no flow for any port that is installed, nor for tunnels, "
        "while ovn-controller runs, is connected, and was not started just now.",
        remedy="Restart ovn-controller: it installs all flows at its start. `inc-engine/recompute` "
        "does not help, since it compares with what it believes to be installed.",
        risk=Risk.BLINKS,
        references=("ovn: controller/ofctrl.c", "ovs-ofctl(8), del-flows"),
        unlike={
            "vswitchd-dead": "there nobody answers ovs-ofctl",
            "controller-crashed": "there the flows are what is left",
            "br-int-recreated": "there the VMs' ports are gone from the bridge too",
        },
        find=_wiped,
    ),
    Fault(
        id="vswitchd-dead",
        stage=Stage.VIF,
        title="ovs-vswitchd is dead or hangs",
        what="The process that forwards packets and writes the Interface rows died, was stopped, or "
        "does not answer. conf.db and OVN keep what it wrote last.",
        shows="On the userspace datapath the whole host is cut off at once; the kernel's goes on "
        "with the flows it has cached for seconds. New plugs hang, their Interface without an "
        "ofport. Rows of old ports stay green.",
        decisive="No living ovs-vswitchd: its process is gone, in state T, or gives no answer.",
        remedy="Start it, continue it, or restart it. All VMs of the host come back together, after "
        "about a second.",
        risk=Risk.BLINKS,
        references=("ovs-vswitchd(8)", "ovs-vswitchd.conf.db(5), Interface ofport"),
        unlike={
            "controller-crashed": "there the bridges forward",
            "flows-wiped": "there ovs-vswitchd answers and its table is empty",
            "vif-netdev-missing": "there ofport is -1, not empty",
        },
        find=_dead,
    ),
)
