"""What is kept of a file: signs of trouble, and the lines of one target."""

from __future__ import annotations

import pytest

from tests.facts.log.logs_written import PORT, START
from viftrail.facts.log.keep import Keep, Target
from viftrail.facts.log.layout import Parts
from viftrail.facts.log.moment import Window

OTHER = "00000000-1111-4222-8333-444444444444"


def keep(*ids: str) -> Keep:
    return Keep(Target(ids), Window(START, START + 60), "a.log", "neutron-server", "ctl")


def refusal(port: str) -> str:
    return f"Refusing to bind port {port} due to no OVN chassis for host: cmp2"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("to 10.0.0.1 now", True),
        ("to 10.0.0.1.", True),
        ("10.0.0.1:8774", True),
        ("to 10.0.0.12", False),
        ("to 110.0.0.1", False),
        ("to 10.0.0.1.5", False),
    ],
)
def test_an_address_is_not_a_part_of_another(text: str, named: bool) -> None:
    assert bool(Target(["10.0.0.1", ""]).named_in(text)) is named


def test_a_target_without_names_is_nowhere() -> None:
    assert Target([]).named_in("anything") == ()
    assert Target([""]).named_in("") == ()


def test_a_sign_of_others_is_kept_and_their_line_is_not() -> None:
    kept = keep(PORT)
    kept.take(Parts(START + 1, refusal(OTHER), level="WARNING"), 0)
    kept.take(Parts(START + 2, refusal(PORT), level="WARNING"), 99)
    assert [each.groups["port"] for each in kept.signals()] == [PORT, OTHER]
    (line,) = kept.lines
    assert (line.source, line.host, line.service) == ("a.log@99", "ctl", "neutron-server")


def test_what_is_of_another_time_says_nothing_or_is_debug_is_not_kept() -> None:
    kept = keep(PORT)
    kept.take(Parts(START - 1, refusal(PORT), level="WARNING"), 0)
    kept.take(Parts(START + 1, "nothing of interest", level="ERROR"), 1)
    kept.take(Parts(START + 1, f"about {PORT}", level="DEBUG"), 2)
    assert (kept.lines, list(kept.signals()), kept.cut) == ((), [], "")


def test_the_context_names_the_target_as_well_as_the_message() -> None:
    kept = keep("req-1")
    kept.take(Parts(START + 1, "done", level="INFO", context="None req-1 u p"), 0)
    assert [line.ids for line in kept.lines] == [("req-1",)]


def test_the_records_own_host_and_logger_count_more_than_the_files() -> None:
    kept = keep(PORT)
    parts = Parts(START, f"port {PORT}", level="INFO", logger="nova.compute.manager", host="cmp7")
    kept.take(parts, 0)
    assert [(line.host, line.service) for line in kept.lines] == [("cmp7", "nova-compute")]
