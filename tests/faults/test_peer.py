"""tunnel-peer-chassis-missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.southbound import Chassis, PortBinding
from viftrail.verdict import State

MISSING = "tunnel-peer-chassis-missing"
GONE = "compute2"


def gone(facts: Facts | None = None, host: str = GONE) -> Facts:
    """The host has no Chassis row, and nobody looked there."""
    facts = facts or healthy()
    ids = {row.uuid for row in facts.sb[Chassis] if row.hostname == host}
    facts = edit(facts, Chassis, lambda row: None if row.hostname == host else row)
    facts = edit(
        facts,
        PortBinding,
        lambda row: msgspec.structs.replace(row, chassis=None) if row.chassis in ids else row,
    )
    return without(facts, host)


def there(facts: Facts) -> str:
    """The server on that host."""
    return next(port.server for port in facts.owner.ports if port.host == GONE)


def groups(facts: Facts) -> set[str]:
    return {group.id for group in audit(facts).groups}


def test_of_a_pair_the_end_that_nobody_has_a_tunnel_to() -> None:
    facts = gone()
    verdict = ask(facts, f"vm1:{there(facts)}")
    assert MISSING in accused(verdict)
    assert verdict.verdict.state is State.BROKEN


def test_who_reaches_nobody_there_is_not_concerned() -> None:
    assert MISSING not in accused(ask(gone(), "vm1"))


def test_an_audit_names_the_host_once() -> None:
    (group,) = (group for group in audit(gone()).groups if group.id == MISSING)
    assert group.subjects == (f"host {GONE}",)
    assert MISSING not in groups(healthy())


def test_a_host_that_was_looked_at_says_itself_what_is_wrong() -> None:
    looked = replace(gone(), hosts=healthy().hosts)
    assert MISSING not in groups(looked)


def test_under_another_spelling_it_is_there() -> None:
    facts = edit(
        without(healthy(), GONE),
        Chassis,
        lambda row: (
            msgspec.structs.replace(row, hostname=f"{GONE}.example")
            if row.hostname == GONE
            else row
        ),
    )
    assert MISSING not in groups(facts)


def test_where_nobody_says_that_vms_run_there_it_may_be_no_host_of_ovns() -> None:
    assert MISSING not in groups(neutron_only(gone()))


@pytest.mark.parametrize(
    "columns", [{"type": "external"}, {"options": {}}, {"options": {"requested-chassis": "x"}}]
)
def test_ports_that_ovn_does_not_plug_there_need_no_chassis(columns: dict[str, Any]) -> None:
    facts = gone()
    target = vm(facts, there(facts))
    facts = edit(
        facts,
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, **columns) if row.name == target else row,
    )
    assert MISSING not in groups(facts)


def test_a_provider_network_takes_no_tunnel() -> None:
    key = {"neutron:provnet-physical-network": "physnet1"}
    facts = edit(gone(), LogicalSwitch, lambda row: msgspec.structs.replace(row, external_ids=key))
    assert MISSING not in groups(facts)
