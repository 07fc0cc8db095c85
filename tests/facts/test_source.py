"""Questions are values: the same question is the same key."""

from __future__ import annotations

from tests.cloud import healthy
from viftrail.facts.live import LiveSource
from viftrail.facts.northbound import LogicalSwitchPort, NBGlobal
from viftrail.facts.source import Ask, Source
from viftrail.facts.stored import StoredSource


def test_the_same_question_is_asked_once() -> None:
    one, other = Ask(LogicalSwitchPort, "name", "x"), Ask(LogicalSwitchPort, "name", "x")
    assert len({one, other}) == 1
    assert one != Ask(LogicalSwitchPort, "name", "y")
    assert Ask(NBGlobal) == Ask(NBGlobal, "", "")


def test_a_recording_and_a_live_cloud_can_do_the_same() -> None:
    wanted = {name for name in vars(Source) if not name.startswith("_")} - {"taken", "owner"}
    assert wanted
    for source in (StoredSource, LiveSource):
        assert wanted <= set(dir(source)), source
    assert StoredSource(healthy()).taken == LiveSource.taken == ""
