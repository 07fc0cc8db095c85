"""What the recorded cases' logs say: which signs are there, and which are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples import folder as samples
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.log.read import read_logs

HOSTS = ("cmp1", "cmp2")
SAMPLES = sorted(path for path in samples().iterdir() if path.is_dir())


def case(name: str) -> Path:
    return next(path for path in SAMPLES if path.name.startswith(name))


def logs_of(folder: Path, ids: tuple[str, ...] = ()) -> Logs:
    return read_logs((path for path in folder.rglob("*") if path.is_file()), ids=ids, hosts=HOSTS)


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_every_log_is_known_and_read(folder: Path) -> None:
    logs = logs_of(folder)
    assert not logs.unreadable
    known = {Path(file.path).name: file for file in logs.files}
    for path in (folder / "logs").glob("*.log"):
        if "console" not in path.name:
            assert path.name in known
    computes = [file for name, file in known.items() if "nova-compute" in name]
    assert all(file.service == "nova-compute" and file.host in HOSTS for file in computes)
    assert all(not file.cut for file in logs.files)
    assert not any(Path(file.path).parent.name in ("api", "ovs", "db") for file in logs.files)


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_a_window_is_a_part_of_the_whole(folder: Path) -> None:
    whole = logs_of(folder)
    if not whole.all_signals:
        return
    middle = whole.all_signals[len(whole.all_signals) // 2].time
    window = Window(middle - 2, middle + 2)
    part = read_logs((file.path for file in whole.files), window, hosts=HOSTS)
    assert part.all_signals == tuple(s for s in whole.all_signals if s.time in window)


@pytest.mark.parametrize(
    ("name", "there", "not_there"),
    [
        ("s2-", ("plugged", "built", "claiming-port", "dhcp-answered", "unexpected-event"),
         ("vif-plug-timeout", "port-binding-failed", "no-allocation-candidates")),
        ("s4-", ("plugged", "vif-plug-timeout", "vif-create-failed", "network-allocation-failed"),
         ("claiming-port", "built", "port-binding-failed")),
        ("s5-", ("no-allocation-candidates", "placement-lacks-resource", "schedule-failed"),
         ("claim-successful", "plugged")),
        ("s6-", ("refusing-to-bind-dead-agent", "bind-failed", "port-binding-failed"),
         ("refusing-to-bind-no-chassis", "plugged", "vif-plug-timeout")),
        ("s7-", ("refusing-to-bind-no-chassis", "bind-failed", "port-binding-failed"),
         ("refusing-to-bind-dead-agent", "plugged")),
        ("s8-", ("refusing-to-bind-no-mapping", "port-binding-failed"),
         ("refusing-to-bind-dead-agent", "refusing-to-bind-no-chassis")),
        ("p4-", ("vif-plug-timeout", "vif-create-failed", "inactivity"), ("claiming-port",)),
        ("p5-", ("no-allocation-candidates", "placement-lacks-resource"), ("plugged",)),
        ("s17-", (), ("plugged", "built", "vif-plug-timeout")),
    ],
)  # fmt: skip
def test_a_case_shows_its_signs(
    name: str, there: tuple[str, ...], not_there: tuple[str, ...]
) -> None:
    found = {signal.pattern for signal in logs_of(case(name)).all_signals}
    assert set(there) <= found
    assert not found & set(not_there)


def test_a_signal_is_found_by_its_port() -> None:
    logs = logs_of(case("s7-"))
    signal = logs.signals("refusing-to-bind-no-chassis")[0]
    assert logs.signals("refusing-to-bind-no-chassis", port=signal.groups["port"], host="cmp2")
    assert not logs.signals("refusing-to-bind-no-chassis", port=signal.groups["port"], host="cmp1")
    assert logs.last("port-binding-failed", port=signal.groups["port"])
