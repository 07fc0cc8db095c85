"""Work that can go on at the same time: two databases' servers are two processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def aside(work: Callable[[], B]) -> Future[B]:
    """Work begun in a thread of its own, that an operator who interrupts need not wait for."""

    def fulfil() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)

    future: Future[B] = Future()
    threading.Thread(target=fulfil, daemon=True).start()
    return future


def side_by_side(work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """Each item in a thread of its own; the first failure is raised when all have begun."""
    futures = [aside(partial(work, item)) for item in items]
    return [future.result() for future in futures]
