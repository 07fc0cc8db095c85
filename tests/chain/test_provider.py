"""Mapping, bridge, NIC: from the gateway chassis to the wire."""

from __future__ import annotations

import msgspec

from tests.cloud import ask, healthy, on_host
from viftrail.chain.provider import uplinks


def test_patch_and_internal_ports_do_not_leave_the_host() -> None:
    host = healthy().hosts["network1"]
    assert uplinks(host, "br-ex") == ("eth2",)
    assert uplinks(host, "br-none") == ()


def test_a_nic_that_is_down_breaks_the_stage() -> None:
    links = tuple(
        msgspec.structs.replace(link, flags=("BROADCAST", "UP")) if link.ifname == "eth2" else link
        for link in healthy().hosts["network1"].links
    )
    verdict = ask(on_host(healthy(), "network1", links=links))
    assert verdict.verdict.stage == "S12"
    assert "eth2" in verdict.verdict.summary
