"""Two pictures held against each other: pure, and in the order in which to read it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from viftrail.difference.change import Change
from viftrail.difference.hosts import STARTED
from viftrail.difference.picture import Entry, Heard, Picture, Thing, Trait, without_secrets
from viftrail.verdict import Evidence, Stage

_ABSENT = "none"
_PLAINLY = 3
"""How many parts of a change the evidence has to name to be about just that, at any stage."""

_MADE = ("port", "network", "router", "chassis")
ANEW = "id"
RARELY = ("booted", STARTED, ANEW)
"""Traits that tell of the time between the sides, and seldom of what broke."""


def compare(
    before: Picture, after: Picture, wanted: Callable[[Thing], bool] = lambda _: True
) -> Iterator[Change]:
    """Every difference of the things that are wanted."""
    for thing, entry in before.things.items():
        if not wanted(thing):
            continue
        other = after.things.get(thing)
        if other is None:
            if after.lacks(thing):
                yield _presence(thing, entry, "gone")
            continue
        if other.made and thing.kind in _MADE:
            change = _presence(thing, other, "")
            yield msgspec.structs.replace(
                change, trait=ANEW, before=(thing.name,), after=(other.made,)
            )
        if entry.own != other.own or entry.context != other.context:
            yield from _changed(thing, entry, other, after.rename)
    for thing, entry in after.things.items():
        if thing not in before.things and wanted(thing) and before.lacks(thing):
            yield _presence(thing, entry, "new")


def _presence(thing: Thing, entry: Entry, presence: str) -> Change:
    return Change(
        stage=entry.stage.value,
        kind=thing.kind,
        id=thing.name,
        what=entry.label,
        host=thing.host,
        presence=presence,
    )


def _changed(
    thing: Thing, entry: Entry, other: Entry, rename: Callable[[str], str] | None
) -> Iterator[Change]:
    old, new = entry.traits(), other.traits(rename)
    for label in dict.fromkeys((*old, *new)):
        one, two = old.get(label), new.get(label)
        if _differing(one, two) is None or (label in RARELY and not (one and two)):
            continue
        sides = _differing(one and without_secrets(one), two and without_secrets(two))
        trait = two or one
        if sides and trait:
            yield Change(
                stage=trait.stage.value,
                kind=thing.kind,
                id=thing.name,
                what=other.label,
                host=thing.host,
                trait=label,
                before=sides[0],
                after=sides[1],
            )


def _differing(
    one: Trait | None, two: Trait | None
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """What each side has that the other has not; None: they mean the same."""
    first = one.value if one else _ABSENT
    second = two.value if two else _ABSENT
    if first == second or _unheard(first, two) or _unheard(second, one):
        return None
    if isinstance(first, tuple) or isinstance(second, tuple):
        left, right = _members(first), _members(second)
        return (
            tuple(each for each in left if each not in right),
            tuple(each for each in right if each not in left),
        )
    return (str(first),), (str(second),)


def _unheard(value: object, other: Trait | None) -> bool:
    """What can only be seen at times was not seen here, or there."""
    return isinstance(value, Heard) and (other is None or not value.names)


def _members(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return () if value == _ABSENT else (str(value),)


@dataclass(frozen=True)
class Focus:
    """Where it broke: what touches this is read first."""

    stage: Stage | None = None
    names: Collection[str] = ()
    """Ids and names of the target, its host, and what its cause is about."""
    evidence: Sequence[Evidence] = ()


def in_order(changes: Collection[Change], focus: Focus) -> tuple[Change, ...]:
    """What touches the first broken stage, then the chain; what only tells of time, last."""
    text = " ".join(f"{e.where} {e.what} {e.seen} {e.expected} {e.command}" for e in focus.evidence)

    def rank(change: Change) -> tuple[object, ...]:
        stage = Stage(change.stage)
        named = sum(_named(change, text))
        return (
            change.trait in RARELY,
            named < _PLAINLY,
            stage is not focus.stage,
            -named if stage is focus.stage else 0,
            stage.number,
            not _is_own(change, focus.names),
            change.trait not in ("", "state"),
            change.host,
            change.kind,
            change.id,
            change.trait,
        )

    return tuple(sorted(changes, key=rank))


def _named(change: Change, text: str) -> Iterator[bool]:
    """How much of a change the evidence names: the thing, its host, the trait, the value."""
    if not text:
        return
    yield bool(change.id) and change.id in text
    yield bool(change.host) and change.host in text
    yield bool(change.trait) and change.trait.rpartition(":")[2] in text
    yield any(len(value) > 1 and value in text for value in (*change.before, *change.after))


def _is_own(change: Change, names: Collection[str]) -> bool:
    words = (change.id, change.host, change.what.rpartition(" ")[2])
    return any(word and word in names for word in words)
