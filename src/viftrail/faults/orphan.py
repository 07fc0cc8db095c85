"""S4: rows in OVN_Northbound that their owner knows nothing of."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _unowned(cloud: Cloud) -> Iterator[Case]:
    if not cloud.owner.ports:
        return  # nobody was asked what there should be
    for port in cloud.ports.values():
        if port.row is None or port.owned is not None:
            continue
        binding = cloud.binding(port.id)
        holder = cloud.chassis_of(binding)
        yield Case(
            subject=subject.port(port.id),
            summary=f"Northbound has port {port.id} ({' '.join(port.addresses) or 'no address'}), "
            "which its owner does not know: a ghost that answers for its addresses",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port {port.id}",
                    seen="exists",
                    expected="a port of the owner's",
                    command=f"ovn-nbctl list Logical_Switch_Port {port.id}",
                ),
            ),
            steps=on_host(
                cloud.central_name,
                f"ovn-nbctl lsp-del {port.id}",
                undo="create the row again from the list above",
                verify=f"ovn-nbctl find Logical_Switch_Port name={port.id}",
                risk=Risk.DESTROYS if holder else Risk.SAFE,
            ),
            certainty=Certainty.LIKELY if holder else Certainty.PROVEN,
            note=f"It is claimed by {holder.hostname}: look there for a VM before deleting it."
            if holder
            else "",
        )


FAULTS = (
    Fault(
        id="nb-orphan-lsp",
        stage=Stage.NORTHBOUND,
        title="Northbound has a port that its owner does not know",
        what="A Logical_Switch_Port was left behind when its owner deleted the port, or was made by "
        "hand.",
        shows="A new VM with the same address behaves as if the address were in use: OVN answers ARP "
        "and DHCP for the ghost.",
        decisive="The row's name is in no list of the owner's.",
        remedy="Delete that one row, after making sure that no chassis claims it.",
        risk=Risk.DESTROYS,
        references=("neutron: ovn_db_sync.py",),
        unlike={"nb-duplicate-address": "there the owner knows both ports"},
        find=_unowned,
    ),
)
