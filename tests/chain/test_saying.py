"""A line of a log, as evidence that an operator can find again."""

from __future__ import annotations

from tests.openstack import PORT, cloud_of, signal
from viftrail.chain.saying import evidence_of, said, told
from viftrail.facts.log.line import LogLine

LINE = LogLine(
    time=1795220000.5,
    host="cmp1",
    service="nova-compute",
    text="Unable to create 'tap1'\nTraceback",
    source="/var/log/nova/nova@compute.log@4711",
)


def test_it_says_where_when_and_how_to_find_it() -> None:
    found = said(LINE)
    assert (found.where, found.seen) == ("cmp1", "Unable to create 'tap1'")
    assert found.what == "nova-compute, 2026-11-21 00:13:20 UTC"
    assert found.command == "grep -hF 'Unable to create' nova@compute.log"


def test_a_line_of_nobody_is_named_by_its_file() -> None:
    found = said(LogLine(time=0.0, text="x" * 500, source="some.log@0"))
    assert found.where == "some.log"
    assert found.what.startswith("log, 1970-01-01")
    assert len(found.seen) == 240
    assert found.seen.endswith("…")


def test_of_several_kinds_the_latest_is_told() -> None:
    early = signal("plugged", time=5, port=PORT)
    late = signal("vif-plug-timeout", time=9, port=PORT)
    other = signal("plugged", time=99, port="another")
    cloud = cloud_of(logs=(early, late, other))
    assert told(cloud, "plugged", "vif-plug-timeout", port=PORT) == late
    assert told(cloud, "built", port=PORT) is None
    assert [each.seen for each in evidence_of((early, None))] == ["words"]
