"""Whether JSON from a stranger says anything, or is millions of lists and objects with nothing in them.

Each of these takes 50 bytes of memory and more once it is decoded, and a byte or two in the file, of
which packing leaves hardly any.
"""

from __future__ import annotations

_OPENING, _SPARSE = 4096, 12
"""How many lists and objects any text may have, and how many bytes there are for each further one:
what viftrail writes has 20 or more, and what OpenStack answers has 50."""


def is_sparse(content: bytes) -> bool:
    """It would take far more memory than anything that is worth reading."""
    opened = content.count(b"{") + content.count(b"[")
    return opened > _OPENING + len(content) // _SPARSE
