"""A cloud as things with traits, under names that survive a rebuild.

UUIDs of rows are noise: whoever deletes a port and makes it again, or restores a database, gets
others. So a thing is known by what people and daemons know it by (Neutron's id, a hostname, a
device on a host), and a reference is told by the name of what it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from viftrail.facts.redaction import cleaned, hidden, kind_of
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
    rename: Callable[[str], str] | None = None
    made: str = ""
    """Its own id, where it was made anew under another than its thing's name."""

    def traits(self) -> dict[str, Trait]:
        """All of them, by label."""
        every = (*self.describe(self.own), *self.context)
        return {trait.label: _told(trait, self.rename) for trait in every}


def _told(trait: Trait, rename: Callable[[str], str] | None) -> Trait:
    """Without secrets, which a bundle has lost already, and with the other side's ids."""
    kind, value = kind_of(trait.label.rpartition(":")[2]), trait.value
    if kind:
        return trait._replace(value=cleaned(str(value), kind))

    def told(text: str) -> str:
        return hidden(rename(text) if rename else text)

    if isinstance(value, str):
        return trait._replace(value=told(value))
    if isinstance(value, tuple):
        return trait._replace(value=tuple(sorted(map(told, value))))
    return (
        trait._replace(value=Heard(tuple(map(told, value.names))))
        if isinstance(value, Heard)
        else trait
    )


@dataclass
class Picture:
    """One side. ``knows`` tells for each kind whether the absence of a thing is proved."""

    things: dict[Thing, Entry] = field(default_factory=dict)
    knows: dict[str, Callable[[Thing], bool]] = field(default_factory=dict)

    def add(self, thing: Thing, entry: Entry) -> None:
        """One more thing; of two with one name the first counts."""
        self.things.setdefault(thing, entry)

    def renamed(self, rename: Callable[[str], str]) -> Picture:
        """The same with other ids in it: of things that were made anew."""
        made = Picture()
        for thing, entry in self.things.items():
            name = rename(thing.name)
            own = "" if name == thing.name else thing.name
            made.add(thing._replace(name=name), entry._replace(rename=rename, made=own))
        made.knows = self.knows
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
