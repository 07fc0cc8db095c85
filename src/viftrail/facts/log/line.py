"""One record of a log, whoever wrote it."""

from __future__ import annotations

import re

import msgspec

TEXT = 2000
"""Characters of a record that are kept: its beginning, and its end, where a traceback tells why."""

MOST_IDS = 24

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(
    rf"(?<![0-9a-zA-Z])(?:req-{_UUID}|{_UUID}|tap[0-9a-f]{{8}}-[0-9a-f]{{2}}"
    r"|instance-[0-9a-f]{8}|(?:[0-9a-f]{2}:){5}[0-9a-f]{2})(?![0-9a-zA-Z])"
)


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A record with all lines that belong to it."""

    time: float
    """Seconds since 1970, UTC."""
    host: str = ""
    """The host that wrote it; empty where neither the record nor the file's name tells."""
    service: str = ""
    """The daemon: ``nova-compute``, ``ovn-controller``…; empty where nothing tells."""
    level: str = ""
    """DEBUG, INFO, WARNING, ERROR or CRITICAL, whatever the daemon calls it."""
    logger: str = ""
    """oslo.log's logger, or vlog's module without its thread."""
    text: str
    """The message and what follows it, no more than `TEXT` characters."""
    source: str = ""
    """FILE@OFFSET: where the record begins, in bytes (unpacked, if it was packed)."""
    ids: tuple[str, ...] = ()
    """The ids in it, its context included: UUIDs, requests, taps, domains and MACs."""


def ids_in(text: str) -> tuple[str, ...]:
    """Every id in a text, each once."""
    found: dict[str, None] = {}
    for match in _ID.finditer(text):
        found[match[0]] = None
        if len(found) >= MOST_IDS:
            break
    return tuple(found)


def shortened(text: str) -> str:
    """The beginning and the end, no longer than `TEXT`."""
    text = text.strip()
    if len(text) <= TEXT:
        return text
    tail = TEXT // 3
    return f"{text[: TEXT - tail - 3]}...{text[-tail:]}"
