"""Places in types: how a container is entered, and that this host can be asked for its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from viftrail.facts.places import Container, Places, Remote, places_here


@pytest.mark.parametrize(
    ("runtime", "entry"),
    [
        ("/usr/bin/docker", ["/usr/bin/docker", "exec", "-i", "-u", "0", "ovn_controller"]),
        ("/usr/bin/podman", ["/usr/bin/podman", "exec", "-i", "-u", "0", "ovn_controller"]),
        ("/usr/local/bin/crictl", ["/usr/local/bin/crictl", "exec", "-i", "4711"]),
    ],
)
def test_each_runtime_enters_in_its_own_way(runtime: str, entry: list[str]) -> None:
    assert Container(runtime=runtime, id="4711", name="ovn_controller").entry() == entry


def test_the_ways_to_one_database_keep_their_order() -> None:
    remotes = [
        Remote(database="sb", address="1", source=""),
        Remote(database="nb", address="2", source=""),
        Remote(database="sb", address="3", source=""),
    ]
    places = Places(remotes=tuple(remotes))
    assert [remote.address for remote in places.of("sb")] == ["1", "3"]


def test_this_host_tells_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OVS_RUNDIR", "OVN_RUNDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "ovnnb_db.sock").touch()
    (tmp_path / "db.sock").touch()  # nobody listens there
    remote = next(places_here().of("nb"))
    assert remote.address == f"unix:{tmp_path}/ovnnb_db.sock"
    assert os.environ["OVS_RUNDIR"] in places_here().ovs_run
