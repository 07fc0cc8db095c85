"""What differs between two sides, in the words of a report; ``-f json`` writes these types."""

from __future__ import annotations

import msgspec

from viftrail import __version__

FORMAT = 1


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference.

    ``before`` and ``after`` are both empty where the thing itself is there on one side only;
    of a set, they hold what only that side has.
    """

    stage: str
    kind: str
    """What the thing is: ``port``, ``router``, ``interface``…"""
    id: str
    """What it is known by on both sides."""
    what: str
    """What people call it."""
    host: str = ""
    """The host that it is on; empty: it is the cloud's."""
    trait: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    presence: str = ""
    """``new`` or ``gone``, where it is there on one side only."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two, and what is wrong there."""

    name: str
    time: str = ""
    state: str = ""
    """The verdict's state, or ``absent``: the target is not known there. Of a whole cloud
    ``healthy`` or ``broken``; ``unknown`` where nothing could be read."""
    stage: str = ""
    cause: str = ""
    summary: str = ""
    findings: tuple[str, ...] = ()
    """Of a whole cloud: the fault and the subject of all that an audit finds."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two sides, and what changed from the first to the second: the likely culprit first."""

    format: int = FORMAT
    tool: str = f"viftrail {__version__}"
    target: str = ""
    before: Side
    after: Side
    changes: tuple[Change, ...] = ()
    compared: int = 0
    """Things that are there on both sides."""
    unseen: tuple[str, ...] = ()
    """What one side only looked at, so that it could not be compared."""

    @property
    def nothing(self) -> bool:
        """No difference at all, in what was seen or in what it comes to."""
        one, other = self.before, self.after
        same = (one.state, one.cause, one.findings) == (other.state, other.cause, other.findings)
        return not self.changes and same

    @property
    def blind(self) -> bool:
        """Nothing is known on both sides, so that nothing could have differed."""
        absent = "absent" in (self.before.state, self.after.state)
        return not (self.compared or self.changes or absent)
