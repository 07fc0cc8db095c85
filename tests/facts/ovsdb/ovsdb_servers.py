"""Real ovsdb-servers, spoken to without any of the code under test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

os.environ["PATH"] += ":/usr/sbin:/sbin"
needs_ovsdb = pytest.mark.skipif(
    not all(map(shutil.which, ("ovsdb-server", "ovsdb-tool", "ovsdb-client"))),
    reason="ovsdb-server, ovsdb-tool and ovsdb-client are not installed",
)
OVN_NB = Path("/usr/share/ovn/ovn-nb.ovsschema")


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose sockets stay below the 108 bytes of sun_path."""
    with tempfile.TemporaryDirectory(prefix="vt", dir="/tmp") as name:
        yield Path(name)


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.01)


def answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return True
    except OSError:
        return False


class Server:
    """One ovsdb-server in the foreground, on ``socket``."""

    def __init__(self, directory: Path, files: Sequence[Path], *options: str) -> None:
        self.directory = directory
        stem = files[0].stem if files else "none"
        self.socket = directory / f"{stem}.sock"
        self.control = directory / f"{stem}.ctl"
        self.remote = f"unix:{self.socket}"
        self.process = subprocess.Popen(
            [
                "ovsdb-server",
                f"--remote=punix:{self.socket}",
                f"--unixctl={self.control}",
                "--no-chdir",
                "-vconsole:off",
                *options,
                *map(str, files),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OVS_RUNDIR": str(directory), "OVS_LOGDIR": str(directory)},
        )

    def wait(self) -> Server:
        wait_for(lambda: answers(self.socket) or self.process.poll() is not None)
        return self

    def control_command(self, *words: str) -> str:
        return run("ovs-appctl", "-t", self.control, *words)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def transact(self, database: str, *operations: Any) -> list[Any]:
        with Line(self.socket) as line:
            return line.transact(database, *operations)

    def dump(self, database: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Table to uuid to column to wire value, as ovsdb-client tells it."""
        text = run("ovsdb-client", "dump", "-f", "json", self.remote, database)
        tables: dict[str, dict[str, dict[str, Any]]] = {}
        # Not splitlines(): strings may hold U+0085 and its like.
        for line in text.rstrip("\n").split("\n"):
            table = json.loads(line)
            rows = [dict(zip(table["headings"], row, strict=True)) for row in table["data"]]
            name = table["caption"].removesuffix(" table")
            tables[name] = {row["_uuid"][1]: row for row in rows}
        return tables


class Line:
    """A JSON-RPC connection, in the plainest way there is."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))

    def __enter__(self) -> Line:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def transact(self, database: str, *operations: Any) -> list[Any]:
        request = {"method": "transact", "params": [database, *operations], "id": 1}
        self.socket.sendall(json.dumps(request).encode())
        data = b""
        while True:
            piece = self.socket.recv(1 << 16)
            assert piece, "hung up"
            data += piece
            with contextlib.suppress(ValueError):
                reply = json.loads(data)
                assert reply["error"] is None, reply
                result: list[Any] = reply["result"]
                return result


@contextlib.contextmanager
def serving(directory: Path, *files: Path, options: Sequence[str] = ()) -> Iterator[Server]:
    server = Server(directory, files, *options)
    try:
        yield server.wait()
    finally:
        server.kill()


def create(directory: Path, schema: Path | dict[str, Any], name: str = "db") -> Path:
    """A new stand-alone database file."""
    if isinstance(schema, dict):
        path = directory / f"{name}.ovsschema"
        path.write_text(json.dumps(schema))
        schema = path
    file = directory / f"{name}.db"
    run("ovsdb-tool", "create", file, schema)
    return file


@contextlib.contextmanager
def central(directory: Path) -> Iterator[dict[str, str]]:
    """Both databases of OVN, empty and served, as a host has them; the addresses of nb and sb."""
    with contextlib.ExitStack() as servers:
        files = {
            which: create(directory, OVN_NB.with_name(f"ovn-{which}.ovsschema"), f"ovn{which}_db")
            for which in ("nb", "sb")
        }
        yield {
            which: servers.enter_context(serving(directory, file)).remote
            for which, file in files.items()
        }
