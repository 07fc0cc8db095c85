"""One thing that happened, before it is put into its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """When, what kind of witness, where it was written, and what it says."""

    time: float
    kind: str
    """``api``, ``log`` or ``row``."""
    where: str
    what: str
    means: str = ""
    pattern: str = ""
    source: str = ""
