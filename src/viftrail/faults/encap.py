"""S10: chassis that no other chassis can make a tunnel to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, Encap
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Evidence, Risk, Stage


def _odd(cloud: Cloud) -> Iterator[Case]:
    encaps = cloud.sb[Encap].by("uuid")
    types = [
        (chassis, {row.type for uuid in chassis.encaps for row in encaps.get(uuid, ())})
        for chassis in cloud.sb[Chassis]
    ]
    known = Counter(kind for _, kinds in types for kind in kinds)
    if len(types) < 2 or len(known) < 2:
        return
    usual = known.most_common(1)[0][0]
    for chassis, kinds in types:
        if not kinds or usual in kinds:
            continue
        seen = ", ".join(sorted(kinds))
        yield Case(
            subject=subject.host(chassis.hostname),
            summary=f"{chassis.hostname} offers {seen} tunnels only, the others {usual}: none is made "
            "to or from it",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Encap.type of {chassis.hostname}",
                    seen=seen,
                    expected=usual,
                    command=f"ovn-sbctl --columns=type,ip find Encap chassis_name={db(chassis.name)}",
                ),
            ),
            steps=on_host(
                chassis.hostname,
                f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-type={db(usual)}",
                undo=f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-type={seen}",
                verify=f"ovn-sbctl --columns=type find Encap chassis_name={db(chassis.name)}",
                risk=Risk.BLINKS,
            ),
        )


FAULTS = (
    Fault(
        id="tunnel-encap-type-mismatch",
        stage=Stage.TUNNEL,
        title="A host offers another kind of tunnel than all others",
        what="ovn-encap-type of the host has no type in common with its peers, so no tunnel is made.",
        shows="DHCP and the local gateway work; nothing passes to or from other hosts. Both sides log "
        "`chassis_tunnel_add: No supported encaps for …`.",
        decisive="Encap.type of the chassis is none that the other chassis have.",
        remedy="Set ovn-encap-type to the usual one; the tunnels are made at once.",
        risk=Risk.BLINKS,
        references=("ovn-controller(8), ovn-encap-type", "ovn: controller/encaps.c"),
        unlike={"tunnel-wrong-encap-ip": "there the type is right and the address is not"},
        find=_odd,
    ),
)
