"""tunnel-encap-type-mismatch."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import add, edit, healthy
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import Chassis, Encap


def of(hostname: str) -> Chassis:
    chassis = healthy().sb[Chassis].one("hostname", hostname)
    assert chassis is not None
    return chassis


def offering(kind: str, *hostnames: str) -> Facts:
    names = {of(hostname).name for hostname in hostnames}
    return edit(
        healthy(),
        Encap,
        lambda row: msgspec.structs.replace(row, type=kind) if row.chassis_name in names else row,
    )


@pytest.mark.parametrize("hostname", ["compute1", "network1"])
def test_the_odd_one_out(hostname: str) -> None:
    (cause,) = [
        c for c in audit(offering("vxlan", hostname)).causes if c.id == "tunnel-encap-type-mismatch"
    ]
    assert cause.subject == f"host {hostname}"
    (step,) = cause.remedy.steps
    assert step.where == hostname
    assert step.command.endswith("ovn-encap-type=geneve")
    assert step.undo.endswith("ovn-encap-type=vxlan")


def test_all_of_another_kind_agree() -> None:
    found = audit(offering("vxlan", "compute1", "compute2", "network1")).causes
    assert "tunnel-encap-type-mismatch" not in {cause.id for cause in found}


def test_a_further_kind_does_no_harm() -> None:
    extra = Encap(uuid="extra", type="vxlan", ip="198.51.100.21", chassis_name=of("compute1").name)
    facts = edit(
        add(healthy(), extra),
        Chassis,
        lambda row: (
            msgspec.structs.replace(row, encaps=(*row.encaps, "extra"))
            if row.hostname == "compute1"
            else row
        ),
    )
    assert "tunnel-encap-type-mismatch" not in {cause.id for cause in audit(facts).causes}
