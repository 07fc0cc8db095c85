"""What was made anew is the same thing, and two things of one name are not."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import healthy
from tests.recordings import facts_of, port_of
from viftrail.difference.rebuilt import renaming


def test_nothing_was_made_anew() -> None:
    assert not renaming(healthy(), healthy())


def test_a_port_its_tap_and_its_mac() -> None:
    before, after = facts_of("healthy"), facts_of("pb-wrong-type")
    anew = renaming(before, after)
    old, new = port_of(before, "vm1"), port_of(after, "vm1")
    assert anew(f"{new} tap{new[:11]} lrp-{new}") == f"{old} tap{old[:11]} lrp-{old}"
    macs = [
        port.mac for facts in (after, before) for port in facts.owner.ports if port.server == "vm1"
    ]
    assert anew(f"{macs[0]} 10.0.0.11") == f"{macs[1]} 10.0.0.11"


def test_groups_follow_their_ports() -> None:
    before, after = facts_of("healthy"), facts_of("conntrack-full")
    old, new = (
        next(port.port_groups[0] for port in facts.owner.ports if port.server == "vm1")
        for facts in (before, after)
    )
    assert old != new
    assert renaming(before, after)(f"outport == @{new}") == f"outport == @{old}"


def test_other_text_stays() -> None:
    anew = renaming(facts_of("healthy"), facts_of("pb-wrong-type"))
    text = "10.0.0.11 00000000-0000-4000-8000-000000000000 tap00000000-00 aa:bb:cc:dd:ee:ff"
    assert anew(text) == text


def test_servers_of_one_name_are_not_mixed_up() -> None:
    """Two tenants each have a server called web; one of them is made anew."""
    owner = facts_of("pb-wrong-type").owner
    same = tuple(msgspec.structs.replace(port, server="web") for port in owner.ports)
    after = replace(facts_of("pb-wrong-type"), owner=msgspec.structs.replace(owner, ports=same))
    before = facts_of("healthy")
    twins = tuple(msgspec.structs.replace(port, server="web") for port in before.owner.ports)
    before = replace(before, owner=msgspec.structs.replace(before.owner, ports=twins))
    assert not {port.id for port in same} & set(renaming(before, after).ids)
