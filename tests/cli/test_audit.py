"""`viftrail audit`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.recordings import path
from tests.synthetic import Served
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND


def test_nothing_found_is_0_and_something_is_1(run: Run) -> None:
    healthy = run("audit", "--bundle", str(path("healthy")))
    assert (healthy.code, healthy.err) == (0, "")
    assert "nothing wrong found" in healthy.out
    broken = run("audit", "--bundle", str(path("vif-tap-down")))
    assert broken.code == 1
    assert "vif-tap-down" in broken.out
    assert "\x1b" not in broken.out


def test_json(run: Run) -> None:
    done = run("audit", "--bundle", str(path("northd-paused")), "-f", "json")
    assert [group["id"] for group in json.loads(done.out)["groups"]] == ["northd-paused"]


def test_what_the_owner_wants_shows_what_is_missing(run: Run, tmp_path: Path) -> None:
    cloud = tmp_path / "cloud"
    made = run("lab", "synth", str(cloud), "--ports=600", "--plant=21", "--without-northd")
    assert made.code == 0, made.err
    nb, sb, owner = (str(cloud / n) for n in ("ovnnb_db.db", "ovnsb_db.db", "owner.json"))
    without = run("audit", "--nb", nb, "--sb", sb)
    told = run("audit", "--nb", nb, "--sb", sb, "--owner", owner)
    assert "nb-lsp-missing" not in without.out
    assert "nb-lsp-missing" in told.out
    assert (without.code, told.code) == (1, 1)


def test_an_owner_where_the_source_has_its_own(run: Run) -> None:
    done = run("audit", "--bundle", str(path("healthy")), "--owner", "x.json")
    assert done.code == 64
    assert "--owner" in done.err


def databases(served: Served) -> tuple[str, ...]:
    return ("--nb", served.remotes[NORTHBOUND], "--sb", served.remotes[SOUTHBOUND])


def test_gently_the_same_is_found(run: Run, served: Served) -> None:
    plain = run("audit", *databases(served), "-f", "json")
    gentle = run("audit", *databases(served), "-f", "json", "--gentle")
    assert (plain.code, gentle.code) == (1, 1)
    assert json.loads(gentle.out)["groups"] == json.loads(plain.out)["groups"]


def test_what_stays_is_found_both_times(run: Run, served: Served) -> None:
    once = run("audit", *databases(served), "-f", "json")
    twice = run("audit", *databases(served), "-f", "json", "--confirm", "0.2")
    assert twice.code == 1
    assert json.loads(twice.out)["groups"] == json.loads(once.out)["groups"]


def test_a_second_look_at_a_file_is_refused(run: Run) -> None:
    done = run("audit", "--bundle", str(path("healthy")), "--confirm", "1")
    assert done.code == 64
    assert "--confirm" in done.err
