"""S9: virtual ports: addresses that several VMs share, one at a time (Octavia, keepalived)."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _unclaimed(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.nb[LogicalSwitchPort]:
        binding = cloud.binding(row.name) if row.type == "virtual" else None
        if binding is None or binding.chassis:
            continue
        parents = [name for name in row.options.get("virtual-parents", "").split(",") if name]
        members = [cloud.ports[name] for name in parents if name in cloud.ports]
        if not any(cloud.chassis_of(cloud.binding(port.id)) for port in members):
            continue  # no member runs: then nobody could have claimed it
        address = row.options.get("virtual-ip", "")
        yield Case(
            subject=subject.port(row.name),
            summary=f"nobody has claimed the virtual address {address}: no member of it has "
            "announced it, so whoever asks for it gets no answer",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Port_Binding {row.name} chassis",
                    seen="empty",
                    expected=f"the chassis of one of {', '.join(p.label for p in members)}",
                    command="ovn-sbctl --columns=chassis,virtual_parent find Port_Binding "
                    f"logical_port={db(row.name)}",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what="its options virtual-ip and virtual-parents",
                    seen=f"{address}, {row.options.get('virtual-parents', '')}",
                    expected="the members that may use the address",
                    command=f"ovn-nbctl get Logical_Switch_Port {q(row.name)} options",
                ),
            ),
            steps=(
                Step(
                    command=f"arping -U -c 3 -I eth0 {q(address)}",
                    where="the member that holds the address",
                    risk=Risk.SAFE,
                    undo="the next member that announces the address takes it over",
                    verify="ovn-sbctl --columns=chassis,virtual_parent find Port_Binding "
                    f"logical_port={db(row.name)}",
                ),
            ),
            # A standby pair that is switched off on purpose looks the same.
            certainty=Certainty.LIKELY,
            victims=frozenset(),
            note="See first whether keepalived or its like runs in a member and holds the address: "
            "if none does, that is the fault.",
        )


FAULTS = (
    Fault(
        id="virtual-port-unclaimed",
        stage=Stage.LOCAL,
        title="Nobody has claimed a virtual address",
        what="A port of type virtual belongs to whichever of its parents last announced its address "
        "by ARP. None has: keepalived is not running, or cannot send.",
        shows="The shared address is dead, while each member's own address works.",
        decisive="Port_Binding.chassis of the virtual port is empty although a parent of it is "
        "bound. When it is claimed, ovn-controller logs `Claiming virtual lport …`.",
        remedy="Have the member that holds the address announce it.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), virtual-ip and virtual-parents",
            "ovn: controller/pinctrl.c run_put_vport_bindings",
        ),
        unlike={
            "portsec-ip-not-allowed": "there the member has no allowed address pair, and the port of "
            "the address is no virtual one"
        },
        find=_unclaimed,
        unprovoked="the lab's VMs share no address, and no path of `lab ping` depends on one",
        spares_others=True,
    ),
)
