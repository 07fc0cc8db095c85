"""`viftrail diff A B [TARGET]`."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.recordings import path
from tests.samples import folder, server

HEALTHY, BROKEN = str(path("healthy")), str(path("vif-tap-down"))


def test_the_culprit_is_on_the_first_line_of_one_screen(run: Run) -> None:
    done = run("diff", HEALTHY, BROKEN, "vm1")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].endswith("HEALTHY")
    assert "BROKEN at S8 vif: vif-tap-down" in lines[1]
    assert lines[5] == "  S8   compute1 device tapb869579b-cd: state up → down"
    assert len(lines) <= 24


@pytest.mark.parametrize("target", [("vm1",), ()])
def test_nothing_differs(run: Run, target: tuple[str, ...]) -> None:
    done = run("diff", HEALTHY, HEALTHY, *target)
    assert done.code == 0
    assert "Nothing differs" in done.out


def test_the_whole_cloud(run: Run) -> None:
    done = run("diff", HEALTHY, str(path("vif-orphan")))
    assert done.code == 1
    assert "Broken in B only (1)" in done.out
    assert "vif-orphan: " in done.out


def test_json_and_markdown_have_all(run: Run, tmp_path: Path) -> None:
    found = json.loads(run("diff", HEALTHY, BROKEN, "vm1", "-f", "json").out)
    assert found["format"] == 1
    assert found["target"] == "vm1"
    assert found["changes"][0]["stage"] == "S8"
    assert found["after"]["cause"] == "vif-tap-down"
    file = tmp_path / "note.md"
    assert run("diff", HEALTHY, BROKEN, "vm1", "-f", "markdown", "-o", str(file)).code == 1
    text = file.read_text()
    assert text.startswith("# What changed for vm1\n")
    assert text.count("\n| S") == len(found["changes"])


def test_folders_as_from_takes_them(run: Run) -> None:
    good, bad = "s2-normal-plug", "s4-vif-plugged-timeout"
    done = run("diff", str(folder() / good), str(folder() / bad))
    assert done.code == 1
    same = run("diff", str(folder() / good), str(folder() / good), server(good))
    assert same.code == 0


def test_a_packed_folder_is_told_from_a_bundle(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.tar.gz"
    with tarfile.open(report, "w:gz") as archive:
        archive.add(folder() / "s2-normal-plug", arcname="report")
    done = run("diff", str(report), str(folder() / "s2-normal-plug"), server("s2-normal-plug"))
    assert done.code == 0, done


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        ((HEALTHY,), 64, "Missing argument"),
        ((HEALTHY, "/nowhere"), 68, "There is no file /nowhere"),
        ((HEALTHY, __file__), 72, "is not a whole viftrail bundle"),
        ((HEALTHY, HEALTHY, "nobody"), 65, "Nothing here is called nobody"),
        (("-", "-"), 64, "both -"),
        (("live", "live"), 64, "both live"),
        ((HEALTHY, BROKEN, "--bundle", HEALTHY), 64, "Name them as A and B"),
        ((HEALTHY, BROKEN, ""), 64, "empty"),
        ((HEALTHY, BROKEN, "--lab", "x"), 64, "where `live` is"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(
    run: Run, argv: tuple[str, ...], code: int, words: str
) -> None:
    done = run("diff", *argv)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


def test_two_reports_claim_no_restart_that_nobody_knows_of(run: Run) -> None:
    reports = path("healthy").parent / "sosreports"
    done = run("diff", *(str(reports / f"{each}-compute1.tar.xz") for each in SIDES))
    assert done.code == 1
    assert "started" not in done.out
    assert "device tap" in done.out


SIDES = ("healthy", "vif-tap-down")


def test_a_database_file_is_a_side(run: Run, tmp_path: Path) -> None:
    file = folder() / "s2-normal-plug" / "db" / "ovnnb_db.db"
    packed = tmp_path / "nb.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    done = run("diff", str(file), str(packed))
    assert (done.code, done.err) == (0, "")
    assert "OVN_Southbound is not known in either." in done.out


def test_where_nothing_is_known_it_is_not_said_that_nothing_differs(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text("2026-11-21 10:00:00.000 1 INFO x\n")
    for sides in ((str(tmp_path), str(tmp_path)), (HEALTHY, str(tmp_path))):
        done = run("diff", *sides)
        assert done.code == 2
        assert "Nothing could be compared" in done.out
        assert "OVN_Northbound is not known in" in done.out
    done = run("diff", HEALTHY, str(tmp_path), "vm1")
    assert done.code == 68
    assert f"B ({tmp_path}) cannot be judged" in done.err
    assert "No file of OVN_Northbound" in done.err
