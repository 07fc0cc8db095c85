"""prov-localnet-wrong, prov-vlan-mismatch and prov-localnet-disabled."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, neutron_only, vm
from tests.recordings import VMS, facts_of
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.faults.provider import PHYSNET


def provider() -> LogicalSwitch:
    (switch,) = [row for row in healthy().nb[LogicalSwitch] if PHYSNET in row.external_ids]
    return switch


def localnet() -> LogicalSwitchPort:
    (row,) = [row for row in healthy().nb[LogicalSwitchPort] if row.type == "localnet"]
    return row


def without_localnet() -> Facts:
    uuid = localnet().uuid
    facts = edit(healthy(), LogicalSwitchPort, lambda row: None if row.uuid == uuid else row)
    return edit(
        facts,
        LogicalSwitch,
        lambda row: msgspec.structs.replace(row, ports=tuple(p for p in row.ports if p != uuid)),
    )


def named(physnet: str) -> Facts:
    return edit(
        healthy(),
        LogicalSwitchPort,
        lambda row: (
            msgspec.structs.replace(row, options={**row.options, "network_name": physnet})
            if row.type == "localnet"
            else row
        ),
    )


@pytest.mark.parametrize("facts", [without_localnet(), named("physnet2")], ids=["gone", "wrong"])
def test_the_provider_network_ends_inside_ovn(facts: Facts) -> None:
    (cause,) = [c for c in audit(facts).causes if c.id == "prov-localnet-wrong"]
    assert cause.subject == f"network {provider().name}"
    assert "physnet1" in cause.summary
    assert "prov-localnet-wrong" in accused(ask(facts))


def test_a_wrong_name_is_written_back_and_a_lost_port_made_anew() -> None:
    (step,) = next(c for c in audit(named("physnet2")).causes).remedy.steps
    assert step.command.endswith(f"{localnet().name} options:network_name=physnet1")
    assert step.undo.endswith("options:network_name=physnet2")
    causes = {cause.id: cause for cause in audit(without_localnet()).causes}
    (step,) = causes["prov-localnet-wrong"].remedy.steps
    assert f"lsp-add {provider().name} " in step.command


def test_a_network_without_a_physical_one_needs_no_localnet() -> None:
    tenant = edit(
        without_localnet(), LogicalSwitch, lambda row: msgspec.structs.replace(row, external_ids={})
    )
    assert "prov-localnet-wrong" not in {cause.id for cause in audit(tenant).causes}


def tagged(tag: int | None, network_type: str) -> Facts:
    facts = edit(
        healthy(),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, tag=tag) if row.type == "localnet" else row,
    )
    return edit(
        facts,
        LogicalSwitch,
        lambda row: msgspec.structs.replace(
            row,
            external_ids={**row.external_ids, "neutron:provnet-network-type": network_type}
            if PHYSNET in row.external_ids
            else row.external_ids,
        ),
    )


def test_a_flat_network_with_a_tag_loses_it() -> None:
    facts = facts_of("prov-vlan-mismatch")
    for name in VMS:
        assert accused(ask(facts, name)) == {"prov-vlan-mismatch"}
    (step,) = ask(facts).remedy.steps
    assert step.command.startswith("ovn-nbctl clear Logical_Switch_Port ")
    assert step.undo.endswith(" tag=123 tag_request=123")


def test_a_vlan_network_without_a_tag_is_told_where_it_stands() -> None:
    verdict = ask(tagged(None, "vlan"))
    assert verdict.verdict.cause == "prov-vlan-mismatch"
    assert verdict.remedy.steps == ()
    assert "segmentation_id" in verdict.remedy.note


@pytest.mark.parametrize(("tag", "network_type"), [(None, "flat"), (7, "vlan"), (7, "")])
def test_a_tag_that_fits_or_that_nobody_can_judge(tag: int | None, network_type: str) -> None:
    assert audit(tagged(tag, network_type)).causes == ()


def test_a_disabled_localnet_port_is_enabled_in_northbound_even_under_neutron() -> None:
    facts = edit(
        healthy(),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, enabled=False) if row.type == "localnet" else row,
    )
    verdict = ask(facts)
    assert (verdict.verdict.cause, verdict.verdict.stage) == ("prov-localnet-disabled", "S12")
    for each in (verdict, ask(neutron_only(facts), vm(facts))):
        assert accused(each) == {"prov-localnet-disabled"}
        (step,) = each.remedy.steps
        assert step.command == f"ovn-nbctl lsp-set-enabled {localnet().name} enabled"
