"""nb-orphan-lsp, vif-orphan: what nobody wants, and what only looks like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.cloud import (
    add,
    ask,
    conf,
    edit,
    healthy,
    neutron_only,
    on_host,
    vm,
    wire_map,
    without,
)
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.host import Link
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.facts.openstack import NeutronPort, OpenStack
from viftrail.facts.southbound import Chassis, PortBinding
from viftrail.faults.step import NOTHING_CHANGED
from viftrail.verdict import Certainty, Risk, State


def disowned(server: str = "vm1") -> Facts:
    """Its owner has deleted the port, and Northbound kept it."""
    owner = healthy().owner
    left = tuple(port for port in owner.ports if port.server != server)
    fips = tuple(fip for fip in owner.floating_ips if fip.port_id != vm(healthy(), server))
    return replace(healthy(), owner=msgspec.structs.replace(owner, ports=left, floating_ips=fips))


def unclaimed(facts: Facts, port: str) -> Facts:
    return edit(
        facts,
        PortBinding,
        lambda row: msgspec.structs.replace(row, chassis=None) if row.logical_port == port else row,
    )


def test_a_claimed_ghost_is_likely_and_may_be_somebodys_vm() -> None:
    port = vm(healthy(), "vm2")
    (cause,) = audit(disowned("vm2")).causes
    assert (cause.id, cause.subject) == ("nb-orphan-lsp", f"port {port}")
    assert cause.confidence is Certainty.LIKELY
    assert "compute1" in cause.remedy.note
    (step,) = cause.remedy.steps
    assert (step.command, step.risk) == (f"ovn-nbctl lsp-del {port}", Risk.DESTROYS)


def test_one_that_nobody_claims_is_proven() -> None:
    port = vm(healthy(), "vm2")
    causes = {cause.id: cause for cause in audit(unclaimed(disowned("vm2"), port)).causes}
    assert causes["nb-orphan-lsp"].confidence is Certainty.PROVEN
    assert causes["nb-orphan-lsp"].remedy.steps[0].risk is Risk.SAFE


def test_whose_owner_was_not_asked_is_no_orphan() -> None:
    assert audit(neutron_only(healthy())).causes == ()


def neutrons(facts: Facts, *projects: str) -> Facts:
    """The same of Neutron's; its ports are of these projects in turn."""
    owner = msgspec.structs.replace(facts.owner, kind="neutron")
    whose = {
        port.id: projects[index % len(projects)] for index, port in enumerate(facts.owner.ports)
    }
    return edit(
        replace(facts, owner=owner),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(
            row,
            external_ids={
                **row.external_ids,
                "neutron:project_id": whose.get(row.name, projects[0]),
            },
        ),
    )


def test_who_is_told_of_one_project_calls_nobody_elses_port_a_ghost() -> None:
    facts = unclaimed(disowned("vm2"), vm(healthy(), "vm2"))
    assert "nb-orphan-lsp" not in {cause.id for cause in audit(neutrons(facts, "mine")).causes}


def test_neutron_is_asked_for_the_port_before_its_row_is_deleted() -> None:
    port = vm(healthy(), "vm2")
    facts = neutrons(unclaimed(disowned("vm2"), port), "one", "other")
    causes = {cause.id: cause for cause in audit(facts).causes}
    ghost = causes["nb-orphan-lsp"]
    assert ghost.confidence is Certainty.LIKELY
    look, delete = ghost.remedy.steps
    assert (look.command, look.undo) == (f"openstack port show {port}", NOTHING_CHANGED)
    assert (delete.command, delete.risk) == (f"ovn-nbctl lsp-del {port}", Risk.DESTROYS)


@pytest.mark.parametrize(
    ("projects", "all_of_them"), [(("one", "one"), False), (("", ""), False), (("one", ""), True)]
)
def test_a_gateway_port_is_of_no_project_and_seen_by_admins_only(
    projects: tuple[str, ...], all_of_them: bool
) -> None:
    ports = [NeutronPort(id=str(number), project_id=p) for number, p in enumerate(projects)]
    facts = replace(neutrons(healthy(), "one"), openstack=OpenStack(ports=tuple(ports)))
    assert Cloud(facts).owner_told_all is all_of_them


# vif-orphan


LEFT = facts_of("vif-orphan")


