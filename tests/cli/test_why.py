"""`viftrail why`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.cloud import healthy
from tests.recordings import NAMES, VMS, path, source_of
from tests.samples import folder as samples
from tests.samples import server as server_of
from viftrail.facts.bundle.bundle import FORMAT, write
from viftrail.facts.bundle.manifest import Manifest
from viftrail.facts.facts import Facts
from viftrail.report import json as as_json
from viftrail.why import why


@pytest.mark.parametrize("name", NAMES)
def test_the_exit_status_is_the_verdicts(run: Run, name: str) -> None:
    for server in VMS:
        done = run("why", server, "--bundle", str(path(name)), "-f", "json")
        state = json.loads(done.out)["verdict"]["state"]
        assert done.code == {"healthy": 0, "broken": 1, "degraded": 1, "unknown": 2}[state]
        assert done.err == ""


def test_a_bundle_gives_the_verdict_of_its_facts(run: Run) -> None:
    done = run("why", "vm1", "--bundle", str(path("northd-paused")), "-f", "json")
    assert done.out == as_json.render(why(source_of("northd-paused"), "vm1"))


@pytest.mark.parametrize(
    ("format_", "start"),
    [("text", "vm1 · port"), ("json", "{"), ("markdown", "# vm1"), ("html", "<!doctype html>")],
)
def test_every_format_to_the_screen_and_to_a_file(
    run: Run, tmp_path: Path, format_: str, start: str
) -> None:
    arguments = ("why", "vm1", "--bundle", str(path("vif-tap-down")), "-f", format_)
    shown = run(*arguments)
    assert shown.out.startswith(start)
    assert "\x1b" not in shown.out, "colours are for terminals"
    file = tmp_path / "verdict"
    written = run(*arguments, "-o", str(file))
    assert (written.code, written.out) == (1, "")
    assert file.read_text() == shown.out
    assert [entry.name for entry in tmp_path.iterdir()] == ["verdict"]


def test_an_ambiguous_target_lists_its_candidates(run: Run, tmp_path: Path) -> None:
    owner = healthy().owner
    ports = tuple(msgspec.structs.replace(port, server="web") for port in owner.ports)
    facts = Facts(owner=msgspec.structs.replace(owner, ports=ports))
    write(tmp_path / "b", facts, Manifest(format=FORMAT, tool="t", time="t", source=""))
    done = run("why", "web", "--bundle", str(tmp_path / "b"))
    assert done.code == 66
    assert [line.split()[0] for line in done.err.splitlines()[1:]] == sorted(p.id for p in ports)


def test_a_folder_of_what_was_saved(run: Run) -> None:
    case = samples() / "s5-no-valid-host"
    done = run("why", "vm-nohost", "--from", str(case), "-f", "json")
    assert done.code == 1
    verdict = json.loads(done.out)
    assert verdict["verdict"]["cause"] == "sched-ram-capacity"
    assert [stage["state"] for stage in verdict["stages"][4:]] == ["n/a"] * 10
    text = run("why", "vm-nohost", "--from", str(case)).out
    assert "(10714 - 0) x 1 - 128 = 10586 left" in " ".join(text.split())


def test_a_folder_goes_alone(run: Run) -> None:
    done = run("why", "vm1", "--from", "here", "--bundle", "there")
    assert done.code == 64
    assert "--from goes without" in done.err
    assert "no folder" in run("why", "vm1", "--from", "/nowhere").err


@pytest.mark.parametrize("case", sorted(each.name for each in samples().iterdir() if each.is_dir()))
def test_the_story_of_a_recorded_case(run: Run, case: str) -> None:
    target = server_of(case)
    if target == "-":
        return
    folder = str(samples() / case)
    story = json.loads(run("why", target, "--from", folder, "-f", "json").out)["timeline"]
    assert [moment["time"] for moment in story] == sorted(moment["time"] for moment in story)
    assert {"api", "row"} & {moment["kind"] for moment in story}
    assert all(moment["what"] and moment["where"] for moment in story)
    assert not any("GET /v2" in moment["what"] and "200" in moment["what"] for moment in story)
    shown = run("why", target, "--from", folder, "--timeline").out
    assert "What happened (UTC)" in shown
    assert "What happened" not in run("why", target, "--from", folder).out
    for format_ in ("markdown", "html"):
        assert "What happened" in run("why", target, "--from", folder, "-f", format_).out


def test_the_story_of_a_normal_plug_is_whole_and_in_order(run: Run) -> None:
    case = next(each for each in samples().iterdir() if each.name.startswith("s2-"))
    done = run("why", server_of(case.name), "--from", str(case), "-f", "json")
    story = json.loads(done.out)["timeline"]
    words = [moment["what"] for moment in story]

    def at(text: str) -> int:
        return next(n for n, what in enumerate(words) if text in what)

    steps = ("create asked for", "Claim successful", "Logical_Switch_Port", "Port_Binding",
             "Successfully plugged vif", "Claiming lport", "OVN reports status up",
             "to build instance", "DHCPACK")  # fmt: skip
    found = [at(step) for step in steps]
    assert found == sorted(found)
