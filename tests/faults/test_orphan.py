"""nb-orphan-lsp."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import edit, healthy, neutron_only, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import Certainty, Risk


def disowned(server: str = "vm1") -> Facts:
    """Its owner has deleted the port, and Northbound kept it."""
    owner = healthy().owner
    left = tuple(port for port in owner.ports if port.server != server)
    fips = tuple(fip for fip in owner.floating_ips if fip.port_id != vm(healthy(), server))
    return replace(healthy(), owner=msgspec.structs.replace(owner, ports=left, floating_ips=fips))


def unclaimed(facts: Facts, port: str) -> Facts:
    return edit(
        facts,
        PortBinding,
        lambda row: msgspec.structs.replace(row, chassis=None) if row.logical_port == port else row,
    )


def test_a_claimed_ghost_is_likely_and_may_be_somebodys_vm() -> None:
    port = vm(healthy(), "vm2")
    (cause,) = audit(disowned("vm2")).causes
    assert (cause.id, cause.subject) == ("nb-orphan-lsp", f"port {port}")
    assert cause.confidence is Certainty.LIKELY
    assert "compute1" in cause.remedy.note
    (step,) = cause.remedy.steps
    assert (step.command, step.risk) == (f"ovn-nbctl lsp-del {port}", Risk.DESTROYS)


def test_one_that_nobody_claims_is_proven() -> None:
    port = vm(healthy(), "vm2")
    causes = {cause.id: cause for cause in audit(unclaimed(disowned("vm2"), port)).causes}
    assert causes["nb-orphan-lsp"].confidence is Certainty.PROVEN
    assert causes["nb-orphan-lsp"].remedy.steps[0].risk is Risk.SAFE


def test_whose_owner_was_not_asked_is_no_orphan() -> None:
    assert audit(neutron_only(healthy())).causes == ()
