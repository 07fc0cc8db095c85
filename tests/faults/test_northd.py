"""northd-*: whom a northd that does not work cuts off, and when it is nobody's fault."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, on_host
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts

PAUSED = facts_of("northd-paused")


def with_second_central(status: str) -> Facts:
    first = PAUSED.hosts["controller"]
    second = msgspec.structs.replace(
        first, hostname="central2", unixctl={**first.unixctl, "ovn-northd": {"status": status}}
    )
    return Facts(
        nb=PAUSED.nb, sb=PAUSED.sb, owner=PAUSED.owner, hosts={**PAUSED.hosts, "central2": second}
    )


def test_another_active_one_does_the_work() -> None:
    """It left the port of vm1 out all the same, which is another matter."""
    (cause,) = audit(with_second_central("Status: active")).causes
    assert cause.id == "northd-binding-missing"


def test_a_standby_proves_that_another_one_is_active() -> None:
    (cause,) = audit(with_second_central("Status: standby")).causes
    assert cause.id == "northd-binding-missing"


def test_a_new_port_is_dead_and_an_old_one_is_frozen() -> None:
    assert ask(PAUSED, "vm1").verdict.state.value == "broken"
    assert ask(PAUSED, "vm2").verdict.state.value == "degraded"
    assert accused(ask(PAUSED, "vm2")) == {"northd-paused"}


def test_the_evidence_of_an_old_port_is_not_another_ports_row() -> None:
    (cause,) = ask(PAUSED, "vm2").causes
    assert not any("Port_Binding" in item.what for item in cause.evidence)
    (own,) = ask(PAUSED, "vm1").causes
    assert any("unset" in item.seen for item in own.evidence), "up=[] is northd's signature"


def test_a_host_without_northd_next_to_one_that_was_not_seen() -> None:
    """A node that only runs a database of the cluster."""
    host = PAUSED.hosts["controller"]
    processes = {name: seen for name, seen in host.processes.items() if name != "ovn-northd"}
    facts = on_host(PAUSED, "controller", processes=processes)
    assert {cause.id for cause in audit(facts).causes} == {"northd-not-running"}


def test_who_stands_by_for_one_that_hangs() -> None:
    """Nothing is active; yet another one may be, on a host that was not looked at."""
    facts = with_second_central("Status: standby")
    first = facts.hosts["controller"]
    stopped = msgspec.structs.replace(first.processes["ovn-northd"], state="T")
    facts = on_host(facts, "controller", processes={**first.processes, "ovn-northd": stopped})
    (group,) = [g for g in audit(facts).groups if g.id == "northd-no-active"]
    assert group.victims == 1
    old = ask(facts, "vm2").verdict
    assert (old.cause, old.confidence) == ("northd-no-active", "likely")


def test_other_databases_are_those_that_no_server_of_the_host_serves() -> None:
    facts = facts_of("northd-wrong-endpoints")
    assert ask(facts).verdict.cause == "northd-wrong-endpoints"
    host = facts.hosts["controller"]
    command = host.processes["ovn-northd"].command.replace(".old.sock", ".sock")
    right = msgspec.structs.replace(host.processes["ovn-northd"], command=command)
    facts = on_host(facts, "controller", processes={**host.processes, "ovn-northd": right})
    assert "northd-wrong-endpoints" not in {group.id for group in audit(facts).groups}
