"""prov-mapping-bridge-missing, prov-mapping-syntax and prov-nic-down."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, edit, healthy, on_host, without
from tests.recordings import VMS, facts_of
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import Chassis
from viftrail.faults.provider import lost

KINDS = ("prov-mapping-bridge-missing", "prov-mapping-syntax", "prov-nic-down")


def mapped(text: str, *, where: str = "other_config") -> Facts:
    """The gateway's chassis with these mappings, and nothing else changed."""
    facts = edit(
        healthy(),
        Chassis,
        lambda row: (
            msgspec.structs.replace(
                row,
                other_config={k: v for k, v in row.other_config.items() if "mappings" not in k},
            )
            if row.hostname == "network1"
            else row
        ),
    )
    return edit(
        facts,
        Chassis,
        lambda row: (
            msgspec.structs.replace(
                row, **{where: {**getattr(row, where), "ovn-bridge-mappings": text}}
            )
            if row.hostname == "network1"
            else row
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_vm_behind_the_gateway_has_this_one_cause(kind: str) -> None:
    for name in VMS:
        verdict = ask(facts_of(kind), name)
        assert (verdict.verdict.cause, verdict.verdict.stage) == (kind, "S12")
        assert accused(verdict) == {kind}


@pytest.mark.parametrize("kind", ["prov-mapping-bridge-missing", "prov-nic-down"])
def test_a_host_that_was_not_looked_at_is_not_accused(kind: str) -> None:
    assert not accused(ask(without(facts_of(kind), "network1")))


def test_the_bridge_with_the_nic_is_mapped_instead() -> None:
    (step,) = ask(facts_of("prov-mapping-bridge-missing")).remedy.steps
    assert 'ovn-bridge-mappings="physnet1:br-ex"' in step.command
    assert 'ovn-bridge-mappings="physnet1:br-provider"' in step.undo


@pytest.mark.parametrize(
    ("text", "bridge"),
    [
        ("physnet1=br-ex", "br-ex"),
        ("physnet7,physnet1:br-ex", "br-ex"),
        ("physnet7:br-b, physnet1:br-ex", "br-ex"),
        ("physnet7:br-b;physnet1:br-ex", "br-ex"),
        ("physnet1:br-ex", ""),
        ("physnet7:br-b", ""),
        ("physnet1", ""),
        ("", ""),
    ],
)
def test_what_was_meant_is_seen_where_it_cannot_be_read(text: str, bridge: str) -> None:
    assert lost(text, "physnet1") == bridge
    expected = "prov-mapping-syntax" if bridge else "prov-mapping-missing"
    assert accused(ask(mapped(text))) == (set() if text == "physnet1:br-ex" else {expected})


def test_ovn_before_20_06_has_mappings_elsewhere() -> None:
    assert accused(ask(mapped("physnet1:br-ex", where="external_ids"))) == set()
    assert accused(ask(mapped("", where="external_ids"))) == {"prov-mapping-missing"}


def nic(facts: Facts, *flags: str) -> Facts:
    """The gateway's provider NIC with these flags."""
    links = tuple(
        msgspec.structs.replace(link, flags=flags) if link.ifname == "eth2" else link
        for link in facts.hosts["network1"].links
    )
    return on_host(facts, "network1", links=links)


def test_a_nic_without_carrier_is_nothing_that_a_command_mends() -> None:
    verdict = ask(nic(healthy(), "UP"))
    assert accused(verdict) == {"prov-nic-down"}
    assert verdict.remedy.steps == ()
    assert "switch port" in verdict.remedy.note
    (step,) = ask(nic(healthy())).remedy.steps
    assert step.command == "ip link set dev eth2 up"


def test_a_nic_that_the_kernel_does_not_have_is_not_down() -> None:
    links = tuple(link for link in healthy().hosts["network1"].links if link.ifname != "eth2")
    assert accused(ask(on_host(healthy(), "network1", links=links))) == set()


def test_the_nic_of_a_host_without_gateway_is_nobodys_matter() -> None:
    links = tuple(
        msgspec.structs.replace(link, flags=()) if link.ifname == "eth2" else link
        for link in healthy().hosts["compute1"].links
    )
    assert accused(ask(on_host(healthy(), "compute1", links=links))) == set()
