"""What is read of logs is what a full read would have kept, and no more is touched."""

from __future__ import annotations

import gzip
import os
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts.log.logs_written import PORT, REQUEST, SERVER, START, oslo, raised, vlog
from viftrail.facts.log import file, keep
from viftrail.facts.log.moment import Window
from viftrail.facts.log.read import layout_name, read_logs

REFUSED = f"Refusing to bind port {PORT} due to no OVN chassis for host: cmp2"
ML2 = "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver"
OTHER = "00000000-1111-4222-8333-444444444444"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def random_log(seed: int, count: int) -> str:
    chance = random.Random(seed)
    now = START
    lines = []
    for number in range(count):
        now += chance.expovariate(0.5)
        moment = round(now - chance.random() * 8 * (chance.random() < 0.1), 3)
        port = chance.choice((PORT, OTHER))
        text, level, logger = chance.choice(
            (
                (f"Refusing to bind port {port} due to no OVN chassis for host: c", "WARNING", ML2),
                (f"nothing of port {port}", "INFO", "neutron.db"),
                (f"a great deal of port {port}", "DEBUG", "neutron.db"),
                ("x" * chance.randrange(5000), "INFO", "neutron.wsgi"),
            )
        )
        lines.append(oslo(moment, f"{number} {text}", level=level, logger=logger))
        if chance.random() < 0.1:
            lines.append(raised(moment, *[f"  at {port}"] * chance.randrange(30), logger=logger))
    return "".join(lines)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 700),
    start=st.floats(-50, 3000),
    length=st.floats(0, 1500),
    packed=st.booleans(),
)
def test_a_window_holds_what_a_full_read_holds(
    seed: int, count: int, start: float, length: float, packed: bool
) -> None:
    window = Window(START + start, START + start + length)
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "x.log" + ".gz" * packed, random_log(seed, count))
        whole = read_logs([path], ids=[PORT])
        part = read_logs([path], window, [PORT])
    assert not whole.files[0].cut
    assert part.lines == tuple(line for line in whole.lines if line.time in window)
    assert part.all_signals == tuple(s for s in whole.all_signals if s.time in window)
    assert all(PORT in line.ids and line.level != "DEBUG" for line in whole.lines)


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    """Two gigabytes, of which all but the ends is a hole that is never looked at twice."""
    path = tmp_path / "neutron-server.log"
    lines = "".join(oslo(START + n, "nothing", logger="neutron.wsgi") for n in range(20_000))
    late = START + 500_000
    with path.open("wb") as log:
        log.write(lines.encode())
        log.write(oslo(late, "again", logger="neutron.wsgi").encode() * 2000)
        log.truncate(2 << 30)
        log.seek(0, os.SEEK_END)
        log.write(b"\n" + oslo(late + 60, REFUSED, level="WARNING", logger=ML2).encode())
    found = read_logs([path], Window(START + 5000, START + 5060), [PORT])
    assert found.files[0].size > 2 << 30
    assert found.files[0].read < 256 << 20


def test_a_sorted_file_of_many_lines_is_hardly_read(tmp_path: Path) -> None:
    path = tmp_path / "neutron-server.log"
    with path.open("w") as log:
        for n in range(200_000):
            log.write(oslo(START + n, "x" * 60, logger="neutron.wsgi"))
        log.write(oslo(START + 200_001, REFUSED, level="WARNING", logger=ML2))
    found = read_logs([path], Window(START + 200_000, START + 200_010), [PORT])
    assert len(found.signals("refusing-to-bind-no-chassis", port=PORT)) == 1
    assert found.files[0].read < found.files[0].size // 20


