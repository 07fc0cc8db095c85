"""S5: what an ovn-northd that is active leaves undone, as its rows show."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import northd, subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import SILENT
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
)
from viftrail.facts.number import number
from viftrail.facts.southbound import Encap
from viftrail.faults.fault import Case, Fault
from viftrail.faults.northd import misled, waiting
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage

LAG = 2
"""One step behind is a request on its way."""

SHORT_KEYS = 1 << 12
"""With vxlan a datapath's key has 12 bits (lib/ovn-util.h, OVN_MAX_DP_VXLAN_KEY)."""

SHORT_PORT_KEYS = (1 << 11) - 1
"""With vxlan a port's key has 11 bits: the twelfth marks multicast groups."""


def works(cloud: Cloud) -> bool:
    """Some northd is active, as far as anybody looked, and on these very databases."""
    states = {northd.northd_state(host) for host in cloud.central.values()}
    active = not states or bool({"active", "standby", *SILENT} & states)
    return active and not any(True for _ in misled(cloud))


def behind(cloud: Cloud) -> int:
    """How many steps Southbound is behind Northbound."""
    return max((row.nb_cfg - row.sb_cfg for row in cloud.nb[NBGlobal]), default=0)


def _lagging(cloud: Cloud) -> Iterator[Case]:
    lag = behind(cloud)
    if lag < LAG or not works(cloud) or not cloud.sb[Encap].rows:
        return
    row = cloud.nb[NBGlobal].rows[0]
    yield Case(
        subject=subject.CLOUD,
        summary=f"ovn-northd is {lag} steps behind Northbound, and active",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what="NB_Global nb_cfg, sb_cfg",
                seen=f"{row.nb_cfg}, {row.sb_cfg}",
                expected="equal, or one apart",
                command="ovn-nbctl --columns=nb_cfg,sb_cfg list NB_Global",
            ),
            *(
                Evidence(
                    where=name,
                    what="ovn-northd",
                    seen=northd.northd_state(host),
                    expected="active",
                    command="ovn-appctl -t ovn-northd stopwatch/show",
                )
                for name, host in cloud.central.items()
            ),
        ),
        steps=on_host(
            cloud.central_name,
            "ovn-appctl -t ovn-northd stopwatch/show",
            undo=NOTHING_CHANGED,
            verify="ovn-nbctl --wait=sb --timeout=10 sync",
        ),
        certainty=Certainty.LIKELY,
        victims=waiting(cloud),
        note="Look twice: sb_cfg that moves on is a northd that is busy, one that stands still is a "
        "write to Southbound that fails. Where it is busy, more threads help: "
        "`ovn-appctl -t ovn-northd parallel-build/set-n-threads 4`.",
    )


def _exhausted(cloud: Cloud) -> Iterator[Case]:
    keys = max((_max_key(row) for row in cloud.nb[NBGlobal]), default=0)
    lost = waiting(cloud) if 0 < keys < SHORT_KEYS and works(cloud) else frozenset()
    if not lost:
        return
    switches, routers = cloud.nb[LogicalSwitch], cloud.nb[LogicalRouter]
    datapaths = len(switches) + len(routers) if switches.complete and routers.complete else 0
    for switch in switches:
        here = {subject.port(m.name) for m in cloud.members(switch)} & lost
        if not here:
            continue
        if len(switch.ports) > SHORT_PORT_KEYS:
            full = f"{len(switch.ports)} ports in {switch.name}, for {SHORT_PORT_KEYS} keys"
        elif datapaths > keys:
            full = f"{datapaths} networks and routers, for {keys} keys"
        else:
            continue
        yield Case(
            subject=subject.network(switch.name),
            summary=f"the tunnel keys are used up ({full}), as some chassis offers vxlan",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="NB_Global.options:max_tunid",
                    seen=str(keys),
                    expected="16711680, without vxlan",
                    command="ovn-nbctl get NB_Global . options:max_tunid",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch {switch.name}",
                    seen=full,
                    expected="fewer",
                    command=f"ovn-nbctl lsp-list {q(switch.name)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="Encap type=vxlan",
                    seen=", ".join(
                        row.chassis_name for row in cloud.sb[Encap].find("type", "vxlan")
                    )
                    or "not looked for",
                    expected="none",
                    command="ovn-sbctl --columns=chassis_name find Encap type=vxlan",
                ),
            ),
            steps=on_host(
                cloud.central_name,
                "ovn-sbctl --columns=chassis_name,ip find Encap type=vxlan",
                undo=NOTHING_CHANGED,
                verify="ovn-nbctl get NB_Global . options:max_tunid",
            ),
            victims=frozenset(here),
            note="Take vxlan out of ovn-encap-type of the chassis found. Where it is there for VTEPs "
            "only, OVN 24.09 and later has `ovn-nbctl set NB_Global . options:vxlan_mode=false`.",
        )


def _max_key(row: NBGlobal) -> int:
    return number(row.options.get("max_tunid", "")) or 0


