"""The report for a terminal: 80 columns, copyable commands, headlines that say it."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest

from tests.cloud import ask, healthy, without
from tests.recordings import NAMES, VMS, source_of
from viftrail.report import html, markdown
from viftrail.report.text import WIDTH, render
from viftrail.verdict import Verdict
from viftrail.why import UNSENT, qualified, why


def plain(name: str, target: str = "vm1") -> str:
    return click.unstyle(render(why(source_of(name), target)))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_a_terminal_but_commands(name: str) -> None:
    for line in (line for server in VMS for line in plain(name, server).splitlines()):
        command = line.lstrip().startswith(("$ ", "undo: ", "verify: "))
        assert len(line) <= WIDTH or command or len(line.split()) == 1, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", NAMES)
def test_a_command_stands_on_its_own_line_unbroken(name: str) -> None:
    verdict = why(source_of(name), "vm1")
    lines = {line.strip() for line in plain(name).splitlines()}
    for cause in verdict.causes:
        for item in cause.evidence:
            assert f"$ {item.command}" in lines
        for step in cause.remedy.steps:
            assert f"$ {step.command}" in lines
            assert f"undo:   {step.undo}" in lines
            assert f"verify: {step.verify}" in lines


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_was_concluded_is_said(name: str) -> None:
    verdict = why(source_of(name), "vm1")
    text = " ".join(plain(name).split())
    assert verdict.target.port in text
    for guess in verdict.ruled_out:
        assert guess.guess in text
    for finding in verdict.stages[4:]:
        assert finding.id in text
        assert finding.name in text


HEADLINES = {
    "healthy": (
        "HEALTHY",
        "Every link of the chain of vm1 holds, from Northbound to its floating IP.",
    ),
    "northd-paused": (
        "BROKEN at S5 northd: northd-paused (proven)",
        "ovn-northd on controller is paused, so nothing new in Northbound reaches Southbound.",
    ),
    "nb-lsp-missing": (
        "BROKEN at S4 northbound: nb-lsp-missing (proven)",
        "The lab has the port of vm1, OVN Northbound does not.",
    ),
    "pb-requested-chassis-mismatch": (
        "BROKEN at S6 southbound: pb-requested-chassis-mismatch (proven)",
        (
            "vm1 runs on compute1, but Northbound promises its port to compute2, "
            "so compute1 must not claim it."
        ),
    ),
    "tunnel-wrong-encap-ip": (
        "BROKEN at S10 tunnel: tunnel-wrong-encap-ip (proven)",
        (
            "compute1 announces 198.51.100.199 as its tunnel address, but that is not its own; "
            "its own on the tunnel network is 198.51.100.21."
        ),
    ),
    "fip-nat-row-missing": (
        "BROKEN at S13 floating ip: fip-nat-row-missing (proven)",
        "Floating IP 203.0.113.101 belongs to vm1, but no NAT row translates it.",
    ),
}


@pytest.mark.parametrize("name", HEADLINES)
def test_the_headline(name: str) -> None:
    lines = plain(name).splitlines()
    start = lines.index("") + 1
    end = lines.index("", start)
    head, summary = HEADLINES[name]
    assert lines[start] == head
    assert " ".join(line.strip() for line in lines[start + 1 : end]) == summary


def test_a_frozen_target_is_degraded_and_not_broken() -> None:
    assert "\nDEGRADED at S5 northd: northd-paused" in plain("northd-paused", "vm2")


def test_could_not_tell_says_what_to_do() -> None:
    text = click.unstyle(render(ask(without(healthy(), "compute1"))))
    assert "\nCOULD NOT TELL at S7 controller" in text
    assert "\nCould not be looked at\n" in text
    assert "Collect again, with this host." in text


def test_the_first_line_names_the_target() -> None:
    first = plain("healthy").splitlines()[0]
    assert first.startswith("vm1 · port b869579b")


def test_colours_do_not_narrow_the_text() -> None:
    assert max(len(line) for line in plain("healthy").splitlines() if line[:3] == "  S") > 72


def test_later_stages_follow() -> None:
    assert "follows from S6" in " ".join(plain("pb-requested-chassis-mismatch").split())


@pytest.mark.parametrize("report", [render, markdown.render, html.render])
def test_a_caveat_stands_below_the_answer(report: Callable[[Verdict], str]) -> None:
    text = " ".join(report(qualified(why(source_of("healthy"), "vm1"), UNSENT)).split())
    assert text.index("holds, from Northbound") < text.index(UNSENT) < text.index("tunnel")
    assert UNSENT not in report(why(source_of("healthy"), "vm1"))
