"""Reading logs: a window of time, and of that no more than what decides something.

A plain file is entered by halving (`seek`), a gzipped one is unpacked block by block and left
when the window has passed; neither is ever held as a whole. Nothing is written.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from viftrail.facts.log.file import LogBytes
from viftrail.facts.log.keep import Keep, Target
from viftrail.facts.log.layout import Layout, Parts, layout_of
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.log.moment import Window
from viftrail.facts.log.record import parts_of, records
from viftrail.facts.log.service import host_named, service_of_all

ALWAYS = Window()
_OWN_NAME = re.compile(
    r"Auditing locally available compute resources for (\S+)|Claim successful on node (\S+)"
)
"""Where nova-compute says which host it is (nova/compute/resource_tracker.py, claims.py)."""

_HEADS = 200
"""Records at a file's beginning that tell whose it is."""


def read_logs(
    paths: Iterable[str | os.PathLike[str]],
    window: Window = ALWAYS,
    ids: Collection[str] = (),
    *,
    hosts: Collection[str] = (),
    host_of: Mapping[str, str] | None = None,
    utc_offset: float = 0.0,
) -> Logs:
    """Read what matters of these logs.

    What is no log is passed over; what cannot be read is told in ``Logs.unreadable``.

    Args:
        paths: files, plain or gzipped, rotated or not, of any of the daemons, in any order.
        window: the time that matters.
        ids: what the target is called: ids of server, ports and networks, MACs, addresses,
            requests. Records above DEBUG that carry one are kept, beside those that match a
            decisive pattern (these all, whatever they are about).
        hosts: names of hosts that are known; a file whose name mentions one is taken to be
            from there, unless its records tell otherwise.
        host_of: by path, the host that a file is known to be from, as one in its sosreport.
        utc_offset: seconds east of UTC of the clock that oslo.log writes its records by: it
            writes local time without a zone. OVS, OVN, libvirt and journald say their zone.
    """
    target = Target(ids)
    files: list[LogFile] = []
    lines: list[LogLine] = []
    signals: list[Signal] = []
    unreadable: dict[str, str] = {}
    for path in dict.fromkeys(os.fspath(path) for path in paths):
        try:
            with LogBytes(path) as opened:
                layout = layout_of(opened.sample)
                if layout is None:
                    continue
                known = (host_of or {}).get(path, "")
                seen, keep = _look_through(opened, layout, target, window, hosts, utc_offset, known)
        except (OSError, zlib.error) as error:
            unreadable[path] = getattr(error, "strerror", None) or str(error)
            continue
        files.append(seen)
        lines += keep.lines
        signals += keep.signals()
    return Logs(
        window=window,
        lines=tuple(sorted(lines, key=lambda line: line.time)),
        all_signals=tuple(sorted(signals, key=lambda signal: signal.time)),
        files=tuple(files),
        unreadable=unreadable,
    )


def layout_name(path: str | os.PathLike[str]) -> str:
    """How the records of this file are laid out; empty: it is no log that is known.

    Raises:
        OSError: it cannot be read.
        zlib.error: it is packed and does not unpack.
    """
    with LogBytes(os.fspath(path)) as opened:
        layout = layout_of(opened.sample)
    return layout.name if layout else ""


def _look_through(
    opened: LogBytes,
    layout: Layout,
    target: Target,
    window: Window,
    hosts: Collection[str],
    utc_offset: float,
    known: str,
) -> tuple[LogFile, Keep]:
    heads = beginning(opened.sample, layout, utc_offset)
    service = ""
    if not layout.mixed:
        loggers = (parts.logger for parts in heads)
        service = service_of_all(loggers, layout.name, Path(opened.path).name)
    host = _host_told(heads) or known or host_named(opened.path, hosts)
    keep = Keep(target, window, opened.path, service, host)
    for at, record in records(opened.blocks(layout, window, utc_offset), layout, keep.needles()):
        for parts in parts_of(record, layout, utc_offset):
            keep.take(parts, at)
    seen = LogFile(
        path=opened.path,
        layout=layout.name,
        service=service,
        host=host,
        first=heads[0].time if heads else None,
        size=opened.size,
        read=opened.count,
        cut="; ".join(filter(None, (opened.cut, keep.cut))),
    )
    return seen, keep


def beginning(sample: bytes, layout: Layout, utc_offset: float) -> list[Parts]:
    """The first records of a file, without what continues them."""
    found: list[Parts] = []
    for match in layout.head.finditer(sample):
        start = match.start()
        end = sample.find(b"\n", match.end())
        if layout.name == "journal export":
            following = layout.head.search(sample, match.end())
            end = following.start() if following else len(sample)
        parts = layout.parse(
            sample[start : end if end >= 0 else None].decode(errors="replace"), utc_offset
        )
        if parts:
            found.append(parts)
        if len(found) >= _HEADS:
            break
    return found


def _host_told(heads: Iterable[Parts]) -> str:
    """The host that the records themselves name."""
    for parts in heads:
        if parts.host:
            return parts.host
        said = _OWN_NAME.search(parts.message) if "nova.compute" in parts.logger else None
        if said:
            return said[1] or said[2]
    return ""
