"""Counters as proof, for want of packets of our own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from viftrail.fix.proof import by_counters
from viftrail.verdict import Target

TARGET = Target(asked="vm1", port="p-1", host="compute1")


class Counters:
    """Answers with rising counters, by a shell script."""

    def __init__(self, folder: Path, rx: int, tx: int) -> None:
        self.rx, self.tx, self.file = rx, tx, folder / "n"
        self.file.write_text("0")

    def command(self, program: Sequence[str]) -> list[str]:
        assert "external_ids:iface-id=p-1" in program[-1]
        n = int(self.file.read_text())
        self.file.write_text(str(n + 1))
        return ["echo", f"rx_bytes=9 rx_packets={n * self.rx} tx_packets={n * self.tx}"]


@pytest.mark.parametrize(("rx", "tx", "ok"), [(2, 3, True), (0, 3, None), (2, 0, None)])
def test_only_both_ways_is_a_proof(tmp_path: Path, rx: int, tx: int, ok: bool | None) -> None:
    proof = by_counters(TARGET, Counters(tmp_path, rx, tx), wait=lambda _: None)
    assert proof.ok is ok
    assert f"sent {rx} packets and got {tx}" in proof.evidence[0].seen


def test_what_cannot_be_seen_is_not_proved() -> None:
    assert by_counters(TARGET, None).ok is None


def test_a_strange_port_is_not_asked_about(tmp_path: Path) -> None:
    strange = Target(asked="x", port="x; reboot", host="h")
    assert by_counters(strange, Counters(tmp_path, 1, 1)).ok is None
