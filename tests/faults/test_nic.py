"""underlay-nic-down and underlay-address-lost: which part of the way out is gone."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, healthy, on_host
from tests.recordings import facts_of
from viftrail.facts.facts import Facts

LOST = facts_of("underlay-address-lost")


def nic(facts: Facts, *flags: str) -> Facts:
    """compute1's eth1 with these flags."""
    links = tuple(
        msgspec.structs.replace(link, flags=flags) if link.ifname == "eth1" else link
        for link in facts.hosts["compute1"].links
    )
    return on_host(facts, "compute1", links=links)


def test_down_is_set_up_and_a_pulled_cable_is_told() -> None:
    down = ask(nic(healthy(), "BROADCAST"))
    assert accused(down) == {"underlay-nic-down"}
    assert down.remedy.steps[0].command == "ip link set eth1 up"
    pulled = ask(nic(healthy(), "BROADCAST", "UP"))
    assert accused(pulled) == {"underlay-nic-down"}
    assert pulled.remedy.steps == ()
    assert "cable" in pulled.remedy.note


def test_the_address_goes_back_where_the_others_have_theirs() -> None:
    (step,) = ask(LOST).remedy.steps
    assert "dev br-phy" in step.command
    assert step.undo.startswith("ip address del")


def test_a_dead_switch_takes_the_address_with_it() -> None:
    host = LOST.hosts["compute1"]
    gone = msgspec.structs.replace(host.processes["ovs-vswitchd"], state="")
    facts = on_host(LOST, "compute1", processes={**host.processes, "ovs-vswitchd": gone})
    assert accused(ask(facts)) == {"vswitchd-dead"}


def test_another_address_in_the_tunnel_network_is_a_wrong_setting() -> None:
    assert accused(ask(facts_of("tunnel-wrong-encap-ip"))) == {"tunnel-wrong-encap-ip"}
