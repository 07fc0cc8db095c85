"""One kind of record that decides something; `viftrail.facts.log.patterns` has all of them."""

from __future__ import annotations

import re
from functools import cached_property

import msgspec


class Pattern(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One kind of record that decides something."""

    id: str
    services: tuple[str, ...] = ()
    """Who writes it; empty: any daemon may."""
    level: str
    phrase: str
    """A part that never varies: files are searched for it, and only where it stands is the
    regex tried."""
    regex: str
    means: str
    example: str
    source: str
    """The upstream file that has the text."""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The regex, compiled when it is first needed."""
        return re.compile(self.regex, re.DOTALL)

    def match(self, text: str, level: str) -> dict[str, str] | None:
        """The named groups, if this text is of this kind."""
        # What is only said at DEBUG says what is going on, not what went wrong.
        if self.phrase not in text or (level == "DEBUG" and self.level != "DEBUG"):
            return None
        found = self.compiled.search(text)
        return {k: v for k, v in found.groupdict().items() if v is not None} if found else None
