"""S9: the table of connections and its zones, both of which have an end."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db
from viftrail.chain.saying import said
from viftrail.facts.host import ConnTrack, Host
from viftrail.facts.number import number
from viftrail.facts.vswitch import Bridge
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NO_UNDO, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

USUAL_LIMIT = 3_000_000
"""What Open vSwitch's own datapath begins with (lib/conntrack.c, DEFAULT_N_CONN_LIMIT)."""

CONTROLLER = "ovn-controller"

_COUNT = "ovs-appctl dpctl/ct-get-nconns"
_LIMIT = "ovs-appctl dpctl/ct-get-maxconns"
_KERNEL = "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"
_KERNEL_LIMIT = "net.netfilter.nf_conntrack_max="
_GROWTH = 2


def in_userspace(host: Host) -> bool:
    """Whether ovs-vswitchd tracks connections itself, and not the kernel."""
    row = host.conf[Bridge].one("name", host.integration_bridge)
    return bool(row and row.datapath_type == "netdev")


def tracked(host: Host) -> ConnTrack | None:
    """How full the table is that br-int uses; None where nobody said."""
    if not in_userspace(host):
        return host.conntrack
    answers = host.unixctl.get("ovs-vswitchd", {})
    count, limit = (
        number(answers.get(question.removeprefix("ovs-appctl "), ""))
        for question in (_COUNT, _LIMIT)
    )
    return None if count is None or limit is None else ConnTrack(count, limit)


def _full(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        table = tracked(host)
        if table is None or table.limit <= 0 or table.count < table.limit:
            continue
        userspace = in_userspace(host)
        yield Case(
            subject=subject.host(name),
            summary=f"{name} tracks as many connections as it may ({table.limit}): new ones are "
            "dropped, those that exist go on",
            evidence=(
                Evidence(
                    where=name,
                    what="connections that are tracked",
                    seen=str(table.count),
                    expected=f"less than the limit of {table.limit}",
                    command=f"{_COUNT}; {_LIMIT}" if userspace else _KERNEL,
                ),
            ),
            steps=_raise(name, table, userspace=userspace),
            note="Look for what opens so many: a scan, or a server that is flooded. Connections that "
            "were never closed are kept for days (ovs-vswitchd.conf.db(5), CT_Timeout_Policy).",
        )


def _raise(name: str, table: ConnTrack, *, userspace: bool) -> tuple[Step, ...]:
    limit = max(table.limit * _GROWTH, USUAL_LIMIT if userspace else 0)
    change = "ovs-appctl dpctl/ct-set-maxconns " if userspace else "sysctl -w " + _KERNEL_LIMIT
    return on_host(
        name,
        f"{change}{limit}",
        undo=f"{change}{table.limit}",
        verify=_LIMIT if userspace else _KERNEL,
    )


ZONE_RANGE = "ct-zone-range"


def _no_zone(cloud: Cloud) -> Iterator[Case]:
    """Hosts whose ovn-controller found no zone for a port, since it was last started."""
    for name, host in cloud.hosts.items():
        signals = cloud.facts.logs.signals("ct-zones-exhausted")
        started = host.time - host.age(CONTROLLER) if host.age(CONTROLLER) else 0.0
        own = [each for each in signals if each.line.host == name and each.time >= started]
        if not own:
            continue
        zones = host.settings.get(ZONE_RANGE, "")
        look = f"ovs-vsctl --if-exists get Open_vSwitch . external_ids:{ZONE_RANGE}"
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} has no conntrack zone left"
            + (f" of {zones}, which is all that it may use" if zones else "")
            + ": a port that comes new gets none, and those that have one go on",
            evidence=(
                said(own[-1].line, "a zone for every port and router"),
                Evidence(
                    where=name,
                    what=f"Open_vSwitch external_ids:{ZONE_RANGE}",
                    seen=zones or "not set: 1 to 65535",
                    expected="room for two zones a router, and one a port, of the host",
                    command=look,
                ),
            ),
            steps=on_host(
                name,
                f"ovs-vsctl remove Open_vSwitch . external_ids {ZONE_RANGE}"
                if zones
                else "systemctl restart ovn-controller",
                undo=f"ovs-vsctl set Open_vSwitch . external_ids:{ZONE_RANGE}={db(zones)}"
                if zones
                else NO_UNDO,
                verify="ovn-appctl -t ovn-controller ct-zone-list",
                risk=Risk.SAFE if zones else Risk.BLINKS,
            ),
            certainty=Certainty.LIKELY,
            victims=frozenset(),
            note="A start frees the zones of ports that are gone. `ovn-appctl -t ovn-controller exit "
            "--restart` before it keeps flows and tunnels while it is away.",
        )


FAULTS = (
    Fault(
        id="ct-zone-exhausted",
        stage=Stage.LOCAL,
        title="ovn-controller has no conntrack zone left",
        what="Each port and each router of a host has its own zone in the table of connections, of "
        "65535 in all, or of those in ct-zone-range. They are used up: by a range that is too narrow, "
        "or by zones of ports that are gone.",
        shows="A new port of the host gets no zone, so that its security groups cannot tell answers "
        "from what comes unasked. Ports that have one go on.",
        decisive="ovn-controller logs `exhausted all ct zones`, and was not started since.",
        remedy="Widen ct-zone-range or take it away; else start ovn-controller anew, which frees what "
        "nobody has.",
        risk=Risk.BLINKS,
        references=("ovn: controller/ct-zone.c", "ovn-controller(8), external_ids:ct-zone-range"),
        unlike={"conntrack-full": "there the connections are too many, for all ports of the host"},
        find=_no_zone,
        on_path_freezes=True,
        unprovoked="a lab has far fewer ports than zones, and ct-zone-range is of OVN 24.09",
    ),
    Fault(
        id="conntrack-full",
        stage=Stage.LOCAL,
        title="The table of tracked connections is full",
        what="br-int tracks every connection for its security groups, and the table that it does so "
        "in has reached its limit: by a scan or a flood, or because the limit is far too low.",
        shows="New connections fail at random, for all VMs of the host; those that exist go on. "
        "Nothing is logged by Open vSwitch's own datapath; the kernel says `nf_conntrack: table "
        "full, dropping packet`.",
        decisive="As many connections are tracked as the limit allows: `dpctl/ct-get-nconns` against "
        "`dpctl/ct-get-maxconns`, for the kernel's datapath nf_conntrack_count against "
        "nf_conntrack_max.",
        remedy="Raise the limit, which costs memory and not a connection; then find who fills it.",
        risk=Risk.SAFE,
        references=("ovs-vswitchd(8), dpctl/ct-set-maxconns", "kernel: nf_conntrack-sysctl"),
        unlike={
            "sg-ingress-missing": "there no connection to the VM ever works, and its own ones do",
            "ct-zone-exhausted": "there only new ports suffer",
            "flows-wiped": "there connections that exist die too",
        },
        find=_full,
    ),
)
