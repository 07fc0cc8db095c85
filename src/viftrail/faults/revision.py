"""S4: rows of Northbound that are of another revision than Neutron's."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.binding import FAILED
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import atom, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.log.moment import parse
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.number import number
from viftrail.facts.openstack import NeutronPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import rewritten_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage

KEY = "neutron:revision_number"
_KEY = f"external_ids:{atom(KEY)}"


def _mismatched(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        seen = port.row.external_ids.get(KEY, "") if port.row else ""
        wanted = port.owned.revision if port.owned else None
        known = number(seen)
        if wanted is None or known is None or known == wanted:
            continue
        neutron = cloud.neutron_port(port.id)
        if neutron and neutron.vif_type == FAILED:
            continue  # a try to bind it counts as a change, and none of it goes to Northbound
        if neutron and _is_younger(cloud, neutron):
            continue
        older = known < wanted
        get = f"ovn-nbctl get Logical_Switch_Port {q(port.id)} {q(_KEY)}"
        change = f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
        yield Case(
            subject=subject.port(port.id),
            summary=f"Northbound has revision {seen} of the port of {port.label}, and its owner "
            f"revision {wanted}: "
            + (
                "its last change did not arrive" if older else "Neutron skips its own updates of it"
            ),
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port.external_ids:{KEY}",
                    seen=seen,
                    expected=str(wanted),
                    command=get,
                ),
            ),
            steps=rewritten_row(
                cloud,
                port.id,
                ovn=change + q(f"{_KEY}={atom(wanted)}"),
                undo=change + q(f"{_KEY}={atom(seen)}"),
                verify=get,
            ),
            # Neutron's maintenance task looks every 300 s, and spares what is younger than 60 s.
            certainty=Certainty.PROVEN if not older else Certainty.LIKELY,
            victims=frozenset(),
            note=""
            if not older
            else "Up to 300 s of it are no fault: Neutron's maintenance task "
            "mends that by itself. Look again after that time.",
        )


def _is_younger(cloud: Cloud, port: NeutronPort) -> bool:
    """It changed after all that Northbound tells of: what was saved first may lack it yet."""
    stamps = [row.nb_cfg_timestamp / 1000 for row in cloud.nb[NBGlobal] if row.nb_cfg_timestamp]
    changed = parse(port.updated)
    return bool(stamps) and changed is not None and changed > max(stamps) - 1  # it has no fractions


FAULTS = (
    Fault(
        id="nb-revision-mismatch",
        stage=Stage.NORTHBOUND,
        title="Northbound's row is of another revision than Neutron's",
        what="A change of the port was written to Neutron's database and not to Northbound (older), or "
        "two servers raced (newer), so that Neutron skips its own updates of the row.",
        shows="A change to the port, its security groups or its addresses has no effect. The VM works "
        "as it did before.",
        decisive="`neutron:revision_number` of the row differs from the port's revision_number in "
        "Neutron for longer than 300 s.",
        remedy="Wait for the maintenance task; then a no-op update of the port, which writes all of "
        "it again.",
        risk=Risk.SAFE,
        references=("neutron: maintenance.py", "neutron: ovn_revision_numbers_db.py"),
        unlike={"nb-lsp-missing": "there the row itself is missing"},
        find=_mismatched,
    ),
)
