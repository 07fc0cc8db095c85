"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from viftrail.errors import CannotWrite


@contextmanager
def whole_file(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file that appears when the block ends well, and otherwise never was.

    What is no plain file (a device, a pipe) is written to and never replaced.

    Args:
        path: where it shall appear; a symbolic link is followed.
        mode: its permissions; None means those it had, or the usual ones.

    Raises:
        CannotWrite: it cannot be written.
    """
    try:
        there = _status(path)
        if there is not None and not stat.S_ISREG(there.st_mode):
            # Not O_CREAT, and not waiting for the reader of a pipe that has none.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "wb") as straight:
                os.set_blocking(straight.fileno(), True)
                yield straight
            return
        if mode is None:
            mode = stat.S_IMODE(there.st_mode) if there is not None else 0o666 & ~_umask()
        yield from _draft(path.resolve(), mode)
    except OSError as error:
        raise CannotWrite(
            f"{path} could not be written ({error.strerror or error}).",
            "Choose another place with -o; nothing was left behind.",
        ) from error


def _draft(path: Path, mode: int) -> Iterator[BinaryIO]:
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name[:100]}.", delete=False
    ) as draft:
        try:
            yield draft.file  # type: ignore[misc]
            draft.flush()
            os.fchmod(draft.fileno(), mode)
            Path(draft.name).replace(path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
