"""tunnel-*: a wrong address, or a right one that nothing passes to."""

from __future__ import annotations

import msgspec

from tests.cloud import ask, edit, healthy, on_host
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.host import FirewallRule
from viftrail.facts.southbound import Encap

WRONG = facts_of("tunnel-wrong-encap-ip")


def test_the_hosts_own_address_is_the_mend() -> None:
    (step,) = ask(WRONG).remedy.steps
    assert step.command.endswith("ovn-encap-ip=198.51.100.21")
    assert step.risk.value == "blinks"


def test_a_host_whose_addresses_were_not_seen_is_not_accused() -> None:
    assert audit(on_host(WRONG, "compute1", links=())).causes == ()


def test_without_an_address_on_the_tunnel_network_nothing_better_is_known() -> None:
    facts = edit(WRONG, Encap, lambda row: msgspec.structs.replace(row, ip="192.168.77.1"))
    assert audit(facts).causes == ()


def rule(**fields: object) -> FirewallRule:
    known: dict[str, object] = {
        "family": "inet",
        "table": "filter",
        "chain": "input",
        "handle": 7,
        "udp_port": 6081,
        "drops": True,
    }
    return msgspec.convert({**known, **fields}, FirewallRule)


def test_a_rule_that_lets_pass_or_that_is_about_something_else_is_none() -> None:
    for harmless in (rule(drops=False), rule(udp_port=4789), rule(narrow=True)):
        assert audit(on_host(healthy(), "compute1", firewall=(harmless,))).causes == (), harmless


def test_the_rule_that_is_found_is_the_one_to_delete() -> None:
    facts = facts_of("tunnel-udp-blocked")
    (step,) = ask(facts).remedy.steps
    (found,) = (r for host in facts.hosts.values() for r in host.firewall if r.drops)
    assert step.command.endswith(f"handle {found.handle}")
