"""Running a command that may hang, flood, or leave its pipes to somebody else.

`subprocess.run` waits for everybody who holds the pipes, as the master of a
shared ssh connection may for hours, reads without a limit, and cannot be told
from another thread to stop.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_CHUNK = 1 << 16
_GLANCE = 0.1
"""Seconds between two looks whether a silent command is still there."""

_LAST = 2.0
"""Seconds that a command has to end after it was asked to."""

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code; None when it was ended early."""

    output: bytes
    errors: bytes
    code: int | None
    began: float = 0.0
    """Seconds since 1970, by our clock; 0 where nobody noted it."""
    seconds: float = 0.0
    """How long it took."""


def run(
    command: Sequence[str],
    text: bytes,
    *,
    timeout: float,
    most: int,
    line: Callable[[bytes], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Said:
    """Run a command until it ends, has said more than ``most`` bytes, or the time is up.

    Args:
        command: the command and its arguments.
        text: what it reads on its standard input.
        timeout: seconds.
        most: bytes of output, beyond which it is not listened to.
        line: called with each line of output when it is whole; such lines are not kept.
        environment: in place of this process's own. A command that has one may be made of many
            processes, so it gets a session, in which no Ctrl-C of a terminal reaches them.

    Raises:
        OSError: it cannot be run.
    """
    began, start = time.time(), time.monotonic()
    end = start + timeout
    # In memory: a full /tmp is nothing that should keep anybody from looking.
    with os.fdopen(os.memfd_create("viftrail"), "w+b") as script:
        script.write(text)
        script.seek(0)
        process = subprocess.Popen(
            command,
            stdin=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=environment is not None,
        )
    with _listed(process):
        output, errors = _listen(process, end, most, line)
        heard = time.monotonic()
        code = _wait(process, min(0.5, max(0.0, end - heard)))
        return Said(output, errors, code, began, heard - start)


def stop_all() -> None:
    """End what runs now; whoever waits for it comes back at once."""
    with _lock:
        for process in _running:
            _signal(process.terminate)


@contextlib.contextmanager
def _listed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    with _lock:
        _running.add(process)
    try:
        yield
    finally:
        with _lock:
            _running.discard(process)
        _signal(process.terminate)  # one that has begun others ends them now
        if _wait(process, _LAST) is None:
            _signal(process.kill)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        _wait(process, 0.5)  # no longer: it may be where no signal reaches it


def _signal(send: Callable[[], None]) -> None:
    """One that sudo made root's is not ours to end: it ends by itself when nobody listens."""
    with contextlib.suppress(PermissionError):
        send()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _listen(
    process: subprocess.Popen[bytes],
    end: float,
    most: int,
    line: Callable[[bytes], None] | None,
) -> tuple[bytes, bytes]:
    """Both pipes, until they are closed or it is time to stop."""
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, heard in ((process.stdout, output), (process.stderr, errors)):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, heard)
        while selector.get_map() and len(output) + len(errors) <= most:
            left = end - time.monotonic()
            if left <= 0:
                break
            # Looked at before, as it may say all and end between the two.
            ended = process.poll() is not None
            ready = selector.select(min(_GLANCE, left))
            if not ready and ended:
                break
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif line and key.data is output and b"\n" in chunk:
                    *whole, rest = bytes(output).split(b"\n")
                    output[:] = rest
                    for each in whole:
                        line(each)
    return bytes(output), bytes(errors)