def test_rotated_files_are_one_story(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "ovn-controller.log", vlog(START + 30, f"Claiming lport {PORT} for this "
                "chassis.")),
        written(tmp_path, "ovn-controller.log.1", vlog(START + 20, f"Releasing lport {PORT} from "
                "this chassis.")),
        written(tmp_path, "ovn-controller.log.2.gz", vlog(START + 10, f"Claiming lport {PORT} for "
                "this chassis.")),
        written(tmp_path, "ovn-controller.log-20261120.gz", vlog(START - 86400, "long ago")),
    ]  # fmt: skip
    found = read_logs(paths, Window(START, START + 60), [PORT])
    assert [line.time for line in found.lines] == [START + 10, START + 20, START + 30]
    assert {file.service for file in found.files} == {"ovn-controller"}


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    text = oslo(START, REFUSED, level="WARNING", logger=ML2)
    found = read_logs([written(tmp_path, "nova-compute.txt", text)], ids=[PORT])
    (signal,) = found.all_signals
    assert signal.line.service == "neutron-server"
    assert signal.groups == {"port": PORT, "host": "cmp2"}


def test_a_file_name_hints_where_records_do_not_tell(tmp_path: Path) -> None:
    text = vlog(START, "tcp:10.0.0.1:6642: connection attempt failed (Connection refused)",
                module="reconnect")  # fmt: skip
    path = written(tmp_path, "cmp10-ovn-controller.log", text)
    (signal,) = read_logs([path], hosts=["cmp1", "cmp10"]).all_signals
    assert (signal.line.service, signal.line.host) == ("ovn-controller", "cmp10")


def test_a_host_that_the_records_name_counts_more(tmp_path: Path) -> None:
    text = oslo(START, "Auditing locally available compute resources for cmp7 (node: cmp7)") + oslo(
        START + 1, f"[instance: {SERVER}] Claim successful on node cmp7"
    )
    (line,) = read_logs([written(tmp_path, "cmp1.log", text)], ids=[SERVER], hosts=["cmp1"]).lines
    assert line.host == "cmp7"


def test_a_request_is_followed_by_its_context(tmp_path: Path) -> None:
    text = oslo(
        START,
        "Got no allocation candidates from the Placement API. This could be due",
        logger="nova.scheduler.manager",
        context=f"None {REQUEST} 103cb 83aa - - default default",
    )
    found = read_logs([written(tmp_path, "s.log", text)], ids=[REQUEST])
    assert found.signals("no-allocation-candidates", request=REQUEST)
    assert not found.signals("no-allocation-candidates", request="req-else")


def test_a_traceback_belongs_to_its_record(tmp_path: Path) -> None:
    text = (
        oslo(START, f"[instance: {SERVER}] Instance failed to spawn", level="ERROR")
        + raised(
            START,
            f"[instance: {SERVER}] Traceback (most recent call last):",
            f'[instance: {SERVER}]   File "manager.py", line 1',
            f"[instance: {SERVER}] nova.exception.PortBindingFailed: Binding failed for port {PORT}, "
            "please check neutron logs for more information.",
        )
        + oslo(START + 1, "Terminating instance")
    )
    found = read_logs([written(tmp_path, "c.log", text)], ids=[PORT])
    assert {signal.pattern for signal in found.all_signals} == {
        "spawn-failed",
        "port-binding-failed",
    }
    (line,) = found.lines
    assert line.text.splitlines()[1] == "Traceback (most recent call last):"
    assert "Terminating" not in line.text


def test_processes_that_share_a_file_are_told_apart(tmp_path: Path) -> None:
    text = (
        oslo(START, f"[instance: {SERVER}] Instance failed to spawn", level="ERROR", pid=1)
        + oslo(START, "Failed to build and run instance", level="ERROR", pid=2)
        + raised(START, f"nova.exception.PortBindingFailed: Binding failed for port {PORT}", pid=1)
        + raised(START, "libvirt.libvirtError: nothing", pid=2)
    )
    found = read_logs([written(tmp_path, "c.log", text)], ids=[PORT])
    (line,) = found.lines
    assert "libvirtError" not in line.text
    (failed,) = found.signals("build-failed")
    assert PORT not in failed.line.ids


