"""Mapping, bridge, NIC: from the gateway chassis to the wire."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloud import ask, healthy, on_host
from viftrail.chain.provider import mappings, uplinks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("physnet1:br-ex", {"physnet1": "br-ex"}),
        ("physnet1:br-ex,physnet2:br-b", {"physnet1": "br-ex", "physnet2": "br-b"}),
        (" physnet1:br-ex", {" physnet1": "br-ex"}),
        ("physnet7=br-b,physnet1:br-ex", {}),
        ("", {}),
        ("physnet1", {}),
        ("physnet1:", {}),
        (":br-ex", {}),
    ],
)
def test_mappings(text: str, found: dict[str, str]) -> None:
    assert mappings(text) == found


words = st.text(alphabet="abc-_1", min_size=1)


@given(st.dictionaries(words, words))
def test_mappings_are_read_as_they_are_written(pairs: dict[str, str]) -> None:
    assert mappings(",".join(f"{a}:{b}" for a, b in pairs.items())) == pairs


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
