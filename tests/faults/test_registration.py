"""chassis-stale-same-encap and encap-duplicate-ip: is the other chassis' host alive?"""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, on_host, without
from tests.recordings import facts_of
from viftrail.facts.southbound import Chassis
from viftrail.verdict import State

STALE = facts_of("chassis-stale-same-encap")
COPIED = facts_of("encap-duplicate-ip")


def test_the_old_row_goes_and_its_private_one_too() -> None:
    pause, step, resume = ask(STALE).remedy.steps
    assert (pause.where, resume.where) == ("compute1", "compute1"), "the peers forget it first"
    assert pause.command.endswith("debug/pause")
    assert resume.command.endswith("debug/resume")
    (old,) = STALE.sb[Chassis].find("hostname", "compute1")
    assert f"chassis-del {old.name}" in step.command
    assert f"destroy Chassis_Private {old.name}" in step.command
    assert STALE.hosts["compute1"].chassis_name not in step.command


def test_the_copied_address_is_put_right_on_the_host_that_copied_it() -> None:
    (step,) = ask(COPIED).remedy.steps
    assert step.where == "compute1"
    right = step.command.rpartition("=")[2]
    own = {a.local for link in COPIED.hosts["compute1"].links for a in link.addr_info}
    assert right in own


def test_what_was_claimed_before_goes_on_working() -> None:
    assert ask(COPIED, "vm2").verdict.state is State.DEGRADED
    assert ask(COPIED, "vm3").verdict.state is State.HEALTHY


def test_where_nobody_looked_at_the_other_host_nobody_says_that_its_row_is_stale() -> None:
    assert "chassis-stale-same-encap" not in accused(ask(without(COPIED, "compute2")))


def test_a_controller_that_is_not_connected_has_another_fault() -> None:
    host = COPIED.hosts["compute1"]
    answers = {**host.unixctl["ovn-controller"], "connection-status": "not connected"}
    facts = on_host(COPIED, "compute1", unixctl={**host.unixctl, "ovn-controller": answers})
    assert accused(ask(facts)) == {"controller-sb-unreachable"}


def test_a_dead_controller_does_not_try_to_register() -> None:
    host = STALE.hosts["compute1"]
    gone = msgspec.structs.replace(host.processes["ovn-controller"], state="")
    facts = on_host(STALE, "compute1", processes={**host.processes, "ovn-controller": gone})
    assert "chassis-stale-same-encap" not in accused(ask(facts))
