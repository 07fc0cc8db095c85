"""Numbers in text that somebody else wrote.

``str.isdigit`` holds a superscript two for a digit, which ``int`` refuses, and ``int`` refuses
what has thousands of digits. Neither may end the reading of a whole cloud.
"""

from __future__ import annotations

MAX_DIGITS = 18
"""As many as a signed number of 64 bits has in any case."""


def number(text: str) -> int | None:
    """A whole number without a sign; None where the text is none, or is longer than any that counts."""
    plain = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if plain else None
