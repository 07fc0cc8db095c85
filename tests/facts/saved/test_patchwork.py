"""A database out of parts knows what it has, and never takes what it lacks for absent."""

from __future__ import annotations

from viftrail.facts.saved.patchwork import Copy, patch
from viftrail.facts.southbound import TABLES, Chassis, PortBinding

NAME = "OVN_Southbound"
ONE, TWO, THREE = (PortBinding(uuid=each, logical_port=f"port-{each}") for each in "abc")


def rows(*bindings: PortBinding) -> dict[type, tuple[PortBinding, ...]]:
    return {PortBinding: bindings}


def test_the_newest_whole_file_is_all_that_counts() -> None:
    found = patch(
        NAME,
        TABLES,
        [
            Copy("old.db", rows(ONE, TWO), changed=1, journal=True),
            Copy("new.db", rows(ONE), changed=2, journal=True),
            Copy("a list", rows(THREE), frozenset({PortBinding}), changed=3),
        ],
    )
    assert found.database[PortBinding].rows == (ONE,)
    assert found.database[PortBinding].absent("logical_port", "port-b")
    assert (found.gaps, found.changed) == ((), 2)


def test_a_whole_list_proves_absence_in_its_table_alone() -> None:
    found = patch(NAME, TABLES, [Copy("a list", rows(ONE), frozenset({PortBinding}))])
    assert found.database[PortBinding].absent("logical_port", "port-b")
    assert not found.database[Chassis].absent("name", "x")
    (gap,) = found.gaps
    assert "Nothing is known of SB_Global, Chassis" in gap.why
    assert "MAC_Binding" not in gap.why


def test_parts_are_put_together_and_prove_nothing() -> None:
    found = patch(NAME, TABLES, [Copy("an end", rows(ONE)), Copy("an overview", rows(TWO))])
    assert found.database[PortBinding].rows == (ONE, TWO)
    assert not found.database[PortBinding].absent("logical_port", "port-c")
    assert "Some rows are known of Port_Binding" in found.gaps[0].why
    assert "an end, an overview" in found.gaps[0].why


def test_nothing_at_all() -> None:
    found = patch(NAME, TABLES, [])
    assert not list(found.database)
    assert found.gaps[0].place == NAME


def test_what_is_not_there_is_named_and_where_it_may_be() -> None:
    (gap,) = patch(NAME, TABLES, []).gaps
    assert gap.why == "No file of OVN_Southbound is among what was saved."
    assert "ovnsb_db.db" in gap.how
    (gap,) = patch(NAME, TABLES, [], unreadable=["var/lib/ovn (Permission denied)"]).gaps
    assert "as far as it may be read: var/lib/ovn (Permission denied)" in gap.why
    assert "root" in gap.how
