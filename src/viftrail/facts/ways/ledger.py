"""The ledger: every command that was run on another host or in a container, one JSON line each.

It is ``commands.jsonl`` in ``$XDG_STATE_HOME/viftrail``, by default ``~/.local/state/viftrail``
(XDG Base Directory Specification 0.8), for its owner's eyes only. A script is named, not copied,
and what looks like a password is masked. Looking at a cloud goes on when it cannot be written;
`problem` then says why.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from viftrail.facts.phrases import PASSWORD
from viftrail.facts.redaction import hidden, mark

MOST = 4 << 20
"""Bytes, beyond which the file becomes ``commands.jsonl.1`` in place of the one before it."""

_ARGUMENT = 400
"""Characters that are kept of one argument."""

_FLAG = re.compile(r"(?i)--?[\w-]*(?:pass(?:word|wd)?|secret|token|api-?key)")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One command, after it has ended. ``exit`` is null when it was cut off."""

    time: str
    way: str
    host: str
    command: tuple[str, ...]
    script: str = ""
    seconds: float
    exit: int | None


class _Failure:
    """Why the last line could not be written; the same is not tried for ever."""

    text = ""


def folder() -> Path:
    """Where this user's state belongs; a relative path in the variable counts as none."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "viftrail"


def path() -> Path:
    """The ledger itself."""
    return folder() / "commands.jsonl"


def problem() -> str:
    """Why it could not be written, as a sentence; empty when all is well."""
    return _Failure.text


def note(
    way: str,
    host: str,
    command: Sequence[str],
    *,
    script: str = "",
    began: float,
    seconds: float,
    code: int | None,
) -> None:
    """Add a command that has ended.

    Args:
        way: how it got there: ssh, ansible, docker.
        host: where it ran, as it is called there.
        command: the program and its arguments.
        script: which of viftrail's scripts it read, if any.
        began: seconds since 1970.
        seconds: how long it took.
        code: what it exited with; None when it was cut off.
    """
    if _Failure.text:
        return
    entry = Entry(
        time=datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="milliseconds"),
        way=way,
        host=host,
        command=_harmless(command),
        script=script,
        seconds=round(seconds, 3),
        exit=code,
    )
    try:
        with _open(path()) as file:
            os.write(file, msgspec.json.encode(entry) + b"\n")
    except (OSError, RuntimeError) as error:  # RuntimeError: this user has no home
        reason = getattr(error, "strerror", None) or str(error)
        _Failure.text = (
            f"The commands that are run on hosts could not be noted in {_named()} ({reason}). "
            "Make it writable, or set XDG_STATE_HOME."
        )


def _named() -> str:
    try:
        return str(path())
    except RuntimeError:
        return "this user's home"


def _harmless(words: Sequence[str]) -> tuple[str, ...]:
    """Without what looks like a secret, and without what is too long to be read."""
    found = []
    for before, word in zip(("", *words), words, strict=False):
        masked = mark(PASSWORD) if _FLAG.fullmatch(before) else hidden(word)
        found.append(masked if len(masked) <= _ARGUMENT else f"{masked[:_ARGUMENT]}…")
    return tuple(found)


@contextlib.contextmanager
def _open(place: Path) -> Iterator[int]:
    """The file to append to: other runs of viftrail may do so at the same time."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _append_to(place)
    try:
        if os.fstat(file).st_size > MOST:
            _set_aside(place, file)
            old, file = file, _append_to(place)
            os.close(old)
        yield file
    finally:
        os.close(file)


def _append_to(place: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(place, flags, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, "it is no plain file")
    return file


def _set_aside(place: Path, file: int) -> None:
    """Begin a new file, unless somebody does so right now."""
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(place.stat(), os.fstat(file)):
            place.replace(place.with_name(place.name + ".1"))
