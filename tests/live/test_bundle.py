"""Bundles of a running lab: a target's own gives the verdict that the live lab gets."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from viftrail.facts.stored import from_bundle

from .harness import VIFTRAIL, environment, viftrail
from .site import Site

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-bundle")]

SECRET = "Zq9-hunter"


@pytest.fixture(scope="module")
def before(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The healthy lab."""
    file = tmp_path_factory.mktemp("bundles") / "before.bundle"
    done = viftrail("collect", "--lab", site.name, "-o", str(file))
    assert done.code == 0, done
    return file


def test_clocks_versions_and_logs_are_in_the_manifest(before: Path, site: Site) -> None:
    with tarfile.open(before) as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        manifest = json.load(content)
    nodes = {node.name for node in site.status.nodes}
    assert {"compute1", "network1", "controller"} <= set(manifest["clocks"]) <= nodes
    for clock in manifest["clocks"].values():
        assert abs(clock["ahead"]) <= clock["within"] + 0.5
    assert {seen["what"] for seen in manifest["versions"]} >= {"OVN", "Open vSwitch"}
    assert from_bundle(before).everything().logs.files


def test_broken_now_and_working_before(before: Path, site: Site, tmp_path: Path) -> None:
    """One breakage: the target's bundle, by a pipe, the diff with `live`, and no secret."""
    site.lab.run(
        "compute1", ["ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:password={SECRET}"]
    )
    broken = viftrail("lab", "break", "vif-tap-down", "--name", site.name)
    assert broken.code == 0, broken
    try:
        live = site.why()
        file = tmp_path / "now.bundle"
        argv = [*VIFTRAIL, "collect", "--lab", site.name, "--target", "vm1", "-o", "-"]
        done = subprocess.run(argv, capture_output=True, env=environment(), check=True)
        file.write_bytes(done.stdout)
        changed = viftrail("diff", str(before), "live", "vm1", "--lab", site.name)
    finally:
        viftrail("lab", "mend", "--name", site.name)
    assert SECRET.encode() not in gzip.decompress(done.stdout) + done.stderr
    assert b"redacted: password (1)" in done.stderr
    seen = viftrail("why", "vm1", "--bundle", str(file), "-f", "json")
    one, other = live.verdict, seen.verdict
    assert (one.pop("time") != "", other.pop("time") != "") == (True, True)
    assert one == other
    assert changed.code == 1
    assert SECRET not in changed.out
    first = changed.out.partition("Changed from A to B")[2].splitlines()[1]
    assert first.endswith("state up → down")
    assert f"device tap{site.vm.port_id[:11]}" in first
