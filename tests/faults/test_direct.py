"""prov-* of VMs directly on a provider network: theirs, and nobody else's of their host."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.cloud import accused, ask, edit, neutron_only, on_host, stage, vm
from tests.recordings import facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis
from viftrail.verdict import State

VLAN = facts_of("shapes/vlan")
"""vm1, vm2 and vm4 on compute1, vm3 and vm5 on compute2; vm4 and vm5 are on VLAN 100."""
VMS = ("vm1", "vm2", "vm3", "vm4", "vm5")


def mapped(host: str, text: str) -> Facts:
    """One chassis with other ovn-bridge-mappings."""
    return edit(
        VLAN,
        Chassis,
        lambda row: (
            msgspec.structs.replace(
                row, other_config={**row.other_config, "ovn-bridge-mappings": text}
            )
            if row.hostname == host
            else row
        ),
    )


def pulled(host: str) -> Facts:
    """One host whose provider NIC is in no bridge."""
    vswitch = VLAN.hosts[host].vswitch
    rows = [
        {**row, "ports": ["set", []]} if row.get("name") == "br-ex" else row
        for row in vswitch["Bridge"]
    ]
    return on_host(VLAN, host, vswitch={**vswitch, "Bridge": rows})


def unlinked(host: str) -> Facts:
    """One host whose provider NIC is down."""
    links = tuple(
        msgspec.structs.replace(link, flags=()) if link.ifname == "eth2" else link
        for link in VLAN.hosts[host].links
    )
    return on_host(VLAN, host, links=links)


BROKEN = {
    "prov-mapping-missing": mapped("compute1", ""),
    "prov-mapping-bridge-missing": mapped("compute1", "physnet1:br-provider"),
    "prov-mapping-syntax": mapped("compute1", "physnet1=br-ex"),
    "prov-nic-not-in-bridge": pulled("compute1"),
    "prov-nic-down": unlinked("compute1"),
}


def test_a_vm_on_a_provider_network_takes_no_tunnel_and_no_router() -> None:
    assert audit(VLAN).causes == ()
    verdict = ask(VLAN, "vm4")
    assert verdict.verdict.state is State.HEALTHY
    assert verdict.verdict.summary.endswith("to its provider network")
    assert [stage(verdict, s) for s in ("S10", "S11", "S12")] == [
        "n/a",
        "n/a",
        "ok",
    ]


@pytest.mark.parametrize("fault", BROKEN)
def test_it_is_found_on_the_vms_own_host_and_nobody_else_is_accused(fault: str) -> None:
    facts = BROKEN[fault]
    assert {name: accused(ask(facts, name)) for name in VMS} == {
        name: {fault} if name == "vm4" else set() for name in VMS
    }
    assert ask(facts, "vm4").verdict.stage == "S12"
    (group,) = audit(facts).groups
    assert (group.id, group.victims, group.subjects) == (fault, 1, ("host compute1",))


def test_the_gateways_mapping_is_not_theirs() -> None:
    facts = mapped("network1", "")
    victims = {name for name in VMS if accused(ask(facts, name)) == {"prov-mapping-missing"}}
    assert victims == {"vm1", "vm2", "vm3"}


def test_the_missing_patch_port_is_no_wrong_guess_there() -> None:
    guess = "the VM's host has no provnet patch port"
    verdict = ask(BROKEN["prov-mapping-missing"], "vm4")
    assert guess not in {found.guess for found in verdict.ruled_out}
    assert guess not in {found.guess for found in verdict.undecided}


def test_a_broken_tunnel_is_not_theirs() -> None:
    links = tuple(
        msgspec.structs.replace(link, flags=()) if link.ifname == "eth1" else link
        for link in VLAN.hosts["compute1"].links
    )
    facts = on_host(VLAN, "compute1", links=links)
    assert accused(ask(facts, "vm1")) == {"underlay-nic-down"}
    assert accused(ask(facts, "vm4")) == set()


def tagged(tag: int | None) -> Facts:
    """The localnet port of the VLAN network with another tag."""
    return edit(
        VLAN,
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, tag=tag) if row.tag == 100 else row,
    )


@pytest.mark.parametrize("tag", [123, None])
def test_the_tag_that_its_owner_gave_the_network_is_set_again(tag: int | None) -> None:
    facts = tagged(tag)
    assert {name for name in VMS if accused(ask(facts, name))} == {"vm4", "vm5"}
    verdict = ask(facts, "vm4")
    assert verdict.verdict.cause == "prov-vlan-mismatch"
    (step,) = verdict.remedy.steps
    assert step.command.endswith(" tag=100 tag_request=100")


def test_where_nobody_tells_the_tag_any_tag_may_be_right() -> None:
    assert audit(neutron_only(tagged(123))).causes == ()
    untagged = neutron_only(tagged(None))
    (cause,) = audit(untagged).causes
    assert (cause.id, cause.remedy.steps) == ("prov-vlan-mismatch", ())


def test_a_port_that_nobody_claimed_meets_no_provider_network_yet() -> None:
    port = vm(VLAN, "vm4")
    silent = replace(VLAN, hosts={})
    assert accused(ask(silent, port)) == set()
