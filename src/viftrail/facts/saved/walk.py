"""The plain files of a folder and of all folders in it: no links, and nothing that a kernel made up."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from viftrail.errors import FileUnreadable

MAX_FILES = 200_000
"""In one folder. An unpacked sosreport has 10,000 to 30,000."""

_KERNELS = ("proc", "sys", "dev")
"""Where the kernel shows itself: nobody saves anything there, and some files have no end."""


def plain_files(folder: Path, refuse: Callable[[Path, OSError], None]) -> Iterator[Path]:
    """Each of them, in the order of their names; what may not be looked at is handed to ``refuse``.

    Raises:
        FileUnreadable: they are more than any report has.
    """
    count = 0
    kernels = made_up()
    unlisted: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unlisted.append):
        folders[:] = [name for name in sorted(folders) if _device(Path(place, name)) not in kernels]
        for name in sorted(names):
            path = Path(place, name)
            try:
                plain = stat.S_ISREG(path.lstat().st_mode)
            except FileNotFoundError:
                continue  # it went meanwhile
            except OSError as error:
                refuse(path, error)
                continue
            if plain:
                count += 1
                if count > MAX_FILES:
                    raise FileUnreadable(
                        f"{folder} holds more than {MAX_FILES} files.", "Name a smaller folder."
                    )
                yield path
    for failure in unlisted:
        refuse(Path(failure.filename or folder), failure)


def made_up() -> frozenset[int]:
    """The file systems, by their numbers, that are none of a disk's, wherever they are mounted."""
    own = _device(Path("/"))
    mounted = (_device(Path("/", name)) for name in _KERNELS)
    return frozenset(number for number in mounted if number not in (0, own))


def _device(path: Path) -> int:
    try:
        return path.lstat().st_dev
    except OSError:
        return 0
