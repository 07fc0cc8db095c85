from __future__ import annotations

import pytest

from viftrail.score.tally import Round, Score

GOOD = Round(
    faults=("northd-paused",),
    stage="S5",
    found_stage="S5",
    found_causes=("northd-paused",),
    mended=True,
    seconds=0.5,
)
SECOND = Round(
    faults=("vif-tap-down",),
    stage="S8",
    found_stage="S8",
    found_causes=("vif-not-in-br-int", "vif-tap-down"),
    mended=True,
    seconds=1.5,
)


def score(*rounds: Round) -> Score:
    return Score(tool="viftrail", versions="OVN", date="2026-01-01", rounds=rounds)


def test_all_right_reaches_the_goals() -> None:
    board = score(GOOD)
    assert board.reached
    assert (board.first_stage, board.top_cause, board.mended) == (1.0, 1.0, 1.0)


def test_a_cause_in_second_place_is_among_three_and_not_first() -> None:
    board = score(GOOD, SECOND)
    assert SECOND.rank == 2
    assert (board.top_cause, board.top_three) == (0.5, 1.0)
    assert not board.reached


@pytest.mark.parametrize(
    "spoiled",
    [
        Round(faults=("a",), stage="S5", found_stage="S6", found_causes=("a",), mended=True),
        Round(faults=("a",), stage="S5", found_stage="S5", found_causes=("a",), mended=False),
        Round(faults=("a",), stage="S5", found_stage="S5", found_causes=("a",), alarms=("vm2: b",)),
        Round(faults=("a",), stage="S5", provoked=False, note="still passes"),
    ],
)
def test_one_wrong_round_misses_the_goals(spoiled: Round) -> None:
    assert not score(*[GOOD] * 99, spoiled).reached


def test_a_remedy_of_the_operators_own_is_not_counted_as_mended_or_not() -> None:
    by_hand = Round(faults=("a",), stage="S5", found_stage="S5", found_causes=("a",))
    assert score(GOOD, by_hand).mended == 1.0


def test_of_two_faults_both_have_to_be_named() -> None:
    one = Round(faults=("a", "b"), stage="S5", found_stage="S5", found_causes=("a",))
    assert not one.all_named
    assert score(one).all_named == 0.0
    assert score(one).top_cause == 1.0


def test_what_was_not_provoked_counts_for_no_share() -> None:
    absent = Round(faults=("a",), stage="S5", provoked=False)
    assert score(GOOD, absent).played == (GOOD,)


def test_nothing_played_is_no_division_by_zero() -> None:
    assert score().median_seconds == 0.0
