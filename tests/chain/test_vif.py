"""The Interface, its device, and the claim."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, conf, edit, healthy, on_host, stage, vm
from viftrail.chain.cloud import Cloud
from viftrail.chain.vif import usable
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import PortBinding
from viftrail.verdict import State


def tap() -> str:
    return "tap" + vm(healthy())[:11]


def test_usable_is_in_the_bridge_and_open() -> None:
    (plug,) = Cloud(healthy()).plugs[vm(healthy())]
    assert usable(healthy().hosts["compute1"], plug)
    closed = conf(healthy(), "compute1", "Interface", {"name": tap()}, ofport=-1)
    (plug,) = Cloud(closed).plugs[vm(healthy())]
    assert not usable(closed.hosts["compute1"], plug)


def binding(**columns: object) -> Facts:
    return edit(
        healthy(),
        PortBinding,
        lambda row: (
            msgspec.structs.replace(row, **columns) if row.logical_port == vm(healthy()) else row
        ),
    )


@pytest.mark.parametrize("up", [True, None])
def test_an_ovn_without_the_up_column_is_not_down(up: bool | None) -> None:
    assert ask(binding(up=up)).verdict.state is State.HEALTHY


def test_flows_that_are_not_installed_yet_are_broken_for_now() -> None:
    verdict = ask(binding(up=False))
    assert (verdict.verdict.stage, verdict.verdict.confidence) == ("S8", "possible")


def test_a_port_that_nobody_claimed() -> None:
    assert stage(ask(binding(chassis=None)), "S8") == "broken"


def test_a_device_without_carrier_is_broken() -> None:
    links = tuple(
        msgspec.structs.replace(link, flags=("UP",)) if link.ifname == tap() else link
        for link in healthy().hosts["compute1"].links
    )
    assert stage(ask(on_host(healthy(), "compute1", links=links)), "S8") == "broken"


def test_a_vhost_user_port_has_no_device_in_the_kernel() -> None:
    facts = conf(healthy(), "compute1", "Interface", {"name": tap()}, type="dpdkvhostuserclient")
    links = tuple(x for x in facts.hosts["compute1"].links if x.ifname != tap())
    verdict = ask(on_host(facts, "compute1", links=links))
    assert accused(verdict) == set()
    assert stage(verdict, "S8") == "ok"


def test_the_dead_vlan_tag_is_a_decoy() -> None:
    """FAULTS.md D.4: Port tag 4095 means nothing where OVN forwards."""
    facts = conf(healthy(), "compute1", "Port", {"name": tap()}, tag=4095)
    assert ask(facts).verdict.state is State.HEALTHY
