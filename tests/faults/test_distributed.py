"""fip-distributed-no-mapping."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.cloud import accused, ask, edit, without
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import NAT
from viftrail.facts.southbound import Chassis

KIND = "fip-distributed-no-mapping"
FACTS = facts_of(KIND)


def mapped(facts: Facts, fits: Callable[[str], bool], text: str) -> Facts:
    """The bridge mappings of some chassis."""
    return edit(
        facts,
        Chassis,
        lambda row: (
            msgspec.structs.replace(
                row, other_config={**row.other_config, "ovn-bridge-mappings": text}
            )
            if fits(row.hostname)
            else row
        ),
    )


def test_the_vm_whose_host_has_no_provider_network_and_nobody_else() -> None:
    verdict = ask(FACTS)
    assert (verdict.verdict.cause, verdict.verdict.stage) == (KIND, "S13")
    assert accused(verdict) == {KIND}
    for bystander in ("vm2", "vm3"):
        assert accused(ask(FACTS, bystander)) == set()


def test_it_is_translated_on_the_gateway_again() -> None:
    (row,) = [row for row in FACTS.nb[NAT] if row.external_mac]
    (step,) = ask(FACTS).remedy.steps
    assert step.command == f"ovn-nbctl clear NAT {row.uuid} external_mac"
    assert str(row.external_mac) in step.undo
    assert "network1" in ask(FACTS).remedy.note


def test_a_host_that_has_the_mapping_translates_it_well() -> None:
    facts = mapped(FACTS, lambda name: name == "compute1", "physnet1:br-ex")
    assert KIND not in accused(ask(facts))


def test_where_the_gateway_has_no_mapping_either_that_is_the_fault() -> None:
    found = {cause.id for cause in audit(mapped(FACTS, bool, "")).causes}
    assert "prov-mapping-missing" in found
    assert KIND not in found


@pytest.mark.parametrize("column", ["external_mac", "logical_port"])
def test_a_row_that_lacks_either_is_translated_on_the_gateway(column: str) -> None:
    facts = edit(FACTS, NAT, lambda row: msgspec.structs.replace(row, **{column: None}))
    assert KIND not in accused(ask(facts))


def test_who_did_not_see_the_chassis_accuses_nobody() -> None:
    assert KIND not in accused(ask(without(FACTS, SOUTHBOUND)))
