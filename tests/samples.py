"""The recorded OpenStack cases that lie beside this checkout, in ``shared/samples``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from viftrail.facts.saved.folder import FolderSource, open_folder


def folder() -> Path:
    """Where they are: in ``shared`` of the checkout, or of any folder above it.

    Raises:
        FileNotFoundError: nowhere; they belong to what the tests need.
    """
    for parent in Path(__file__).resolve().parents:
        found = parent / "shared" / "samples"
        if found.is_dir():
            return found
    raise FileNotFoundError("shared/samples is not beside this checkout")


@cache
def opened(case: str) -> FolderSource:
    return open_folder(folder() / case)


def note(case: str) -> str:
    return (folder() / case / "NOTE.txt").read_text()


def server(case: str) -> str:
    """The server that a case is about, as its note says."""
    return next(line.split()[1] for line in note(case).splitlines() if line.startswith("server:"))
