"""Hosts are asked for what their logs say, and for no more."""

from __future__ import annotations

import ast
import gzip
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tests.facts.log.logs_written import PORT, START, oslo, raised, vlog
from viftrail.facts.facts import Gap
from viftrail.facts.log.fetch import fetch_logs
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.log.read import read_logs
from viftrail.facts.ways.carrier import Carrier

WINDOW = Window(START, START + 3600)


@dataclass(frozen=True)
class There:
    """A host whose logs are in a folder."""

    folder: Path
    zone: str = "UTC"

    def command(self, program: Sequence[str]) -> list[str]:
        named = [f"OVN_LOGDIR={self.folder}", f"TZ={self.zone}"]
        return ["env", *named, sys.executable, *program[1:]]


def ask(there: Carrier | Gap, ids: tuple[str, ...] = (PORT,)) -> tuple[Logs, tuple[Gap, ...]]:
    return fetch_logs(["c1"], lambda _: there, WINDOW, ids)


def test_it_tells_what_a_file_would(tmp_path: Path) -> None:
    text = "".join(
        vlog(START - 5000 + n, f"nothing {n}" if n % 100 else f"Claiming lport {PORT} for this "
             "chassis.")
        for n in range(9000)
    )  # fmt: skip
    (tmp_path / "ovn-controller.log").write_text(text)
    (tmp_path / "ovn-controller.log.1.gz").write_bytes(
        gzip.compress(vlog(START + 1, f"Releasing lport {PORT} from this chassis.").encode())
    )
    found, gaps = ask(There(tmp_path))
    here = read_logs(sorted(tmp_path.iterdir()), WINDOW, [PORT])
    assert not gaps
    assert [line.text for line in found.lines] == [line.text for line in here.lines]
    assert [s.pattern for s in found.all_signals] == [s.pattern for s in here.all_signals]
    assert {line.host for line in found.lines} == {"c1"}
    assert {file.service for file in found.files} == {"ovn-controller"}
    assert found.covers("ovn-controller", START, "c1")


def test_a_record_comes_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(
        oslo(START + 1, "Instance failed to spawn", level="ERROR")
        + raised(START + 1, "Traceback", f"PortBindingFailed: Binding failed for port {PORT}")
        + oslo(START + 2, "nothing")
    )
    (line,) = ask(There(tmp_path))[0].lines
    assert line.text.splitlines()[0] == "Instance failed to spawn"
    assert line.text.splitlines()[-1].endswith(PORT)


def test_local_time_is_the_hosts(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(oslo(START + 9 * 3600 + 60, f"plugged {PORT}"))
    (line,) = ask(There(tmp_path, "Asia/Seoul" if Path("/usr/share/zoneinfo/Asia/Seoul").exists()
                        else "KST-9"))[0].lines  # fmt: skip
    assert line.time == START + 60


def test_old_files_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "ovn-controller.log"
    path.write_text(vlog(START + 1, f"Claiming lport {PORT} for this chassis."))
    os.utime(path, (START - 10, START - 10))
    found, gaps = ask(There(tmp_path))
    assert (found.files, gaps) == ((), ())


def test_a_large_file_takes_little_time(tmp_path: Path) -> None:
    path = tmp_path / "ovn-controller.log"
    with path.open("w") as log:
        for n in range(400_000):
            log.write(vlog(START - 390_000 + n, "nothing that matters here, but long enough"))
        log.write(vlog(START + 10_000, "the end"))
    began = time.monotonic()
    found, _ = ask(There(tmp_path))
    assert time.monotonic() - began < 5
    assert not found.lines


def test_it_runs_on_old_pythons() -> None:
    source = resources.files("viftrail.facts.log").joinpath("excerpt.py").read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                for name in node.names}  # fmt: skip
    assert imported <= sys.stdlib_module_names


def test_who_does_not_answer_is_a_gap(tmp_path: Path) -> None:
    class Silent:
        def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
            return ["true"]

    class Missing:
        def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
            return [str(tmp_path / "absent")]

    for there in (Silent(), Missing(), Gap("host c1", "No way there.", "Find one.")):
        found, (gap,) = ask(there)
        assert not found
        assert gap.place == "logs of c1"
        assert gap.how