def test_an_address_is_not_part_of_a_longer_one(tmp_path: Path) -> None:
    text = vlog(START, "DHCPACK fa:16:3e:00:00:01 10.0.0.12", module="pinctrl") + vlog(
        START + 1, "DHCPACK fa:16:3e:00:00:02 10.0.0.1", module="pinctrl"
    )
    found = read_logs([written(tmp_path, "c.log", text)], ids=["10.0.0.1"])
    assert [line.time for line in found.lines] == [START + 1]


def test_no_more_than_so_many_lines_are_kept_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "LINES", 5)
    monkeypatch.setattr(keep, "SIGNALS", 3)
    text = "".join(
        oslo(START + n, f"{REFUSED if n % 2 else REFUSED.replace(PORT, OTHER)} {n}",
             level="WARNING", logger=ML2)
        for n in range(40)
    )  # fmt: skip
    found = read_logs([written(tmp_path, "n.log", text)], ids=[PORT])
    assert [line.time for line in found.lines] == [START + n for n in (31, 33, 35, 37, 39)]
    assert len(found.signals("refusing-to-bind-no-chassis", port=OTHER)) == 3
    assert "found and not kept" in found.files[0].cut
    assert not found.covers("neutron-server", START)


def test_of_a_window_that_is_too_large_the_end_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "MOST", 100_000)
    text = "".join(oslo(START + n, f"port {PORT} {n}") for n in range(4000))
    found = read_logs([written(tmp_path, "n.log", text)], ids=[PORT])
    assert found.lines[-1].time == START + 3999
    assert found.lines[0].time > START + 2000
    assert "only the last" in found.files[0].cut


def test_a_packed_file_is_left_when_the_window_has_passed(tmp_path: Path) -> None:
    chance = random.Random(1)
    text = "".join(oslo(START + n, chance.randbytes(60).hex()) for n in range(60_000))
    found = read_logs([written(tmp_path, "n.log.gz", text)], Window(START, START + 60))
    assert found.files[0].read < found.files[0].size // 2


def test_a_packed_file_that_unpacks_without_end_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "MOST_UNPACKED", 3 << 20)
    text = oslo(START, f"port {PORT}") + "\0" * (16 << 20)
    found = read_logs([written(tmp_path, "n.log.gz", text)], ids=[PORT])
    assert found.lines
    assert "were unpacked" in found.files[0].cut


def test_a_packed_file_that_was_cut_off_gives_what_is_there(tmp_path: Path) -> None:
    path = written(tmp_path, "n.log.gz", "".join(oslo(START + n, f"{PORT}") for n in range(5000)))
    path.write_bytes(path.read_bytes()[:-2000])
    found = read_logs([path], ids=[PORT])
    assert found.lines
    assert not found.unreadable


def test_one_endless_line_does_not_fill_memory(tmp_path: Path) -> None:
    text = oslo(START, f"port {PORT} " + "x" * (12 << 20) + f" {PORT}") + oslo(START + 1, PORT)
    found = read_logs([written(tmp_path, "n.log", text)], ids=[PORT])
    assert [line.time for line in found.lines] == [START, START + 1]
    assert all(len(line.text) <= 2000 for line in found.lines)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b" + b"no gzip at all")
    os.mkfifo(tmp_path / "pipe")
    found = read_logs([broken, tmp_path / "absent", tmp_path / "pipe", tmp_path])
    assert set(found.unreadable) == {
        str(broken), str(tmp_path / "absent"), str(tmp_path / "pipe"), str(tmp_path)
    }  # fmt: skip
    assert not found


def test_no_log_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "answer.json", '{"servers": []}')
    assert not read_logs([path]).files
    assert layout_name(path) == ""
    assert layout_name(written(tmp_path, "x", vlog(START, "x"))) == "vlog"


def test_absence_is_only_known_where_it_was_looked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "cmp1-c.log", vlog(START, "OVNSB connected", module="main"))
    found = read_logs([path], Window(START - 60, START + 60), hosts=["cmp1"])
    assert found.covers("ovn-controller", START + 1, "cmp1")
    assert not found.covers("ovn-controller", START - 1, "cmp1")
    assert not found.covers("ovn-controller", START + 1, "cmp2")
    assert not found.covers("ovn-northd", START + 1)
