"""How far the clock of a host is from ours: what compares logs of several hosts needs to know.

The probe reads its host's clock when it begins and when it has ended. Ours was read before the
probe was sent and after its answer had come, so that the host began after we did and ended before
we heard of it. Both together bound the difference, and no visit of its own is needed.
"""

from __future__ import annotations

import msgspec


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """How far a host's clock is ahead of the collector's, in seconds; negative: behind.

    What was asked and said took its time on the way, so it may be wrong by ``within``.
    """

    ahead: float
    within: float


def offset_of(time: float, ended: float, began: float, seconds: float) -> Offset | None:
    """One host's clock against ours; None where one of the two was not read.

    Args:
        time: the host's clock when its probe began.
        ended: the same when it had ended.
        began: our clock before it was sent.
        seconds: how long it took until we had its answer.
    """
    if not (ended and began):
        return None
    most, least = time - began, ended - (began + seconds)
    return Offset(ahead=round((most + least) / 2, 3), within=round(abs(most - least) / 2, 3))
