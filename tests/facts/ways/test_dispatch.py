"""One program on many hosts: one visit each, or one for all where beginning takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from viftrail.errors import ProtocolError
from viftrail.facts.facts import Gap
from viftrail.facts.ways.carrier import Carrier, Local
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.dispatch import run_by_each

VISITS: list[Sequence[str]] = []


@dataclass(frozen=True)
class Bus:
    """A carrier that takes all of its hosts at once, or none."""

    way: ClassVar[str] = "bus"
    host: str
    broken: bool = False

    def command(self, program: Sequence[str]) -> list[str]:
        raise AssertionError(program)

    def run_many(
        self,
        hosts: Sequence[str],
        program: Sequence[str],  # noqa: ARG002
        text: bytes = b"",  # noqa: ARG002
        *,
        script: str = "",  # noqa: ARG002
        timeout: float,  # noqa: ARG002
        most: int,
    ) -> Mapping[str, Said]:
        if self.broken:
            raise ProtocolError("Too long.", "Use --ssh.")
        VISITS.append(hosts)
        assert most == 99
        return {host: Said(host.encode(), b"", 0) for host in hosts}


@dataclass(frozen=True)
class Nowhere:
    def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
        return ["/nonexistent/ssh"]


def test_each_host_has_its_own_answer() -> None:
    ways: dict[str, Carrier | Gap] = {
        "c1": Bus("n1"),
        "here": Local(),
        "c2": Bus("n2"),
        "far": Gap("host far", "No way.", "Add --ssh."),
        "none": Nowhere(),
    }
    VISITS.clear()
    names = [*ways, "c1"]
    said = run_by_each(names, ways.__getitem__, ["echo", "x"], timeout=5, most=99)
    assert list(said) == list(ways)
    assert VISITS == [["n1", "n2"]], "by their own names, in one go"
    outputs = {name: each.output for name, each in said.items() if isinstance(each, Said)}
    assert outputs == {"c1": b"n1", "here": b"x\n", "c2": b"n2"}
    assert said["far"] == ways["far"]
    assert isinstance(said["none"], Gap)
    assert "/nonexistent/ssh cannot be run here" in said["none"].why


def test_where_many_cannot_be_reached_each_says_why() -> None:
    said = run_by_each(["c1"], lambda name: Bus(name, broken=True), ["x"], timeout=5, most=99)
    assert said == {"c1": Gap("host c1", "Too long.", "Use --ssh.")}
