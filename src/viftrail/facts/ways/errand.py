"""One command on one host of an Ansible inventory, as ssh(1) would run it.

    python -m viftrail.facts.ways.errand INVENTORY BECOME HOST -- PROGRAM [ARGUMENT]...

What it reads goes to `PYTHON`; it prints what the program printed, and exits as it did:
255 where the host could not be reached, as ssh does. So an inventory's host is a `Carrier` like
any other.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from viftrail.errors import ViftrailError
from viftrail.facts.ways.minder import end_with_caller
from viftrail.facts.ways.play import Ansible, Answer, find_ansible, run_play, shell_command

TIMEOUT = 90.0
"""Seconds; whoever sends it on its way has a shorter limit, and ends it then."""

FAILED = 255
"""What ssh(1) exits with when it never got as far as the command."""


def main(argv: Sequence[str]) -> int:
    """Run it; its exit status."""
    inventory, become, host, _, *program = argv
    answers: list[Answer] = []
    try:
        complained = run_play(
            Ansible(find_ansible(), inventory, become=become == "become"),
            [host],
            shell_command(program, sys.stdin.buffer.read()),
            timeout=TIMEOUT,
            forks=1,
            heard=answers.append,
        )
    except ViftrailError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    if not answers:
        sys.stderr.write(f"{complained or 'Ansible said nothing of this host'}\n")
        return FAILED
    (answer,) = answers
    sys.stdout.buffer.write(answer.output.encode())
    instead = answer.message if answer.code is None else ""
    sys.stderr.buffer.write((answer.errors or instead).encode())
    return FAILED if answer.code is None else answer.code


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, _end)
    end_with_caller()
    sys.exit(main(sys.argv[1:]))
