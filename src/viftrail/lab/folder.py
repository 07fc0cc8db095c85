"""Where a lab keeps its files, and how to tell a living lab from a dead one's remains.

Everything of a lab lies in ``/run/viftrail/labs/NAME``. Its keeper and its
janitor hold a flock(2) on that folder for as long as they live, so no pid that
may have been reused has to be believed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from pathlib import Path
from typing import Final

from viftrail.errors import LabError, UsageError

#: The parent of all labs of this machine.
LABS: Final = Path("/run/viftrail/labs")

#: Short, because a unix socket's path has 107 characters and no more.
_NAME: Final = re.compile(r"[a-z0-9-]{1,24}")


class Folder:
    """The folder of one lab."""

    def __init__(self, name: str) -> None:
        """Takes a lab's name.

        Raises:
            UsageError: the name does not fit.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be the name of a lab.",
                "Use 1 to 24 of the characters a-z, 0-9 and '-'.",
            )
        self.name = name
        self.path = LABS / name

    @property
    def socket(self) -> Path:
        """The keeper's request socket."""
        return self.path / "keeper.sock"

    @property
    def log(self) -> Path:
        """What the keeper and its children print."""
        return self.path / "keeper.log"

    @property
    def hosts(self) -> Path:
        """What nodes and VMs see as /etc/hosts."""
        return self.path / "hosts"

    @property
    def programs(self) -> Path:
        """What comes first in a node's PATH."""
        return self.path / "bin"

    def node(self, node: str) -> Path:
        """The folder of one node; run, log, db and etc lie in it."""
        return self.path / node

    def alive(self) -> bool:
        """Whether a keeper or janitor holds the folder."""
        lock = self._try_lock()
        if lock is None:
            return self.path.is_dir()
        os.close(lock)
        return False

    def claim(self) -> int:
        """Makes the folder and locks it for the caller; gives back the lock's descriptor.

        The remains of a dead lab of that name are removed first.

        Raises:
            LabError: a living lab has that name.
        """
        # Made and locked under a name that is no lab's, then renamed: nobody ever
        # sees an unlocked folder of a lab that is just being made.
        draft = self._make_draft()
        lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # rename(2) replaces an empty folder without a word: so that no lab is ever empty.
        (draft / self.hosts.name).touch()
        try:
            self.remove_if_dead()
            draft.rename(self.path)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)
            raise LabError(
                f"A lab named {self.name!r} is up already.",
                f"Take it down with 'viftrail lab down --name {self.name}', "
                "or give another --name.",
            ) from error
        return lock

    def _make_draft(self) -> Path:
        draft = LABS / f".{self.name}.{os.getpid()}"
        for _ in range(10):
            # Another lab's janitor may just be removing the empty parents.
            with contextlib.suppress(FileNotFoundError):
                LABS.mkdir(parents=True, exist_ok=True)
                draft.mkdir()
                return draft
        raise LabError(f"The folder {draft} cannot be made.")

    def remove(self) -> None:
        """Deletes the folder, and its parents once they are empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        for parent in (LABS, LABS.parent):
            with contextlib.suppress(OSError):
                parent.rmdir()

    def remove_if_dead(self) -> None:
        """Deletes what a lab left that was killed together with its janitor."""
        lock = self._try_lock()
        if lock is not None:
            try:
                self.remove()
            finally:
                os.close(lock)

    def _try_lock(self) -> int | None:
        """Locks the folder if it exists and nobody holds it."""
        try:
            lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been removed, and made anew, while we opened it.
            if os.path.samestat(os.fstat(lock), self.path.stat()):
                return lock
        except OSError:
            pass
        os.close(lock)
        return None


def living() -> list[str]:
    """The names of the labs that are up; the remains of dead ones are removed."""
    try:
        entries = sorted(entry.name for entry in LABS.iterdir() if entry.is_dir())
    except OSError:
        return []
    names = []
    for entry in entries:
        if not _NAME.fullmatch(entry):
            _remove_draft(LABS / entry)
            continue
        folder = Folder(entry)
        if folder.alive():
            names.append(entry)
        else:
            folder.remove_if_dead()
    return names


def _remove_draft(draft: Path) -> None:
    """Deletes the folder of a keeper that was killed before it named its lab."""
    try:
        lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(draft, ignore_errors=True)
    except OSError:
        pass  # its keeper lives
    finally:
        os.close(lock)
