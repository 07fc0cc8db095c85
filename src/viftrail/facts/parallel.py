"""Work that can go on at the same time: two databases' servers are two processes."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

_TURN = 0.5
"""Seconds."""
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
    return [_interruptible(future) for future in futures]


def _interruptible(future: Future[B]) -> B:
    """Its result, waited for in short turns.

    A signal that comes just before a lock is waited for does not end that wait (CPython's
    ``PyThread_acquire_lock_timed``): Ctrl-C would be heard only when somebody answers.
    """
    while True:
        try:
            return future.result(_TURN)
        except concurrent.futures.TimeoutError:
            if future.done():
                return future.result()


class LeftBehindError(Exception):
    """Work that took too long; its thread goes on by itself and hinders nobody."""


class Task(Generic[B]):
    """Work that a `Crew` has begun, or will."""

    def __init__(self, work: Callable[[], B], slots: threading.Semaphore) -> None:
        self._slots, self._holds, self._work = slots, threading.Lock(), work
        self._held = False
        self._future = aside(self._run)

    def result(self, patience: float) -> B:
        """What came of it.

        Raises:
            LeftBehindError: it was not done within so many seconds.
        """
        try:
            return self._future.result(patience)
        except concurrent.futures.TimeoutError:
            if self._future.done():
                raise  # the work's own
            self._let_go()
            raise LeftBehindError from None

    def _run(self) -> B:
        self._slots.acquire()
        with self._holds:
            self._held = True
        try:
            return self._work()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Makes room for another; once, whoever comes first."""
        with self._holds:
            held, self._held = self._held, False
        if held:
            self._slots.release()


class Crew:
    """Does so much at once and no more, in threads that can be left behind.

    Those of a ThreadPoolExecutor are waited for when the program ends, however long that takes.
    """

    def __init__(self, size: int, enter: Callable[[], None]) -> None:
        """``enter`` is run first in each thread."""
        self._slots, self._enter = threading.Semaphore(size), enter

    def begin(self, work: Callable[[], B]) -> Task[B]:
        """Have it done as soon as there is room."""

        def entered() -> B:
            self._enter()
            return work()

        return Task(entered, self._slots)
