"""How daemons lay out a record, recognised by what the file holds and not by its name.

Sources: oslo.log's ``logging_context_format_string`` and ``logging_default_format_string``; OVS
lib/vlog.c (``%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m``); libvirt src/util/virlog.c; QEMU
``-msg timestamp=on``; systemd's Journal Export Format and journalctl(1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from viftrail.facts.log.moment import STAMP, parse

LEVELS = {
    "DBG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARNING",
    "ERR": "ERROR",
    "EMER": "CRITICAL",
    "OFF": "",
    "debug": "DEBUG",
    "info": "INFO",
    "warning": "WARNING",
    "error": "ERROR",
    "TRACE": "DEBUG",
    "AUDIT": "INFO",
}
_PRIORITIES = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
"""By syslog's number (syslog(3))."""

_NATIVE = re.compile(
    r"(?P<pid>\d+) (?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL|TRACE|AUDIT) (?P<logger>[\w.\-]+) ?"
    r"(?:\[(?!instance: )(?P<context>[^\]]*)\] ?)?",
    re.ASCII,
)
_VLOG = re.compile(r"\|\d+\|(?P<module>[\w]+)(?:\([^|]*\))?\|(?P<level>\w+)\|", re.ASCII)
_LIBVIRT = re.compile(r": \d+: (?P<level>\w+) : (?P<function>[^:]*):\d+ : ")
_SYSLOG = re.compile(r"\s*(?P<host>\S+) (?P<identifier>[^\s\[:]+)(?:\[\d+\])?: ")


@dataclass
class Parts:
    """What the head of a record says; ``message`` is the rest of the record."""

    time: float
    message: str
    level: str = ""
    logger: str = ""
    context: str = ""
    host: str = ""
    unit: str = ""
    """What the journal calls who wrote it."""


@dataclass(frozen=True)
class Layout:
    """One way of writing records.

    ``head`` matches where a record begins; its first group is the time, which ``stamp`` reads.
    """

    name: str
    head: re.Pattern[bytes]
    parse: Callable[[str, float], Parts | None]
    stamp: Callable[[bytes, float], float | None]
    mixed: bool = False
    """Several daemons write into it."""


def _stamp(raw: bytes, utc_offset: float) -> float | None:
    return parse(raw.decode("ascii", "replace"), utc_offset)


def _microseconds(raw: bytes, utc_offset: float) -> float | None:  # noqa: ARG001
    return int(raw) / 1e6


def _oslo(record: str, utc_offset: float) -> Parts | None:
    stamp, _, rest = record.partition(" ")
    clock, _, rest = rest.partition(" ")
    time = parse(f"{stamp} {clock}", utc_offset)
    found = _NATIVE.match(rest)
    if time is None or found is None:
        return None
    level = found["level"]
    return Parts(
        time,
        rest[found.end() :],
        level=LEVELS.get(level, level),
        logger=found["logger"],
        context=found["context"] or "",
    )


def _vlog(record: str, utc_offset: float) -> Parts | None:
    stamp, bar, rest = record.partition("|")
    # A vlog without a Z is of somebody's own pattern: local time.
    time = parse(stamp, utc_offset)
    found = _VLOG.match(bar + rest)
    if time is None or found is None:
        return None
    return Parts(
        time,
        (bar + rest)[found.end() :],
        level=LEVELS.get(found["level"], found["level"]),
        logger=found["module"],
    )


def _libvirtd(record: str, utc_offset: float) -> Parts | None:
    cut = record.find(": ")
    time = parse(record[:cut], utc_offset)
    found = _LIBVIRT.match(record, cut)
    if time is None or found is None:
        return None
    level = LEVELS.get(found["level"], "")
    return Parts(time, record[found.end() :], level=level, logger=found["function"].strip())


def _qemu(record: str, utc_offset: float) -> Parts | None:
    stamp = re.match(STAMP.decode(), record)
    time = parse(stamp[1], utc_offset) if stamp else None
    if stamp is None or time is None:
        return None
    message = record[stamp.end() :].lstrip(": ")
    host = re.match(r"starting up libvirt version.* hostname: (\S+)", message)
    return Parts(time, message, level="INFO", logger="qemu", host=host[1] if host else "")


def _short_iso(record: str, utc_offset: float) -> Parts | None:
    stamp = re.match(STAMP.decode(), record)
    time = parse(stamp[1], utc_offset) if stamp else None
    found = _SYSLOG.match(record, stamp.end()) if stamp else None
    if time is None or found is None:
        return None
    made = _within(record[found.end() :], time, utc_offset)
    made.host, made.unit = found["host"], found["identifier"]
    return made


