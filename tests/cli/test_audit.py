"""`viftrail audit`."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.recordings import path


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
