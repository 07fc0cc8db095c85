"""Commands into a QEMU guest, by its second serial line.

Nothing of it passes the guest's network card, which may be what is broken. A request is one
line: a number, and scripts in base64; the guest runs them all at once, and answers with one
line: the number, and for each script its exit code, its output and its errors.

As a program it runs one command: ``python -m viftrail.lab.serial SOCKET COMMAND…``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from viftrail import itself
from viftrail.errors import LabError, ViftrailError

#: What runs in the guest. The tag keeps an empty word from getting lost.
AGENT: Final = """\
#!/bin/sh
exec 3<>/dev/ttyS1
stty raw -echo <&3
while :; do
    read -r number jobs <&3 || { sleep 1; continue; }
    [ -n "$jobs" ] || continue
    count=0
    for job in $jobs; do
        count=$((count + 1))
        (
            echo "$job" | base64 -d >/tmp/$count.sh
            sh /tmp/$count.sh </dev/null >/tmp/$count.out 2>/tmp/$count.err 3>&-
            echo $? >/tmp/$count.code
        ) &
    done
    wait
    line=$number
    for each in $(seq $count); do
        line="$line $(cat /tmp/$each.code):$(base64 -w 0 /tmp/$each.out):"
        line="$line$(base64 -w 0 /tmp/$each.err)"
    done
    echo "$line" >&3
done
"""

TIMEOUT: Final = 20.0
"""Seconds for a command, and for waiting until another one has ended."""


@dataclass(frozen=True)
class Answer:
    """How one script ended."""

    code: int
    output: str
    errors: str


def run_scripts(path: str, scripts: Sequence[str], timeout: float = TIMEOUT) -> list[Answer]:
    """Runs shell scripts in the guest, all at once.

    Raises:
        LabError: the guest does not run, or does not answer in ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    number = f"{os.getpid()}.{time.monotonic_ns()}"
    words = [base64.b64encode(script.encode() or b"\n").decode() for script in scripts]
    with _line(path, deadline) as sock:
        # Whatever somebody cut off left half a line behind: it ends here.
        sock.sendall(f"\n{number} {' '.join(words)}\n".encode())
        for line in _lines(sock, deadline):
            head, *rest = line.split()
            if head == number and len(rest) == len(scripts):
                return [_answer(word) for word in rest]
    raise LabError(f"The guest's agent hung up ({path}).")


@contextlib.contextmanager
def _line(path: str, deadline: float) -> Iterator[socket.socket]:
    """The serial line, for one client at a time: QEMU serves no second one."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise LabError("The guest is busy with another command.", "Try again.")
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                sock.connect(path)
            except OSError as error:
                raise LabError(
                    "The guest does not run.", "`viftrail lab reboot VM` starts it again."
                ) from error
            yield sock
    finally:
        os.close(lock)


def _lines(sock: socket.socket, deadline: float) -> Iterator[str]:
    kept = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LabError("The guest did not answer in time.", "See `viftrail lab console VM`.")
        sock.settimeout(left)
        try:
            chunk = sock.recv(1 << 16)
        except TimeoutError:
            continue
        if not chunk:
            return
        *whole, kept = (kept + chunk).split(b"\n")
        yield from (line.decode("ascii", "replace") for line in whole if line.strip())


def _answer(word: str) -> Answer:
    try:
        code, output, errors = word.split(":")
        texts = [base64.b64decode(part).decode("utf-8", "replace") for part in (output, errors)]
        return Answer(int(code), *texts)
    except (ValueError, binascii.Error) as error:
        raise LabError("The guest's agent answered something else than was agreed.") from error


def main(arguments: Sequence[str]) -> int:
    """Runs one command in the guest of a socket; its exit code."""
    path, *argv = arguments
    try:
        (answer,) = run_scripts(path, [shlex.join(argv)], timeout=60.0)
    except ViftrailError as error:
        sys.stderr.write(f"viftrail: {error}\n")
        return error.exit_code
    sys.stdout.write(answer.output)
    sys.stderr.write(answer.errors)
    return answer.code


def command(path: str, argv: Sequence[str]) -> list[str]:
    """The local command that runs ``argv`` in the guest."""
    return [*itself.part("viftrail.lab.serial"), path, *argv]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
