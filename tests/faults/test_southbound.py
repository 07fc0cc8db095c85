"""pb-requested-chassis-mismatch and chassis-missing-graceful-stop."""

from __future__ import annotations

from tests.cloud import accused, ask, change_port, healthy, on_host, settings
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import Chassis

STOPPED = facts_of("chassis-missing-graceful-stop")


def test_open_vswitch_alone_is_no_chassis() -> None:
    """Every host with Open vSwitch has a system-id; a controller node is not one of OVN's."""
    facts = settings(STOPPED, "compute1", ovn_remote=None, ovn_encap_ip=None)
    assert audit(facts).causes == ()


def test_a_running_controller_without_a_chassis_row_is_another_matter() -> None:
    running = healthy().hosts["compute1"]
    facts = on_host(STOPPED, "compute1", processes=running.processes, unixctl=running.unixctl)
    assert audit(facts).causes == ()


def test_the_mend_is_to_start_it() -> None:
    (step,) = ask(STOPPED).remedy.steps
    assert (step.where, step.command) == ("compute1", "systemctl start ovn-controller")


def mismatch(wanted: str) -> Facts:
    return change_port(healthy(), options={"requested-chassis": wanted})


def test_promised_elsewhere() -> None:
    verdict = ask(mismatch("compute2"))
    assert verdict.verdict.cause == "pb-requested-chassis-mismatch"
    (step,) = verdict.remedy.steps
    assert step.command.endswith("options:requested-chassis=compute1")
    assert step.undo.endswith("options:requested-chassis=compute2")


def test_promised_by_system_id_is_promised_rightly() -> None:
    chassis = healthy().sb[Chassis].one("hostname", "compute1")
    assert chassis is not None
    assert accused(ask(mismatch(chassis.name))) == set()


def test_plugged_on_both_hosts_is_a_migration() -> None:
    here = healthy().hosts["compute1"]
    there = healthy().hosts["compute2"]
    copied = here.vswitch["Interface"] + there.vswitch["Interface"]
    vswitch = {**there.vswitch, "Interface": copied}
    facts = on_host(mismatch("compute2"), "compute2", vswitch=vswitch)
    assert "pb-requested-chassis-mismatch" not in accused(ask(facts))
