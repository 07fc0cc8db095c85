"""Rounds on a real lab, and what goes wrong in them."""

from __future__ import annotations

import os
import shutil

import pytest

from viftrail.lab.client import labs
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape
from viftrail.score.round import order_of, play, shape_for

NAME = f"round-{os.getpid()}"

needs_lab = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("ovn-northd", path="/usr/bin:/usr/sbin"),
    reason="a lab needs root and OVN",
)


def test_the_lab_is_as_large_as_its_faults_need() -> None:
    assert shape_for(["northd-paused"]) == Shape()
    larger = (
        p for p in all_provocations().values() if p.needs != Shape() and p.needs.covers(Shape())
    )
    special = next(larger, None)
    if special:
        assert shape_for(["northd-paused", special.id]) == special.needs


@pytest.mark.lab
@needs_lab
def test_a_round_breaks_asks_mends_and_leaves_nothing() -> None:
    played = play(("vif-tap-down",), NAME)
    assert (played.provoked, played.stage, played.found_stage) == (True, "S8", "S8")
    assert (played.rank, played.mended, played.alarms) == (1, True, ())
    assert 0 < played.seconds < 30
    assert NAME not in labs()


@pytest.mark.lab
@needs_lab
def test_a_lab_that_cannot_be_had_is_a_round_not_played() -> None:
    played = play(("vif-tap-down",), "not a name")
    assert not played.provoked
    assert played.note.startswith("no lab: ")


def test_upstream_breaks_last_but_for_what_makes_the_vm_anew() -> None:
    downstream = ("tunnel-wrong-encap-ip", "sb-server-down")
    assert order_of(("sb-server-down", "tunnel-wrong-encap-ip")) == downstream
    renewed = ("northd-not-running", "fip-nat-row-missing", "nb-lsp-missing")
    assert order_of(("nb-lsp-missing", "fip-nat-row-missing", "northd-not-running")) == renewed


def test_a_plug_is_broken_after_whatever_plugs_anew() -> None:
    plugged = ("sb-listener-gone", "vif-netdev-missing")
    assert order_of(("vif-netdev-missing", "sb-listener-gone")) == plugged
