"""northd-binding-missing and pb-unclaimed: what the rows alone show."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, change_port, edit, healthy, vm, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.openstack import OpenStack, Server
from viftrail.facts.southbound import ChassisPrivate, PortBinding, SBGlobal
from viftrail.faults.chassis import LAG
from viftrail.verdict import Certainty


def unbound() -> Facts:
    port = vm(healthy())
    return edit(healthy(), PortBinding, lambda row: None if row.logical_port == port else row)


def unclaimed() -> Facts:
    port = vm(healthy())
    return edit(
        healthy(),
        PortBinding,
        lambda row: (
            msgspec.structs.replace(row, chassis=None, up=False)
            if row.logical_port == port
            else row
        ),
    )


def test_a_port_that_northd_left_out() -> None:
    (cause,) = audit(unbound()).causes
    assert (cause.id, cause.subject) == ("northd-binding-missing", f"port {vm(healthy())}")
    assert cause.confidence is Certainty.LIKELY
    assert accused(ask(unbound(), "vm2")) == set()


def test_nobody_claims_on_a_host_that_was_not_looked_at() -> None:
    (cause,) = audit(without(unclaimed(), "compute1")).causes
    assert (cause.id, cause.subject) == ("pb-unclaimed", f"port {vm(healthy())}")
    assert cause.confidence is Certainty.LIKELY
    assert accused(ask(without(unclaimed(), "compute1"), "vm2")) == set()


def test_on_a_host_that_was_looked_at_the_host_names_the_cause() -> None:
    assert "pb-unclaimed" not in accused(ask(unclaimed()))


def test_who_is_behind_has_not_claimed_it_yet() -> None:
    newer = edit(unclaimed(), SBGlobal, lambda row: msgspec.structs.replace(row, nb_cfg=LAG))
    found = accused(ask(without(newer, "compute1")))
    assert "pb-unclaimed" not in found
    assert "controller-flow-lag" in found
    followed = edit(newer, ChassisPrivate, lambda row: msgspec.structs.replace(row, nb_cfg=LAG))
    assert accused(ask(without(followed, "compute1"))) == {"pb-unclaimed"}


def test_where_nobody_writes_nb_cfg_it_excuses_nobody() -> None:
    newer = edit(
        unclaimed(),
        SBGlobal,
        lambda row: msgspec.structs.replace(
            row, nb_cfg=LAG, options={"enable_chassis_nb_cfg_update": "false"}
        ),
    )
    assert accused(ask(without(newer, "compute1"))) == {"pb-unclaimed"}


@pytest.mark.parametrize(("vm_state", "told"), [("stopped", False), ("active", True)])
def test_nobody_claims_the_port_of_a_server_that_is_shut_off(vm_state: str, told: bool) -> None:
    facts = without(unclaimed(), "compute1")
    mine = next(port.server_id for port in facts.owner.ports if port.id == vm(facts))
    server = Server(id=mine, name="vm1", vm_state=vm_state)
    facts = replace(facts, openstack=OpenStack(servers=(server,)))
    assert ("pb-unclaimed" in {cause.id for cause in audit(facts).causes}) is told


@pytest.mark.parametrize("columns", [{"type": "external"}, {"parent_name": "parent"}])
def test_what_no_plug_makes_anybody_claim(columns: dict[str, str]) -> None:
    facts = change_port(without(unclaimed(), "compute1"), **columns)
    assert "pb-unclaimed" not in {cause.id for cause in audit(facts).causes}
