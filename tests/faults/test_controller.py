"""controller-*: dead is not deregistered, and unreachable is not dead."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, healthy, on_host
from tests.recordings import facts_of
from viftrail.audit import audit

DEAF = facts_of("controller-sb-unreachable")
DEAD = facts_of("controller-crashed")


def test_the_others_remote_is_the_mend() -> None:
    verdict = ask(DEAF)
    (step,) = verdict.remedy.steps
    right = DEAF.hosts["compute2"].settings["ovn-remote"]
    wrong = DEAF.hosts["compute1"].settings["ovn-remote"]
    assert step.command.endswith(f"ovn-remote={right}")
    assert step.undo.endswith(f"ovn-remote={wrong}")


def test_where_nobody_else_knows_better_nothing_is_changed() -> None:
    compute = DEAF.hosts["compute1"]
    facts = type(DEAF)(
        nb=DEAF.nb, sb=DEAF.sb, owner=DEAF.owner, hosts={"compute1": compute}, gaps=DEAF.gaps
    )
    (step,) = ask(facts).remedy.steps
    assert step.undo == "nothing is changed"


def test_a_host_without_its_chassis_row_did_not_crash() -> None:
    assert accused(ask(facts_of("chassis-missing-graceful-stop"))) == {
        "chassis-missing-graceful-stop"
    }


def test_a_hung_controller_is_neither() -> None:
    host = healthy().hosts["compute1"]
    facts = on_host(healthy(), "compute1", unixctl={**host.unixctl, "ovn-controller": {}})
    (cause,) = audit(facts).causes
    assert (cause.id, cause.confidence.value) == ("controller-hung", "likely")
    assert cause.remedy.steps[0].command == "systemctl restart ovn-controller"


def test_one_that_a_signal_stopped_is_continued() -> None:
    (cause,) = audit(facts_of("controller-hung")).causes
    assert cause.confidence.value == "proven"
    assert "--signal=CONT" in cause.remedy.steps[0].command
    assert "--signal=STOP" in cause.remedy.steps[0].undo


def test_on_a_gateway_a_dead_controller_stops_changes_and_not_traffic() -> None:
    host = healthy().hosts["network1"]
    dead = msgspec.structs.replace(host.processes["ovn-controller"], state="")
    facts = on_host(healthy(), "network1", processes={**host.processes, "ovn-controller": dead})
    verdict = ask(facts, "vm3")
    assert (verdict.verdict.state.value, accused(verdict)) == ("degraded", {"controller-crashed"})


def test_the_dead_one_is_named_with_its_pid() -> None:
    evidence = ask(DEAD).causes[0].evidence
    process = DEAD.hosts["compute1"].processes["ovn-controller"]
    assert str(process.pid) in evidence[0].seen
