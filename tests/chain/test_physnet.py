"""What ovn-bridge-mappings say, and the localnet port that a chassis leaves by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viftrail.chain.physnet import localnet_for, mappings
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis


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


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("one:br-a", 0),
        ("two:br-a", 1),
        ("other:br-a,two:br-b", 1),
        ("one:br-a,two:br-b", 0),
        ("other=br-a two:br-b", 1),
        ("other:br-a", 0),
        ("", 0),
    ],
)
def test_a_chassis_leaves_by_the_segment_that_it_maps(text: str, index: int) -> None:
    rows = [
        LogicalSwitchPort(uuid=name, name=name, type="localnet", options={"network_name": name})
        for name in ("one", "two")
    ]
    chassis = Chassis(uuid="c", name="c", other_config={"ovn-bridge-mappings": text})
    assert localnet_for(rows, chassis) is rows[index]
    assert localnet_for(rows, None) is rows[0]
    assert localnet_for([], chassis) is None