def carrying(
    facts: Facts, iface_id: str, name: str = "tapffffffff-ff", host: str = "compute1", **keys: str
) -> Facts:
    """A further Interface in br-int of a host; its device is gone unless it is a known one."""
    vswitch = facts.hosts[host].vswitch
    ids = {"iface-id": iface_id, **{key.replace("_", "-"): value for key, value in keys.items()}}
    interface = {
        "_uuid": ["uuid", "00000000-0000-4000-8000-0000000000a1"],
        "name": name,
        "type": "",
        "external_ids": wire_map(ids),
    }
    port = {
        "_uuid": ["uuid", "00000000-0000-4000-8000-0000000000a2"],
        "name": name,
        "interfaces": interface["_uuid"],
    }

    def with_port(row: dict[str, Any]) -> dict[str, Any]:
        if row["name"] != "br-int":
            return row
        known = row["ports"][1] if row["ports"][0] == "set" else [row["ports"]]
        return {**row, "ports": ["set", [*known, port["_uuid"]]]}

    return on_host(
        facts,
        host,
        vswitch={
            **vswitch,
            "Interface": [*vswitch["Interface"], interface],
            "Port": [*vswitch["Port"], port],
            "Bridge": [with_port(row) for row in vswitch["Bridge"]],
        },
    )


def orphans(facts: Facts) -> list[str]:
    return [group.id for group in audit(facts).groups]


def test_a_plug_that_was_left_is_taken_out_and_can_be_put_back() -> None:
    (group,) = audit(LEFT).groups
    assert (group.id, group.state, group.victims) == ("vif-orphan", State.DEGRADED, 0)
    assert group.example.confidence is Certainty.PROVEN, "no device is left"
    (step,) = group.example.remedy.steps
    assert (step.where, step.risk) == ("compute1", Risk.SAFE)
    device = step.command.split()[-1]
    iface_id = group.subjects[0].removeprefix("port ")
    assert step.command == f"ovs-vsctl --if-exists del-port br-int {device}"
    for part in (
        f"add-port br-int {device} ",
        f'iface-id="{iface_id}"',
        "attached-mac=",
        "vm-uuid=",
    ):
        assert part in step.undo


def test_where_its_device_is_left_a_vm_may_hold_it() -> None:
    facts = carrying(healthy(), "gone")
    links = (*facts.hosts["compute1"].links, Link(ifname="tapffffffff-ff", flags=("UP",)))
    (cause,) = audit(on_host(facts, "compute1", links=links)).causes
    assert cause.confidence is Certainty.LIKELY
    assert "virsh domiflist" in cause.remedy.note
    (cause,) = audit(on_host(facts, "compute1", links=())).causes
    assert cause.confidence is Certainty.LIKELY, "devices were not listed"


def test_a_running_vm_whose_row_is_missing_is_no_leftover() -> None:
    """Without the owner's word, nb-lsp-missing looks the same on the host."""
    facts = facts_of("nb-lsp-missing")
    assert orphans(facts) == ["nb-lsp-missing"]
    assert orphans(neutron_only(facts)) == []
    assert orphans(neutron_only(LEFT)) == ["vif-orphan"], "its device is gone"


def test_a_mislabelled_device_of_a_known_port_is_another_fault() -> None:
    port = vm(healthy())
    for facts in (
        facts_of("vif-iface-id-wrong"),
        carrying(healthy(), "gone", name=f"qvo{port[:11]}"),
    ):
        assert "vif-orphan" not in orphans(facts)
    # The port's MAC tells as well, as long as the port itself is plugged nowhere.
    mac = next(p.mac for p in healthy().owner.ports if p.id == port)
    unplugged = facts_of("vif-not-in-br-int")
    assert orphans(carrying(unplugged, "gone", attached_mac=mac)) != []
    assert "vif-orphan" not in orphans(carrying(unplugged, "gone", attached_mac=mac.upper()))
    assert orphans(carrying(healthy(), "gone", attached_mac=mac)) == ["vif-orphan"]


def test_what_somebody_knows_is_no_orphan() -> None:
    known_in_sb = PortBinding(uuid="b", logical_port="somebody")
    known_in_nb = LogicalSwitchPort(uuid="l", name="somebody", type="localport")
    for row in (known_in_sb, known_in_nb):
        assert "vif-orphan" not in orphans(carrying(add(healthy(), row), "somebody"))
    network = next(row.name for row in healthy().nb[LogicalSwitch]).removeprefix("neutron-")
    metadata = carrying(healthy(), "deleted-metadata-port", name=f"tap{network[:10]}0")
    assert orphans(metadata) == []


def test_a_bridge_that_is_not_ovns_may_hold_what_it_likes() -> None:
    facts = conf(LEFT, "compute1", "Bridge", {"name": "br-int"}, name="br-other")
    assert "vif-orphan" not in orphans(facts)
    stranger = edit(LEFT, Chassis, lambda row: None if row.hostname == "compute1" else row)
    assert "vif-orphan" not in orphans(stranger)


def test_a_slice_that_did_not_ask_accuses_nobody() -> None:
    for part in ("OVN_Northbound", "OVN_Southbound"):
        assert audit(without(LEFT, part)).causes == ()
    assert ask(LEFT).causes == ()
