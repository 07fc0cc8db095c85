"""mtu-gateway."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalRouterPort, LogicalSwitch


def outside(mtu: str, told: str = "") -> Facts:
    """The provider network with this MTU, and the gateway port with this gateway_mtu."""
    facts = edit(
        healthy(),
        LogicalSwitch,
        lambda row: (
            msgspec.structs.replace(row, external_ids={**row.external_ids, "neutron:mtu": mtu})
            if "neutron:provnet-physical-network" in row.external_ids
            else row
        ),
    )
    return edit(
        facts,
        LogicalRouterPort,
        lambda row: msgspec.structs.replace(row, options={"gateway_mtu": told} if told else {}),
    )


@pytest.mark.parametrize("told", ["", "1442"])
def test_a_smaller_outside_that_the_router_does_not_tell(told: str) -> None:
    for name in VMS:
        verdict = ask(outside("1400", told), name)
        assert accused(verdict) == {"mtu-gateway"}
        assert verdict.verdict.stage == "S11"
    (step,) = ask(outside("1400", told)).remedy.steps
    assert step.command.endswith("options:gateway_mtu=1400")
    facts = outside("1400", told)
    (step,) = ask(neutron_only(facts), vm(facts)).remedy.steps
    assert step.command.startswith("openstack router set --external-gateway ")
    assert "--enable-snat" in step.command


@pytest.mark.parametrize(
    ("mtu", "told"), [("1400", "1400"), ("1400", "1300"), ("1500", ""), ("1442", ""), ("", "")]
)
def test_told_or_large_enough_or_unknown_is_no_fault(mtu: str, told: str) -> None:
    assert accused(ask(outside(mtu, told))) == set()
