"""Things and traits: what means the same compares equal."""

from __future__ import annotations

from viftrail.difference.picture import (
    Entry,
    Heard,
    Near,
    Picture,
    Thing,
    Trait,
    nothing,
    without_secrets,
    words,
)
from viftrail.verdict import Stage


def entry(*traits: Trait) -> Entry:
    return Entry("a thing", Stage.VIF, None, nothing, traits)


def test_a_number_that_moved_a_little_is_the_same() -> None:
    assert Near(400, "400", share=0.2) == Near(420, "420", share=0.2)
    assert Near(400, "400", share=0.2) != Near(100, "100", share=0.2)
    assert Near(5, "5", slack=10) != Near(0, "0", slack=10)
    assert Near(1.0, "a", slack=3) == Near(3.5, "b", slack=3)


def test_what_was_not_seen_says_nothing() -> None:
    assert Heard(()) == Heard(("fa:16:3e:00:00:01",))
    assert Heard(("a",)) == Heard(("a",))
    assert Heard(("a",)) != Heard(("b",))


def test_values_in_the_words_of_a_report() -> None:
    told = (None, "", (), True, False, ("b", "a"), 5)
    assert [words(each) for each in told] == ["none", "none", "none", "yes", "no", ("a", "b"), "5"]


def test_secrets_are_no_traits() -> None:
    traits = (
        Trait(Stage.VIF, "password", "hunter2"),
        Trait(Stage.VIF, "external_ids:admin_password", "hunter2"),
        Trait(Stage.VIF, "command", Heard(("daemon --db-password hunter2",))),
        Trait(Stage.VIF, "remotes", ("rabbit://u:hunter2@h/",)),
    )
    assert "hunter2" not in " ".join(str(without_secrets(trait).value) for trait in traits)


def test_what_was_renamed_is_found_by_its_old_name() -> None:
    picture = Picture()
    picture.add(Thing("port", "new"), entry(Trait(Stage.VIF, "id", "new")))
    picture.add(Thing("port", "other"), entry())

    def rename(text: str) -> str:
        return "old" if text == "new" else text

    made = picture.renamed(rename, [])
    assert made.things[Thing("port", "old")].made == "new"
    assert made.things[Thing("port", "old")].traits(rename)["id"].value == "old"
    assert made.things[Thing("port", "other")].made == ""


def test_absence_is_proved_only_by_who_knows() -> None:
    picture = Picture(knows={"port": lambda thing: thing.name == "a"})
    assert picture.lacks(Thing("port", "a"))
    assert not picture.lacks(Thing("port", "b"))
    assert not picture.lacks(Thing("router", "a"))
