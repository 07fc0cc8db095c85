"""Running a program by a carrier, on one host or on many; what leaves this machine is noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from viftrail.errors import ViftrailError
from viftrail.facts.facts import Gap
from viftrail.facts.ways import command, ledger
from viftrail.facts.ways.command import Said

if TYPE_CHECKING:
    from viftrail.facts.ways.carrier import Carrier

T = TypeVar("T")
K = TypeVar("K")

MOST = 64 << 20
"""Bytes that one host may answer. A probe of a large one is about a megabyte."""

AT_ONCE = 16

PYTHON = ("python3", "-IB", "-")
"""A host's own Python, which reads a script from its standard input: it imports nothing that lies
in the current folder, as anybody's json.py may in /tmp, and writes no bytecode."""


@runtime_checkable
class Remote(Protocol):
    """A carrier that leaves this machine, or enters a container: what it runs is in the ledger."""

    def command(self, program: Sequence[str]) -> list[str]:
        """As `Carrier` has it."""
        ...

    @property
    def way(self) -> str:
        """How it gets there, in a word: ssh."""
        ...

    @property
    def host(self) -> str:
        """Where that is, as it is called there."""
        ...


@runtime_checkable
class Many(Remote, Protocol):
    """A carrier that had better reach many hosts in one go, as beginning takes it long."""

    def run_many(
        self,
        hosts: Sequence[str],
        program: Sequence[str],
        text: bytes = b"",
        *,
        script: str = "",
        timeout: float,
        most: int,
    ) -> Mapping[str, Said]:
        """Run a program on these, which are the ``host`` of carriers like this one.

        Who says more than ``most`` bytes is cut off there, and ended without a status.

        Raises:
            ViftrailError: it cannot be brought there.
        """
        ...


def run_by(
    carrier: Carrier,
    program: Sequence[str],
    text: bytes = b"",
    *,
    script: str = "",
    timeout: float,
    most: int,
) -> Said:
    """Run a program there, and note it in the ledger if that is somewhere else.

    Args:
        carrier: the way to the host.
        program: what to run.
        text: what it reads on its standard input.
        script: the name of that, for the ledger.
        timeout: seconds.
        most: bytes of output, beyond which it is not listened to.

    Raises:
        OSError: what brings it there cannot be run.
    """
    argv = carrier.command(program)
    if not isinstance(carrier, Remote):
        return command.run(argv, text, timeout=timeout, most=most)
    began, start, code = time.time(), time.monotonic(), None
    try:
        said = command.run(argv, text, timeout=timeout, most=most)
        code = said.code
    finally:
        ledger.note(
            carrier.way,
            carrier.host,
            program,
            script=script,
            began=began,
            seconds=time.monotonic() - start,
            code=code,
        )
    return said


def run_by_each(
    names: Iterable[str],
    carriers: Callable[[str], Carrier | Gap],
    program: Sequence[str],
    text: bytes = b"",
    *,
    script: str = "",
    timeout: float,
    most: int,
) -> dict[str, Said | Gap]:
    """Run a program on many hosts at once, as `run_by` does; a gap where that cannot be."""
    ways = {name: carriers(name) for name in dict.fromkeys(names)}
    many = {name: way for name, way in ways.items() if isinstance(way, Many)}

    def one(name: str) -> Said | Gap:
        way = ways[name]
        if isinstance(way, Gap):
            return way
        try:
            return run_by(way, program, text, script=script, timeout=timeout, most=most)
        except OSError as error:
            first = way.command(program)[0]
            return Gap(
                f"host {name}",
                f"{first} cannot be run here ({error.strerror or error}).",
                f"Make sure that {first} is installed and that this user may run it.",
            )

    answers = at_once(one, [name for name in ways if name not in many])
    if many:
        hosts = [way.host for way in many.values()]
        first, *_ = many.values()
        try:
            said = first.run_many(hosts, program, text, script=script, timeout=timeout, most=most)
            answers |= {name: said[way.host] for name, way in many.items()}
        except ViftrailError as error:
            answers |= {name: Gap(f"host {name}", error.what, error.do) for name in many}
    return {name: answers[name] for name in ways}


def at_once(task: Callable[[K], T], names: Iterable[K], most: int = AT_ONCE) -> dict[K, T]:
    """Do it for many hosts side by side; the operator does not want to wait for one that hangs."""
    wanted = list(dict.fromkeys(names))
    pool = ThreadPoolExecutor(max_workers=most)
    try:
        return dict(zip(wanted, pool.map(task, wanted), strict=True))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        command.stop_all()
        raise
    finally:
        pool.shutdown(wait=False)
