"""Real ovsdb-servers and a real ovn-northd, in a folder, without root.

They build Southbound from a Northbound file. The claims, which ovn-controllers
would make, are written by us in bulk.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from viftrail.errors import LabError
from viftrail.facts.ovsdb import Client, Select, parse_remotes
from viftrail.facts.row import Row
from viftrail.lab.kernel import die_with_parent
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import NORTHBOUND, SOUTHBOUND, Ovsdb, Transaction, members
from viftrail.lab.synth.compose import NB_CFG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

#: Seconds for one answer, or for northd to be done: a hundred thousand ports take one minute.
PATIENCE: Final = 900.0
_PACKAGES: Final = {
    "ovn-northd": "ovn-central",
    "ovsdb-server": "openvswitch-common",
    "ovs-appctl": "openvswitch-common",
}
_BATCH: Final = 2000
_SERVERS: Final = {NORTHBOUND: "nb", SOUTHBOUND: "sb"}


class _Binding(Row, frozen=True, kw_only=True):
    """Of a Port_Binding what is needed here: the answers are large enough."""

    table: ClassVar[str] = "Port_Binding"

    logical_port: str = ""


class _SwitchPort(Row, frozen=True, kw_only=True):
    table: ClassVar[str] = "Logical_Switch_Port"

    name: str = ""


R = TypeVar("R", bound=Row)


def missing_packages() -> tuple[str, ...]:
    """The Debian packages that this computer lacks for it."""
    return tuple(sorted({package for program, package in _PACKAGES.items() if not _where(program)}))


def _where(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Central:
    """Both databases and northd, for the length of a ``with`` block."""

    def __init__(self, northbound: Path, southbound: Path) -> None:
        """Takes the database files, which are changed in place."""
        self._files = {NORTHBOUND: northbound, SOUTHBOUND: southbound}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # Apart from the files: the path of a socket must not exceed 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="viftrail-synth-"))

    def __enter__(self) -> Central:  # noqa: PYI034 - typing.Self is Python 3.11's
        try:
            for database, short in _SERVERS.items():
                remote = f"--remote=punix:{self._socket(database)}"
                self._start(short, "ovsdb-server", str(self._files[database]), remote)
            for database, short in _SERVERS.items():
                self._wait(self._socket(database).exists, short, f"{database} to be served")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    # What happens in it -------------------------------------------------------

    def carry_over(self) -> None:
        """Starts northd, and waits until all of Northbound is in Southbound.

        Northbound begins one echo behind what the chassis say.
        """
        remotes = [
            f"--ovn{short}-db=unix:{self._socket(database)}" for database, short in _SERVERS.items()
        ]
        self._start("northd", "ovn-northd", *remotes)
        self._echoed(NB_CFG - 1)

    def _echoed(self, nb_cfg: int) -> None:
        """Waits until northd has carried over all up to this ``NB_Global.nb_cfg``."""
        with self._open(NORTHBOUND) as northbound:

            def done() -> bool:
                (row,) = northbound.select("NB_Global", [], "sb_cfg")
                return bool(row["sb_cfg"] == nb_cfg)

            self._wait(done, "northd", "northd to build Southbound")

    def claim(self, claims: Mapping[str, str]) -> None:
        """Has each logical port claimed by the chassis with that uuid; waits until northd knows."""
        bindings = self._bindings()
        with self._northd_asleep(), self._open(SOUTHBOUND) as southbound:
            for batch in _batches(claims.items()):
                transaction = Transaction()
                for port, chassis in batch:
                    transaction.update(
                        "Port_Binding",
                        _is(bindings[port]),
                        chassis=members([["uuid", chassis]]),
                        up=members([True]),
                    )
                southbound.commit(transaction)
        vms = set(claims) & {row.name for row in self._select(NORTHBOUND, _SwitchPort)}

        def up() -> bool:
            rows = self._select(NORTHBOUND, _SwitchPort, (("up", "==", True),))
            return vms <= {row.name for row in rows}

        # Each look costs the server a large answer.
        pause = min(5.0, 0.05 + len(vms) / 20_000)
        self._wait(up, "northd", "northd to report the ports up", pause)
        # A port that is up gets more flows than one that is not.
        transaction = Transaction()
        transaction.update("NB_Global", [], nb_cfg=NB_CFG)
        with self._open(NORTHBOUND) as northbound:
            northbound.commit(transaction)
        self._echoed(NB_CFG)

    @contextlib.contextmanager
    def _northd_asleep(self) -> Iterator[None]:
        """Has northd see what happens meanwhile at once, not bit by bit."""
        northd = self._processes["northd"]
        northd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            northd.send_signal(signal.SIGCONT)

    def stop_northd(self) -> None:
        """Ends northd: from now on nothing is mended."""
        self._end(self._processes.pop("northd"))

    def forget(self, ports: Iterable[str]) -> None:
        """Takes the bindings of logical ports out of Southbound."""
        wanted = set(ports)
        if not wanted:
            return
        transaction = Transaction()
        for port, uuid in self._bindings().items():
            if port in wanted:
                transaction.delete("Port_Binding", _is(uuid))
        with self._open(SOUTHBOUND) as southbound:
            southbound.commit(transaction)

    def compact(self) -> None:
        """Has the servers rewrite their files without history."""
        for database, short in _SERVERS.items():
            control = str(self._folder / f"{short}.ctl")
            program = _where("ovs-appctl") or "ovs-appctl"
            done = subprocess.run(
                [program, "-t", control, "ovsdb-server/compact", database],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            if done.returncode:
                raise LabError(f"{database} could not be compacted: {done.stderr.strip()}")

    # Databases ----------------------------------------------------------------

    def _socket(self, database: str) -> Path:
        return self._folder / f"{_SERVERS[database]}.sock"

    def _open(self, database: str) -> Ovsdb:
        return Ovsdb(self._socket(database), database, timeout=PATIENCE)

    def _select(
        self,
        database: str,
        row_type: type[R],
        where: tuple[tuple[str, str, object], ...] = (),
    ) -> list[R]:
        # The reader is made for large answers; the writer's is not.
        remotes = parse_remotes(f"unix:{self._socket(database)}", default_port=0)
        with Client.connect(remotes, database=database, timeout=PATIENCE) as client:
            return client.select([Select(row_type, where)])[0] or []

    def _bindings(self) -> dict[str, str]:
        """The uuids of the Port_Bindings by logical port."""
        return {row.logical_port: row.uuid for row in self._select(SOUTHBOUND, _Binding)}

    # Processes ----------------------------------------------------------------

    def _start(self, name: str, program: str, *arguments: str) -> None:
        where = _where(program)
        if where is None:
            raise LabError(
                f"{program} is not installed.",
                f"Install {_PACKAGES[program]}, or build with --without-northd.",
            )
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [where, *arguments, f"--unixctl={self._folder / name}.ctl", "-vconsole:warn"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"OVS_RUNDIR": str(self._folder), "OVN_RUNDIR": str(self._folder)},
                preexec_fn=functools.partial(die_with_parent, signal.SIGKILL),
            )

    def _wait(
        self, condition: Callable[[], bool], name: str, what: str, pause: float = 0.05
    ) -> None:
        """Waits for something that process ``name`` does.

        Raises:
            LabError: the process ended, or time is up.
        """
        process = self._processes[name]

        def over() -> bool:
            return condition() or process.poll() is not None

        if not wait_until(over, PATIENCE, pause) or process.poll() is not None:
            words = (self._folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
            raise LabError(
                f"Waited in vain for {what}"
                + (f"; it said: {words[-1]}" if words else "")
                + (f" (exit {process.returncode})." if process.poll() is not None else ".")
            )

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(timeout=20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _close(self) -> None:
        began = time.monotonic()
        while self._processes:
            _, process = self._processes.popitem()  # last started first
            if time.monotonic() - began > 30.0:
                process.kill()
            self._end(process)
        shutil.rmtree(self._folder, ignore_errors=True)


def _is(uuid: str) -> list[Any]:
    return [["_uuid", "==", ["uuid", uuid]]]


def _batches(items: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch
