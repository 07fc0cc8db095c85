"""The guess that a security group drops what the port sends."""

from __future__ import annotations

import pytest

from tests.cloud import add, ask, vm
from tests.recordings import facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import ACL, LogicalSwitchPort, PortGroup

GUESS = "a security group drops what it sends"


def with_rule(action: str, direction: str = "from-lport") -> Facts:
    """A broken cloud in which somebody made a group of his own with one rule for vm1's port."""
    facts = facts_of("vif-tap-down")
    port = facts.nb[LogicalSwitchPort].one("name", vm(facts))
    assert port is not None
    rule = ACL(
        uuid="acl", direction=direction, priority=2000, action=action, match="inport == @mine"
    )
    return add(facts, rule, PortGroup(uuid="g", name="mine", ports=(port.uuid,), acls=("acl",)))


@pytest.mark.parametrize("action", ["drop", "reject"])
def test_a_rule_that_drops_keeps_it_open(action: str) -> None:
    verdict = ask(with_rule(action))
    assert GUESS not in {found.guess for found in verdict.ruled_out}
    (found,) = (found for found in verdict.undecided if found.guess == GUESS)
    assert f"mine has a rule of priority 2000 to {action}" in found.why


@pytest.mark.parametrize(
    ("action", "direction"), [("allow-related", "from-lport"), ("drop", "to-lport")]
)
def test_other_rules_do_not(action: str, direction: str) -> None:
    assert GUESS in {found.guess for found in ask(with_rule(action, direction)).ruled_out}
