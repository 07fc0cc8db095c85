"""What daemons logged: of the target, and of themselves."""

from __future__ import annotations

import pytest

from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import Logs, Signal
from viftrail.facts.names import Names
from viftrail.history.event import Event
from viftrail.history.logged import logged

ID = "1805f7ca-d337-4c03-8ec9-62e4fa4ef2ce"
OTHER = "00000000-1111-4222-8333-444444444444"
NAMES = Names(ports=("9b57063f-4914-4ae3-9239-b283650c1888",), server_id=ID, others=("req-1",))


def line(text: str, *ids: str, level: str = "INFO", source: str = "a@1", host: str = "") -> LogLine:
    return LogLine(
        time=1.0, host=host, service="nova-compute", level=level, text=text, source=source, ids=ids
    )


def told(*lines: LogLine, signals: tuple[tuple[str, LogLine], ...] = ()) -> list[Event]:
    made = tuple(Signal(pattern=name, line=of) for name, of in signals)
    return list(logged(Logs(lines=lines, all_signals=made), NAMES))


def test_a_line_of_the_target_without_what_is_known_of_it() -> None:
    (event,) = told(line(f"[instance: {ID}] Deleting {ID}\nTraceback", ID, host="cmp1"))
    assert (event.what, event.where) == (f"Deleting {ID}", "nova-compute of cmp1")


def test_a_line_that_two_patterns_match_is_told_once() -> None:
    one = line(f"Instance failed to spawn {ID}", ID, level="ERROR")
    (event,) = told(one, signals=(("spawn-failed", one), ("port-binding-failed", one)))
    assert event.pattern == "spawn-failed port-binding-failed"
    assert "; " in event.means


@pytest.mark.parametrize(
    ("pattern", "ids", "count"),
    [
        ("commit-failed", (), 1),
        ("commit-failed", ("req-9",), 1),
        ("commit-failed", (OTHER,), 0),
        ("connection-failed", (), 0),
        ("connection-failed", (ID,), 1),
    ],
)
def test_whom_a_sign_of_trouble_concerns(pattern: str, ids: tuple[str, ...], count: int) -> None:
    assert len(told(signals=((pattern, line("trouble", *ids)),))) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f'"GET /v2.1/servers/{ID} HTTP/1.1" status: 200 len: 9', 0),
        (f'"HEAD /v2.1/servers/{ID} HTTP/1.1" 404', 0),
        (f'"GET /v2.1/servers/{ID} HTTP/1.1" status: 500 len: 9', 1),
        (f'"DELETE /v2.1/servers/{ID} HTTP/1.1" status: 204 len: 9', 1),
        ("part of the same request", 0),
    ],
)
def test_who_merely_looked(text: str, count: int) -> None:
    assert len(told(line(text, ID, "req-1"))) == count


def test_an_endless_line_is_cut() -> None:
    (event,) = told(line(ID + "x" * 5000, ID))
    assert len(event.what) == 200
