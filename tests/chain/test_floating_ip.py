"""The NAT row of a floating IP."""

from __future__ import annotations

import msgspec

from tests.cloud import ask, edit, healthy, stage
from viftrail.chain.cloud import Cloud
from viftrail.chain.floating_ip import nat_of
from viftrail.facts.northbound import NAT

FIP = "203.0.113.101"


def test_only_a_dnat_row_translates_a_floating_ip() -> None:
    row = nat_of(Cloud(healthy()), FIP)
    assert row is not None
    assert row.logical_ip == "10.0.0.11"
    masquerade = edit(healthy(), NAT, lambda r: msgspec.structs.replace(r, type="snat"))
    assert nat_of(Cloud(masquerade), FIP) is None


def test_one_that_leads_elsewhere_is_broken() -> None:
    facts = edit(
        healthy(),
        NAT,
        lambda r: msgspec.structs.replace(r, logical_ip="10.0.0.99") if r.external_ip == FIP else r,
    )
    verdict = ask(facts)
    assert (verdict.verdict.stage, verdict.verdict.cause) == ("S13", "fip-on-wrong-fixed-ip")
    assert FIP in verdict.verdict.summary


def test_without_a_floating_ip_there_is_nothing_to_look_at() -> None:
    assert stage(ask(healthy(), "vm2"), "S13") == "n/a"
