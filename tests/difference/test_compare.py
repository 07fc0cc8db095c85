"""Two pictures held against each other, and the order of what differs."""

from __future__ import annotations

from viftrail.difference.change import Change
from viftrail.difference.compare import Focus, compare, in_order
from viftrail.difference.picture import Entry, Picture, Thing, Trait, nothing
from viftrail.verdict import Evidence, Stage


def picture(*things: tuple[str, Stage, object], whole: bool = True) -> Picture:
    made = Picture(knows={"port": lambda _: whole})
    for name, stage, value in things:
        traits = (Trait(stage, "state", value),)
        made.add(
            Thing("port", name, "compute1"), Entry(f"port {name}", stage, None, nothing, traits)
        )
    return made


def changes(
    before: Picture, after: Picture
) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(c.id, c.presence, c.before, c.after) for c in compare(before, after)]


def test_what_is_the_same_is_not_told() -> None:
    assert changes(picture(("a", Stage.VIF, "up")), picture(("a", Stage.VIF, "up"))) == []


def test_a_value_a_set_a_new_thing_and_one_that_is_gone() -> None:
    before = picture(("a", Stage.VIF, "up"), ("b", Stage.VIF, ("1", "2")), ("c", Stage.VIF, "up"))
    after = picture(("a", Stage.VIF, "down"), ("b", Stage.VIF, ("2", "3")), ("d", Stage.VIF, "up"))
    assert changes(before, after) == [
        ("a", "", ("up",), ("down",)),
        ("b", "", ("1",), ("3",)),
        ("c", "gone", (), ()),
        ("d", "new", (), ()),
    ]


def test_what_a_side_did_not_look_for_is_neither_new_nor_gone() -> None:
    one, other = picture(("a", Stage.VIF, "up")), picture(whole=False)
    assert changes(one, other) == changes(other, one) == []


def test_only_what_is_wanted_is_compared() -> None:
    one, other = picture(("a", Stage.VIF, "up")), picture(("a", Stage.VIF, "down"))
    assert list(compare(one, other, lambda thing: thing.name == "b")) == []


def change(stage: str, name: str, trait: str = "state") -> Change:
    return Change(stage=stage, kind="port", id=name, what=f"port {name}", host="h", trait=trait)


def test_the_broken_stage_is_first_then_the_chain_and_restarts_last() -> None:
    every = [change("S12", "a"), change("S4", "b"), change("S8", "c", "started"), change("S8", "d")]
    assert [each.id for each in in_order(every, Focus(Stage.VIF))] == ["d", "b", "a", "c"]
    assert [each.id for each in in_order(every, Focus())] == ["b", "d", "a", "c"]


def test_what_the_evidence_names_is_first_of_its_stage_and_the_targets_own_of_the_rest() -> None:
    evidence = (Evidence(where="h", what="port right", seen="x"),)
    every = [
        change("S8", "wrong"),
        change("S8", "right"),
        change("S4", "other"),
        change("S4", "mine"),
    ]
    focus = Focus(Stage.VIF, {"mine"}, evidence)
    assert [each.id for each in in_order(every, focus)] == ["right", "wrong", "mine", "other"]


def test_a_secret_that_a_bundle_has_lost_is_no_change_and_never_told() -> None:
    live = picture(("a", Stage.VIF, "daemon --db-password hunter2 --verbose"))
    bundle = picture(("a", Stage.VIF, "daemon --db-password <redacted:password> --verbose"))
    assert changes(bundle, live) == changes(live, bundle) == []
    other = picture(("a", Stage.VIF, "daemon --db-password hunter3"))
    assert "hunter" not in str(changes(live, other))
