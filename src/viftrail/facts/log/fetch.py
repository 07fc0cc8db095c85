"""What the logs of live hosts say: their excerpts, brought here and read like files."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from importlib import resources

import msgspec

from viftrail.facts.facts import Gap
from viftrail.facts.log.keep import Keep, Target
from viftrail.facts.log.layout import layout_of
from viftrail.facts.log.logs import LogFile, Logs, merged
from viftrail.facts.log.moment import Window
from viftrail.facts.log.patterns import PATTERNS
from viftrail.facts.log.read import beginning
from viftrail.facts.log.record import parts_of, records
from viftrail.facts.log.service import service_of_all
from viftrail.facts.ways.carrier import Carrier
from viftrail.facts.ways.command import Said as Answered
from viftrail.facts.ways.dispatch import PYTHON, run_by_each

FORMAT = 1
TIMEOUT = 10.0
"""Seconds for one host; its excerpt is bounded to five."""

MOST = 16 << 20


class Said(msgspec.Struct, frozen=True):
    """What one file of a host says."""

    path: str
    text: str
    cut: str = ""
    first: float | None = None


class Excerpt(msgspec.Struct, frozen=True):
    """What a host's logs say (`viftrail.facts.log.excerpt`)."""

    format: int
    utc_offset: float
    files: tuple[Said, ...] = ()
    errors: tuple[str, ...] = ()


_excerpt = msgspec.json.Decoder(Excerpt)


def fetch_logs(
    hosts: Iterable[str],
    carriers: Callable[[str], Carrier | Gap],
    window: Window,
    ids: Collection[str],
) -> tuple[Logs, tuple[Gap, ...]]:
    """Ask these hosts, all at once, for what their logs say; a gap for each that does not tell.

    Args:
        hosts: by name.
        carriers: the way to each.
        window: the time that matters; both ends have to be known.
        ids: what the target is called.
    """
    question = {
        "start": window.start,
        "end": window.end,
        "needles": [*ids, *(each.phrase for each in PATTERNS if each.level != "DEBUG")],
    }
    answers = run_by_each(
        hosts,
        carriers,
        [*PYTHON, json.dumps(question)],
        resources.files("viftrail.facts.log").joinpath("excerpt.py").read_bytes(),
        script="log/excerpt.py",
        timeout=TIMEOUT,
        most=MOST,
    )
    found: list[Logs] = []
    gaps: list[Gap] = []
    for name, said in answers.items():
        answer = said if isinstance(said, Gap) else _read(said)
        if isinstance(answer, Gap):
            gaps.append(Gap(f"logs of {name}", answer.why, answer.how))
            continue
        found += [read_excerpt(name, answer, each, window, ids) for each in answer.files]
        gaps += [
            Gap(f"logs of {name}", f"{error}.", "Look there whether it may be read.")
            for error in answer.errors
        ]
    return merged(found, window), tuple(gaps)


def _read(said: Answered) -> Excerpt | Gap:
    lines = [line for line in said.output.splitlines() if line.startswith(b"{")]
    try:
        answer = _excerpt.decode(lines[-1]) if lines else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer = None
    if answer is None or answer.format != FORMAT:
        why = "It did not answer in time." if said.code is None else "It did not answer."
        by_hand = "Log in there, and look whether python3 runs and the logs may be read."
        return Gap("", why, by_hand)
    return answer


def read_excerpt(
    host: str, excerpt: Excerpt, said: Said, window: Window, ids: Collection[str]
) -> Logs:
    """One file's excerpt as logs: as if it had been read here."""
    data = said.text.encode()
    layout = layout_of(data)
    service = ""
    keep = None
    if layout is not None:
        loggers = (parts.logger for parts in beginning(data, layout, excerpt.utc_offset))
        service = service_of_all(loggers, layout.name, said.path.rpartition("/")[2])
        keep = Keep(Target(ids), window, f"{host}:{said.path}", service, host)
        for at, record in records([(0, data)], layout, keep.needles()):
            for parts in parts_of(record, layout, excerpt.utc_offset):
                keep.take(parts, at)
    file = LogFile(
        path=f"{host}:{said.path}",
        layout=layout.name if layout else "",
        service=service or service_of_all((), "", said.path.rpartition("/")[2]),
        host=host,
        first=said.first,
        size=len(data),
        read=len(data),
        cut="; ".join(filter(None, (said.cut, keep.cut if keep else ""))),
    )
    return Logs(
        window=window,
        lines=keep.lines if keep else (),
        all_signals=tuple(keep.signals()) if keep else (),
        files=(file,),
    )
