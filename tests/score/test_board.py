from __future__ import annotations

from viftrail.faults.catalogue import fault
from viftrail.lab.provoke import all_provocations
from viftrail.score import board
from viftrail.score.openstack import openstack_singles


def test_every_provoked_fault_has_its_round() -> None:
    decoys = {name for name, way in all_provocations().items() if way.decoy}
    played = {name for (name,) in board.singles()} | set(openstack_singles())
    assert played == set(all_provocations()) - decoys


def test_pairs_are_of_different_stages_and_each_breaks_something() -> None:
    pairs = board.pairs()
    assert len(pairs) >= 20
    for first, second in pairs:
        assert fault(first).stage.number < fault(second).stage.number
        assert all_provocations()[first].breaks
        assert all_provocations()[second].breaks


def test_pairs_that_cannot_be_are_named_and_not_played() -> None:
    wanted = board.pairs()
    assert not {frozenset(both) for both in wanted} & board.IMPOSSIBLE.keys()
    told = board.left_out(wanted)
    assert {frozenset(each.faults) for each in told} == set(board.IMPOSSIBLE)
    assert all(each.reason for each in told)
    assert board.left_out(board.singles()) == ()
