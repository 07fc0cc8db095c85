"""What follows from a cloud as a whole, reckoned once as long as it lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from viftrail.chain.cloud import Cloud

R = TypeVar("R")


def once(function: Callable[[Cloud], R]) -> Callable[[Cloud], R]:
    """Have several faults, or one fault many times, share what is the same for all of them."""
    known: WeakKeyDictionary[Cloud, R] = WeakKeyDictionary()

    @wraps(function)
    def shared(cloud: Cloud) -> R:
        if cloud not in known:
            known[cloud] = function(cloud)
        return known[cloud]

    return shared
