"""A cloud as things with traits, under names that survive a rebuild.

UUIDs of rows are noise: whoever deletes a port and makes it again, or restores a database, gets
others. So a thing is known by what people and daemons know it by (Neutron's id, a hostname, a
device on a host), and a reference is told by the name of what it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from viftrail.facts.redaction import cleaned, kind_of
from viftrail.verdict import Stage


class Thing(NamedTuple):
    """Something that can be there on one side and not on the other."""

    kind: str
    name: str
    host: str = ""


class Trait(NamedTuple):
    """One property of a thing, and the stage of the chain that depends on it.

    ``value`` is told apart by ==, so that what means the same may compare equal.
    """

    stage: Stage
    label: str
    value: object


@dataclass(frozen=True)
class Near:
    """A number of which only a large change means something."""

    number: float
    text: str
    slack: float = 0.0
    share: float = 0.0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Near):
            return NotImplemented
        if bool(self.number) != bool(other.number):
            return False
        widest = max(self.slack, self.share * max(abs(self.number), abs(other.number)))
        return abs(self.number - other.number) <= widest

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Heard:
    """What can only be seen at times: that there was nothing to see says nothing."""

    names: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Heard):
            return NotImplemented
        return not self.names or not other.names or self.names == other.names

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return " ".join(self.names)


class Entry(NamedTuple):
    """A thing's traits, made only where ``own`` or ``context`` differ between the sides."""

    label: str
    stage: Stage
    own: object
    describe: Callable[[Any], Iterable[Trait]]
    context: tuple[Trait, ...] = ()
    made: str = ""
    """Its own id, where it was made anew under another than its thing's name."""

    def traits(self, rename: Callable[[str], str] | None = None) -> dict[str, Trait]:
        """All of them, by label; with other ids in them, if they are to be compared with those."""
        every = (*self.describe(self.own), *self.context)
        if rename is None:
            return {trait.label: trait for trait in every}
        return {trait.label: _with(rename, trait) for trait in every}


def _with(change: Callable[[str], str], trait: Trait) -> Trait:
    """The trait with another text in place of each of its texts."""
    value = trait.value
    if isinstance(value, str):
        return trait._replace(value=change(value))
    if isinstance(value, tuple):
        return trait._replace(value=tuple(sorted(map(change, value))))
    if isinstance(value, Heard):
        return trait._replace(value=Heard(tuple(map(change, value.names))))
    return trait


def without_secrets(trait: Trait) -> Trait:
    """A trait as it may be told; one side may be a bundle, that has lost its secrets already."""
    kind = kind_of(trait.label.rpartition(":")[2])
    return _with(partial(cleaned, kind=kind), trait)


@dataclass
class Picture:
    """One side. ``knows`` tells for each kind whether the absence of a thing is proved."""

    things: dict[Thing, Entry] = field(default_factory=dict)
    knows: dict[str, Callable[[Thing], bool]] = field(default_factory=dict)
    rename: Callable[[str], str] | None = None
    """From its own ids to those of the side that it is compared with."""

    def add(self, thing: Thing, entry: Entry) -> None:
        """One more thing; of two with one name the first counts."""
        self.things.setdefault(thing, entry)

    def renamed(self, rename: Callable[[str], str], known: Collection[Thing]) -> Picture:
        """The same with other ids in it: of things that were made anew, so are not known."""
        made = Picture(knows=self.knows, rename=rename)
        for thing, entry in self.things.items():
            if thing in known:
                made.things[thing] = entry
        for thing, entry in self.things.items():
            if thing not in known:
                name = rename(thing.name)
                own = "" if name == thing.name else thing.name
                made.add(thing._replace(name=name), entry._replace(made=own))
        return made

    def lacks(self, thing: Thing) -> bool:
        """It is proved that this is not there."""
        known = self.knows.get(thing.kind)
        return thing not in self.things and known is not None and known(thing)


def nothing(_: object) -> Iterator[Trait]:
    """No traits beyond the context."""
    return iter(())


def words(value: object) -> object:
    """A value as it is compared and told."""
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | frozenset | set):
        return tuple(sorted(map(str, value)))
    if isinstance(value, Near | Heard):
        return value
    return str(value)
