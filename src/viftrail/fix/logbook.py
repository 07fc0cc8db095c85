"""The audit trail: what was done to a cloud, by whom, and how it was before and after."""

from __future__ import annotations

import getpass
import os
import stat
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from viftrail.errors import CannotWrite


class Logbook:
    """A file of JSON lines that is only ever appended to, readable by its owner alone.

    Each line is on the disk before what it announces is done.
    """

    def __init__(self, path: Path) -> None:
        """Open it, or make it.

        Raises:
            CannotWrite: it cannot be written; nothing has been done yet.
        """
        self.path = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise _refusal(path, error.strerror or str(error)) from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise _refusal(path, "no plain file")

    def write(self, event: str, **fields: object) -> None:
        """Add a line.

        Raises:
            CannotWrite: it could not be added; what it announces must not be done.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = msgspec.json.encode({"time": now, "who": who(), "event": event, **fields}) + b"\n"
        try:
            if os.write(self._file, line) != len(line):
                raise _refusal(self.path, "the disk is full")
            os.fsync(self._file)
        except OSError as error:
            raise _refusal(self.path, error.strerror or str(error)) from error

    def close(self) -> None:
        """No line comes after this."""
        os.close(self._file)


def who() -> str:
    """The user who asked for it; through sudo, both."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{caller} as {name}" if caller and caller != name else name


def _refusal(path: Path, why: str) -> CannotWrite:
    return CannotWrite(
        f"The audit trail {path} could not be written ({why}).",
        "Choose another place with --log; without an audit trail nothing is applied.",
    )
