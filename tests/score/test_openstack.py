"""Rounds in a real OpenStack, as far as they can be had without one.

A round itself, and whether it mends, takes that lab and is not tried here. Here: which faults there
are to play, and that a round that goes wrong is told and leaves the lab whole.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from viftrail.errors import LabError
from viftrail.faults.catalogue import CATALOGUE, fault
from viftrail.lab.client import Lab
from viftrail.lab.provoke import all_provocations
from viftrail.score.openstack import openstack_singles, play_in


class Broken:
    """A lab that does not do what it is told."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked: list[str] = []

    def order(self, order: str, **_: Any) -> object:
        self.asked.append(order)
        if order == "break":
            raise self.error
        return None


def test_it_plays_what_takes_an_openstack_and_only_that() -> None:
    played = openstack_singles()
    assert "sched-ram-capacity" in played
    decoys = set(all_provocations()) - {each.id for each in CATALOGUE}
    wanted = {id_ for id_, way in all_provocations().items() if way.needs.openstack}
    assert set(played) == wanted - decoys


def test_they_come_in_the_order_of_the_chain() -> None:
    ids = [each.id for each in CATALOGUE]
    assert list(openstack_singles()) == sorted(openstack_singles(), key=ids.index)


@pytest.mark.parametrize("error", [LabError("it hangs", "wait"), ValueError("what is this")])
def test_a_round_that_goes_wrong_says_so_and_mends(error: Exception) -> None:
    lab = Broken(error)
    fault_id = openstack_singles()[0]
    played = play_in(cast("Lab", lab), fault_id)
    assert lab.asked == ["break", "mend"]
    assert str(error) in played.note
    assert (played.faults, played.stage) == ((fault_id,), fault(fault_id).stage.value)
    assert not played.found_causes
    assert not played.mended
