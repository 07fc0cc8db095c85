"""vif-guest-link-or-mac and vif-plug-missing: which end is down, and what is gone."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, healthy, on_host, vm
from tests.recordings import facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.openstack import OpenStack, Server
from viftrail.faults.step import NOTHING_CHANGED

GONE = facts_of("vif-plug-missing")


def flags(facts: Facts, *names: str) -> Facts:
    """vm1's tap with these flags."""
    tap = "tap" + vm(facts)[:11]
    links = tuple(
        msgspec.structs.replace(link, flags=names) if link.ifname == tap else link
        for link in facts.hosts["compute1"].links
    )
    return on_host(facts, "compute1", links=links, guests=())


def test_up_without_carrier_is_the_guests_end() -> None:
    verdict = ask(flags(healthy(), "BROADCAST", "UP"))
    assert accused(verdict) == {"vif-guest-link-or-mac"}
    assert verdict.causes[0].confidence.value == "proven"


def test_down_is_the_hosts_end() -> None:
    assert accused(ask(flags(healthy(), "BROADCAST"))) == {"vif-tap-down"}


def test_who_does_not_know_whether_the_vm_is_on_does_not_claim_proof() -> None:
    facts = flags(healthy(), "BROADCAST", "UP")
    unowned = replace(facts, owner=replace_owner(facts))
    (cause,) = ask(unowned, vm(facts)).causes
    assert cause.confidence.value == "likely"
    assert "virsh domif-setlink" in cause.remedy.steps[0].command


def replace_owner(facts: Facts):  # type: ignore[no-untyped-def]
    return type(facts.owner)(kind="neutron")


def told_by_nova(facts: Facts, vm_state: str | None, status: str = "") -> Facts:
    """The same of Neutron's; vm1's server is in this state, or Nova was not asked."""
    owner = msgspec.structs.replace(facts.owner, kind="neutron")
    mine = next(port.server_id for port in owner.ports if port.id == vm(facts))
    server = Server(id=mine, name="vm1", vm_state=vm_state or "", status=status)
    servers = None if vm_state is None else (server,)
    return replace(facts, owner=owner, openstack=OpenStack(servers=servers))


NO_CARRIER = flags(healthy(), "BROADCAST", "UP")
LOST = (GONE, facts_of("vif-netdev-missing"), NO_CARRIER)
each_lost = pytest.mark.parametrize("facts", LOST)


@each_lost
@pytest.mark.parametrize("state", ["stopped", "suspended", "shelved", "shelved_offloaded"])
def test_a_server_that_is_shut_off_has_no_device_and_that_is_right(
    facts: Facts, state: str
) -> None:
    for told in (told_by_nova(facts, state), told_by_nova(facts, "", "SHUTOFF")):
        verdict = ask(told, vm(facts))
        assert accused(verdict) == set()
        assert verdict.verdict.state.value == "unknown"
        assert "until it is started" in verdict.verdict.summary


@each_lost
def test_only_who_runs_the_vm_proves_that_it_should_have_a_device(facts: Facts) -> None:
    (cause,) = ask(told_by_nova(facts, "active"), vm(facts)).causes
    assert cause.confidence.value == "proven"
    (cause,) = ask(told_by_nova(facts, None), vm(facts)).causes
    assert cause.confidence.value == "likely", "Neutron alone knows nothing of it"


@pytest.mark.parametrize("facts", LOST[:2])
def test_where_nobody_says_whether_the_vm_runs_its_host_is_asked_first(facts: Facts) -> None:
    look, boot = ask(told_by_nova(facts, None), vm(facts)).remedy.steps
    assert look.command.startswith("virsh domstate ")
    assert (look.where, look.risk.value) == ("compute1", "safe")
    assert look.undo == NOTHING_CHANGED
    assert boot.command.startswith("openstack server reboot --hard ")
    (boot,) = ask(told_by_nova(facts, "active"), vm(facts)).remedy.steps
    assert boot.risk.value == "disruptive"


def test_a_tap_that_is_left_is_another_fault() -> None:
    assert accused(ask(facts_of("vif-not-in-br-int"))) == {"vif-not-in-br-int"}
    assert accused(ask(facts_of("vif-netdev-missing"))) == {"vif-netdev-missing"}


def test_a_port_that_is_promised_elsewhere_may_run_there() -> None:
    assert "vif-plug-missing" not in accused(ask(facts_of("pb-requested-chassis-mismatch")))


def test_the_reboot_is_said_to_be_one() -> None:
    (step,) = ask(GONE).remedy.steps
    assert step.risk.value == "disruptive"
    assert "shut off" in ask(GONE).causes[0].remedy.note
