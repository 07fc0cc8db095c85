"""Commands that hang, flood, or leave their pipes to somebody else; no lab is needed."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from viftrail.errors import NotPermitted, ProtocolError, Unreachable, ViftrailError
from viftrail.facts.ways import carrier, command

MOST = 1 << 20


def run(script: str, *, text: bytes = b"", timeout: float = 10.0) -> command.Said:
    return command.run(["sh", "-c", script], text, timeout=timeout, most=MOST)


def test_it_hears_both_pipes_and_the_exit_code() -> None:
    said = run("cat; echo loud >&2; exit 3", text=b"in" * 100_000)
    assert (said.output, said.errors, said.code) == (b"in" * 100_000, b"loud\n", 3)


@pytest.mark.parametrize("script", ["yes", "yes >&2"])
def test_a_flood_is_cut_off(script: str) -> None:
    began = time.monotonic()
    said = run(script)
    assert said.code is None
    assert MOST < len(said.output) + len(said.errors) < 2 * MOST
    assert time.monotonic() - began < 5


def test_what_hangs_is_ended_and_what_it_said_is_kept() -> None:
    began = time.monotonic()
    said = run("echo before; exec sleep 30", timeout=0.5)
    assert (said.output, said.code) == (b"before\n", None)
    assert time.monotonic() - began < 5


def test_who_keeps_the_pipes_is_not_waited_for() -> None:
    began = time.monotonic()
    said = run("sleep 5 & echo done")
    assert (said.output, said.code) == (b"done\n", 0)
    assert time.monotonic() - began < 4


def test_it_can_be_stopped_from_another_thread() -> None:
    timer = threading.Timer(0.3, command.stop_all)
    timer.start()
    began = time.monotonic()
    assert run("exec sleep 30").code == -signal.SIGTERM
    assert time.monotonic() - began < 5


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        command.run(["/nonexistent/program"], b"", timeout=1, most=MOST)


@dataclass(frozen=True)
class Odd:
    """A way to a host that is a shell script."""

    script: str

    def command(self, program: Sequence[str]) -> list[str]:
        return ["sh", "-c", self.script, "sh", sys.executable, *program[1:]]


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("exec sleep 30", Unreachable, "did not answer the probe within 0.6 s"),
        ("echo Hello", ProtocolError, "cannot be read"),
        ("echo '{}'", ProtocolError, "cannot be read"),
        ('echo \'{"format": 99, "hostname": "x", "time": 1}\'', ProtocolError, "format 99"),
        ("echo 'sh: 1: python3: not found' >&2; exit 127", Unreachable, "no python3"),
        ("echo 'sudo: a password is required' >&2; exit 1", NotPermitted, "only with a password"),
        ("echo 'SyntaxError: invalid syntax' >&2; exit 1", Unreachable, "SyntaxError"),
        ("exit 9", Unreachable, "no reason given (exit 9)"),
    ],
)
def test_an_odd_host(script: str, kind: type[ViftrailError], words: str) -> None:
    with pytest.raises(kind) as caught:
        carrier.visit("odd", Odd(script), 0.1, timeout=0.5)
    assert words in caught.value.what
    assert caught.value.do


def test_a_program_that_cannot_be_run_is_said() -> None:
    class Nowhere:
        def command(self, program: Sequence[str]) -> list[str]:
            return ["/nonexistent/ssh", *program]

    with pytest.raises(Unreachable, match="/nonexistent/ssh cannot be run here"):
        carrier.visit("odd", Nowhere(), 0.1)


def test_a_probe_that_hangs_on_its_way_out_has_said_enough() -> None:
    host = carrier.visit("odd", Odd('"$@"; exec sleep 30'), 0.0, timeout=3.0)
    assert host.hostname


def test_a_banner_around_the_probe_is_skipped() -> None:
    host = carrier.visit("odd", Odd('echo "{ Welcome! }"; "$@"; echo bye'), 0.0)
    assert host.hostname