def _json_line(record: str, utc_offset: float) -> Parts | None:
    try:
        fields = msgspec.json.decode(record.encode(), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return _journal(fields, utc_offset)


def _export(record: str, utc_offset: float) -> Parts | None:
    fields: dict[str, Any] = {}
    lines = record.split("\n")
    for number, line in enumerate(lines):
        name, equals, value = line.partition("=")
        if equals:
            fields.setdefault(name, value)
        elif name == "MESSAGE" and number + 1 < len(lines):
            # A field with a line break in it: its length in eight bytes, then its bytes.
            fields["MESSAGE"] = "\n".join(lines[number + 1 :])[8:]
            break
    return _journal(fields, utc_offset)


def _journal(fields: dict[str, Any], utc_offset: float) -> Parts | None:
    message = fields.get("MESSAGE")
    if isinstance(message, list):  # bytes that are no UTF-8
        message = bytes(item for item in message if isinstance(item, int)).decode(errors="replace")
    try:
        time = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
        priority = int(fields.get("PRIORITY", 6))
    except (KeyError, TypeError, ValueError):
        return None
    made = _within(str(message or ""), time, utc_offset)
    made.level = made.level or (_PRIORITIES[priority] if 0 <= priority < 8 else "")
    made.logger = made.logger or str(fields.get("LOGGER_NAME", ""))
    made.host = str(fields.get("_HOSTNAME", ""))
    made.unit = str(fields.get("SYSLOG_IDENTIFIER") or "")
    unit = str(fields.get("_SYSTEMD_UNIT") or "")
    if unit:
        made.unit = f"{made.unit} {unit}"
    return made


def _within(message: str, time: float, utc_offset: float) -> Parts:
    """A record that the journal wraps in another: the inner head tells more, the outer time holds."""
    for layout in (OSLO, VLOG, LIBVIRTD):
        if layout.head.match(message.encode()):
            inner = layout.parse(message, utc_offset)
            if inner is not None:
                inner.time = time
                return inner
    bare = _NATIVE.match(message)  # oslo.log leaves the time to the journal
    if bare:
        level = LEVELS.get(bare["level"], bare["level"])
        rest = message[bare.end() :]
        return Parts(time, rest, level, bare["logger"], bare["context"] or "")
    return Parts(time, message)


def _head(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"^" + pattern, re.MULTILINE)


OSLO = Layout(
    "oslo",
    # Of ERROR, only with a context: the lines of a traceback repeat the rest of the head
    # (logging_exception_prefix), and belong to the record before them.
    _head(
        STAMP + rb" \d+ (?:(?:DEBUG|INFO|WARNING|TRACE|AUDIT) [\w.\-]+"
        rb"|(?:ERROR|CRITICAL) [\w.\-]+ \[(?!instance: ))"
    ),
    _oslo,
    _stamp,
)
VLOG = Layout("vlog", _head(STAMP + rb"\|\d+\|[\w]+(?:\([^|\n]*\))?\|[A-Z]+\|"), _vlog, _stamp)
LIBVIRTD = Layout("libvirtd", _head(STAMP + rb": \d+: \w+ : "), _libvirtd, _stamp)
QEMU = Layout("qemu", _head(STAMP + rb"(?:: (?!\d+: \w+ : )| qemu[\w.\-]*: )"), _qemu, _stamp)
EXPORT = Layout(
    "journal export",
    _head(rb"__CURSOR=[^\n]*\n__REALTIME_TIMESTAMP=(\d{1,20})$"),
    _export,
    _microseconds,
    mixed=True,
)
JSON = Layout(
    "journal json",
    _head(rb'\{(?=.*"MESSAGE").*?"__REALTIME_TIMESTAMP"\s*:\s*"(\d{1,20})"'),
    _json_line,
    _microseconds,
    mixed=True,
)
SHORT_ISO = Layout(
    "journal short-iso",
    _head(STAMP + rb" [\w.\-]+ [^\s:\[]+(?:\[\d+\])?: "),
    _short_iso,
    _stamp,
    mixed=True,
)
LAYOUTS = (OSLO, VLOG, LIBVIRTD, QEMU, EXPORT, JSON, SHORT_ISO)

SAMPLE = 64 << 10
"""Bytes of a file's beginning that tell its layout."""


def layout_of(sample: bytes) -> Layout | None:
    """The layout of most records in this beginning of a file; None: it is no log that is known."""
    counts = {layout.name: len(layout.head.findall(sample)) for layout in LAYOUTS}
    best = max(LAYOUTS, key=lambda layout: counts[layout.name])
    return best if counts[best.name] else None
