"""fip-not-associable."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import accused, edit, healthy, vm
from tests.openstack import signal
from viftrail.chain.cloud import Cloud
from viftrail.diagnose import diagnose
from viftrail.facts.facts import Facts
from viftrail.facts.log.logs import Logs
from viftrail.facts.northbound import LogicalRouter, LogicalSwitchPort
from viftrail.verdict import State, Verdict

REFUSED = "fip-not-associable"
NET = "33333333-3333-3333-3333-333333333333"
SUBNET = "44444444-4444-4444-4444-444444444444"


def judge(facts: Facts, server: str = "vm2") -> Verdict:
    return diagnose(facts, vm(facts, server), server)


def asked(network: str = NET, server: str = "vm2", facts: Facts | None = None) -> Facts:
    """Neutron refused this server's port a floating IP of this network."""
    facts = facts or healthy()
    said = signal(
        "floating-ip-not-reachable",
        f"update failed (client error): External network {network} is not reachable from subnet "
        f"{SUBNET}.  Therefore, cannot associate Port {vm(facts, server)} with a Floating IP.",
        network=network,
        subnet=SUBNET,
        port=vm(facts, server),
    )
    return replace(facts, logs=Logs(all_signals=(said,)))


def test_no_router_leads_to_that_network() -> None:
    verdict = judge(asked())
    assert accused(verdict) == {REFUSED}
    assert (verdict.verdict.state, verdict.verdict.stage) == (State.DEGRADED, "S13")
    words, ways = verdict.causes[0].evidence
    assert "cannot associate Port" in words.seen
    assert ways.expected == f"neutron-{NET}"
    assert verdict.remedy.steps == (), "its router has a gateway, to another network"
    assert f"ROUTER {SUBNET}" in verdict.remedy.note
    assert accused(judge(asked(), "vm3")) == set()


def test_a_router_without_a_gateway_gets_one() -> None:
    facts = healthy()
    (router,) = facts.nb[LogicalRouter]
    gateways = {gateway.leg.uuid for gateway in Cloud(facts).gateways}
    inner = tuple(uuid for uuid in router.ports if uuid not in gateways)
    facts = edit(facts, LogicalRouter, lambda row: msgspec.structs.replace(row, ports=inner))
    (cause,) = (cause for cause in judge(asked(facts=facts)).causes if cause.id == REFUSED)
    (step,) = cause.remedy.steps
    assert step.command.startswith(f"openstack router set --external-gateway {NET} ")
    assert step.undo.startswith("openstack router unset --external-gateway ")


def test_what_was_mended_since_is_no_fault() -> None:
    (gateway,) = Cloud(healthy()).gateways
    outside = Cloud(healthy()).outside(gateway)
    assert outside is not None
    assert accused(judge(asked(outside[0].name.removeprefix("neutron-")))) == set()
    assert accused(judge(asked(server="vm1"), "vm1")) == set(), "it has a floating IP now"


def test_where_not_all_of_the_network_was_read_nobody_is_accused() -> None:
    other = vm(healthy(), "vm1")
    facts = edit(asked(), LogicalSwitchPort, lambda row: None if row.name == other else row)
    assert REFUSED not in accused(judge(facts))
