"""What was kept of logs: found by pattern, by id, and known to be complete or not."""

from __future__ import annotations

from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import LogFile, Logs, Signal
from viftrail.facts.log.moment import Window


def line(time: float, *ids: str) -> LogLine:
    return LogLine(time=time, text=f"at {time}", source=f"a@{time}", ids=ids)


def signal(time: float, *ids: str, **groups: str) -> Signal:
    return Signal(pattern="plugged", line=line(time, *ids), groups=groups)


def test_a_signal_is_asked_by_its_groups_and_else_by_its_ids() -> None:
    logs = Logs(all_signals=(signal(1, "p", "s"), signal(2, "p", host="cmp1")))
    assert [each.time for each in logs.signals("plugged", host="cmp1")] == [2]
    assert [each.time for each in logs.signals("plugged", server="s")] == [1]
    assert [each.time for each in logs.signals("plugged", port="p")] == [1, 2]
    assert logs.signals("built") == ()


def test_the_last_of_them() -> None:
    logs = Logs(all_signals=(signal(1, "p"), signal(2, "q")))
    last = logs.last("plugged", port="p")
    assert last is not None
    assert last.time == 1
    assert logs.last("plugged", port="r") is None


def test_lines_about_several_ids_each_once_and_in_order() -> None:
    logs = Logs(lines=(line(1, "p"), line(2, "p", "q"), line(3, "r")))
    assert [each.time for each in logs.about("q", "p")] == [1, 2]
    assert logs.about("nobody") == ()


def test_silence_proves_something_only_where_all_was_read() -> None:
    whole = LogFile(path="a", layout="vlog", service="ovn-northd", host="c", first=10.0)
    logs = Logs(window=Window(5, 100), files=(whole,))
    assert logs.covers("ovn-northd", 10.0, "c")
    assert logs.covers("ovn-northd", 10.0)
    assert not logs.covers("ovn-northd", 9.0), "it begins later"
    assert not logs.covers("ovn-northd", 10.0, "d")
    assert not logs.covers("nova-compute", 10.0)
    assert not Logs(window=Window(50, 100), files=(whole,)).covers("ovn-northd", 10.0)
    cut = LogFile(path="a", layout="vlog", service="ovn-northd", first=10.0, cut="too long")
    empty = LogFile(path="a", layout="vlog", service="ovn-northd")
    assert not Logs(window=Window(5, 100), files=(cut, empty)).covers("ovn-northd", 10.0)


def test_several_are_one_story() -> None:
    one = Logs(
        window=Window(5, 9), lines=(line(7),), all_signals=(signal(8),), unreadable={"x": "y"}
    )
    other = Logs(window=Window(1, 6), lines=(line(2),), all_signals=(signal(3),))
    joined = one.joined([other])
    assert [each.time for each in joined.lines] == [2, 7]
    assert [each.time for each in joined.all_signals] == [3, 8]
    assert joined.window == Window(1, 9)
    assert joined.unreadable == {"x": "y"}
    assert not joined, "no file was looked through"
