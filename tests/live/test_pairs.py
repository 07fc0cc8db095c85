"""Two faults at once on a real lab: both named, the upstream one first, and mended in turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .harness import viftrail
from .site import VICTIM, Site

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-pairs")]

PAIRS = [
    # northd writes nothing new, and the gateway ends inside its host.
    ("northd-paused", "prov-nic-not-in-bridge"),
    # The router has no gateway anywhere; its gateway host is looked at all the same.
    ("router-disabled", "prov-nic-not-in-bridge"),
    # The network's router is only known by what is left of its port.
    ("router-interface-missing", "prov-nic-not-in-bridge"),
    # Two reasons for nothing to arrive from the same host.
    ("tunnel-wrong-encap-ip", "tunnel-udp-blocked"),
    # Without a plug the wrong promise has to be told by the owner's word.
    ("pb-requested-chassis-mismatch", "vif-iface-id-missing"),
    # The host's agent and the guest's own plug.
    ("controller-crashed", "vif-not-in-br-int"),
]
"""Upstream first."""

MENDED = PAIRS[:2]


@contextmanager
def broken(site: Site, *faults: str) -> Iterator[None]:
    try:
        for fault in faults:
            site.lab.ask("break", fault=fault, vm=VICTIM)
        yield
    finally:
        site.lab.ask("mend")
        site.await_healthy()


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_both_are_named_the_upstream_one_first(site: Site, pair: tuple[str, str]) -> None:
    with broken(site, *pair):
        outcome = site.why()
        assert [cause["id"] for cause in outcome.verdict["causes"]] == list(pair)
        assert outcome.verdict["verdict"]["cause"] == pair[0]
        assert outcome.code == 1


@pytest.mark.parametrize("pair", MENDED, ids="+".join)
def test_a_fix_mends_one_after_the_other(site: Site, tmp_path: Path, pair: tuple[str, str]) -> None:
    with broken(site, *pair):
        arguments = ("--lab", site.name, "-f", "json", "--apply", "--log", str(tmp_path / "log"))
        outcome = viftrail("fix", VICTIM, *arguments)
        told = json.loads(outcome.out)
        assert (outcome.code, told["ending"]) == (0, "mended"), outcome
        assert [done["planned"]["cause"] for done in told["done"]] == list(pair)
        assert told["proof"]["ok"] is True