def _same_name(cloud: Cloud) -> Iterator[Case]:
    """A router's port that is called like a network's: northd takes the one it reads first."""
    rows = cloud.nb[LogicalSwitchPort]
    for leg in cloud.nb[LogicalRouterPort]:
        row, binding = rows.one("name", leg.name), cloud.binding(leg.name)
        if row is None or binding is None:
            continue
        router = cloud.nb[LogicalRouter].one("ports", leg.uuid)
        switch = cloud.nb[LogicalSwitch].one("ports", row.uuid)
        names = router.name if router else "a router", switch.name if switch else "a network"
        # What northd made of the name tells which of the two it took (ovn-sb(5), type).
        router_lost = binding.type == row.type
        if router_lost == (binding.type in _ROUTER_TYPES):
            continue
        lost, taken = (leg.name, names[0]), names[1]
        if not router_lost:
            lost, taken = (leg.name, names[1]), names[0]
        # The one that was there before has the tenants; the other has the remedy.
        command = (
            f"ovn-nbctl lsp-del {q(leg.name)}"
            if router_lost
            else f"ovn-nbctl lrp-del {q(leg.name)}"
        )
        yield Case(
            subject=subject.router(lost[1]) if router_lost else subject.port(row.name),
            summary=f"northd leaves out port {lost[0]} of {lost[1]}, as {taken} has a port of that "
            "name",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port and Logical_Router_Port name={leg.name}",
                    seen=f"one in {names[1]}, one in {names[0]}",
                    expected="one of them only",
                    command=f"ovn-nbctl find Logical_Router_Port name={db(leg.name)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Port_Binding logical_port={leg.name} type",
                    seen=binding.type or "empty, a guest's",
                    expected="patch, a router's" if router_lost else row.type or "empty, a guest's",
                    command=f"ovn-sbctl --columns=type find Port_Binding logical_port={db(leg.name)}",
                ),
            ),
            steps=on_host(
                cloud.central_name,
                command,
                undo="create the row again from the list above",
                verify=f"ovn-sbctl find Port_Binding logical_port={db(leg.name)}",
                risk=Risk.DISRUPTIVE,
            ),
        )


_ROUTER_TYPES = ("patch", "l3gateway", "chassisredirect")
"""Port_Binding.type of a router's port."""


FAULTS = (
    Fault(
        id="northd-lagging",
        stage=Stage.NORTHD,
        title="ovn-northd does not keep up",
        what="ovn-northd is active and several changes behind: it is busy with a large cloud, or what "
        "it writes to Southbound is refused.",
        shows="Minutes between a request and its effect; a new port's Port_Binding comes late.",
        decisive="NB_Global.sb_cfg is two or more behind nb_cfg while a northd is active.",
        remedy="Find out what keeps it busy; threads and fewer rules help.",
        risk=Risk.SAFE,
        references=("ovn-northd(8), parallel-build and stopwatch", "ovs: lib/timeval.c"),
        unlike={
            "northd-not-running": "there none is active",
            "controller-flow-lag": "there Southbound is up to date, and one chassis is not",
        },
        find=_lagging,
        unprovoked="a lab of three VMs is carried over in milliseconds.",
    ),
    Fault(
        id="northd-tunnel-keys-exhausted",
        stage=Stage.NORTHD,
        title="There is no tunnel key left for the port or network",
        what="Some chassis offers vxlan, whose header leaves 12 bits for networks and 11 for the ports "
        "of each. What comes after the last key gets no row in Southbound.",
        shows="The 2048th port of a network, or the 4096th network or router, is dead while all others "
        "work; ovn-northd logs `all port tunnel ids exhausted`.",
        decisive="NB_Global.options:max_tunid is 4095, there are more ports or networks than keys, and "
        "the port has no Port_Binding.",
        remedy="Take vxlan out of the encapsulations of the chassis that offers it.",
        risk=Risk.BLINKS,
        references=("ovn: lib/ovn-util.c ovn_allocate_tnlid", "ovn-nb(5), options:vxlan_mode"),
        unlike={"northd-binding-missing": "there keys are left"},
        find=_exhausted,
        unprovoked="it takes over 2,000 ports, which is no lab any more.",
    ),
    Fault(
        id="northd-bad-config-skipped",
        stage=Stage.NORTHD,
        title="ovn-northd leaves out one of two ports of a name",
        what="A Logical_Router_Port has the name of a Logical_Switch_Port. Names are one space for "
        "northd: it logs `duplicate logical port` or `duplicate logical router port`, takes the one "
        "that it reads first, and goes on without the other.",
        shows="Every row is there, and a port is dead: a VM's, or a router's whose networks then have "
        "no gateway.",
        decisive="The same name in both tables, and a Port_Binding of the other one's type.",
        remedy="Delete or rename the intruder; northd makes the other's binding within a second.",
        risk=Risk.DISRUPTIVE,
        references=("ovn: northd/northd.c join_logical_ports", "ovn-sb(5), Port_Binding type"),
        unlike={
            "router-interface-missing": "there the Logical_Router_Port itself is missing",
            "router-peer-mismatch": "there the network's port names another peer",
        },
        find=_same_name,
    ),
)
