"""portsec-ip-not-allowed, mtu-guest-ignores."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.cloud import accused, ask, change_port, healthy, on_host, vm
from viftrail.facts.facts import Facts


def with_guest(facts: Facts, **fields: Any) -> Facts:
    """vm1's guest tells something else of itself."""
    guests = tuple(
        msgspec.structs.replace(guest, **fields) if guest.port_id == vm(facts) else guest
        for guest in facts.hosts["compute1"].guests
    )
    return on_host(facts, "compute1", guests=guests)


def test_a_guest_without_any_allowed_address_is_cut_off() -> None:
    verdict = ask(with_guest(healthy(), addresses=("10.0.0.200",)))
    (cause,) = verdict.causes
    assert (cause.id, cause.state.value) == ("portsec-ip-not-allowed", "broken")
    assert cause.remedy.steps[0].where == "vm1"


def test_a_second_address_is_dead_and_the_first_one_is_not() -> None:
    facts = with_guest(healthy(), addresses=("10.0.0.11", "10.0.0.200"))
    (cause,) = ask(facts).causes
    assert (cause.id, cause.state.value) == ("portsec-ip-not-allowed", "degraded")
    assert cause.remedy.steps == ()
    assert "--allowed-address ip-address=10.0.0.200 " in cause.remedy.note


@pytest.mark.parametrize("extra", ["", " 10.0.0.11 10.0.0.200", " 10.0.0.11 10.0.0.0/24"])
def test_what_port_security_allows_is_no_fault(extra: str) -> None:
    mac = next(g.mac for g in healthy().hosts["compute1"].guests if g.port_id == vm(healthy()))
    facts = change_port(healthy(), port_security=(mac + extra,))
    assert accused(ask(with_guest(facts, addresses=("10.0.0.11", "10.0.0.200")))) == set()


def test_a_host_address_with_a_prefix_length_allows_only_itself() -> None:
    mac = next(g.mac for g in healthy().hosts["compute1"].guests if g.port_id == vm(healthy()))
    facts = change_port(healthy(), port_security=(f"{mac} 10.0.0.11/24",))
    assert accused(ask(with_guest(facts, addresses=("10.0.0.200",)))) == {"portsec-ip-not-allowed"}


def test_a_foreign_mac_is_another_fault() -> None:
    facts = with_guest(healthy(), mac="52:54:00:00:00:01", addresses=("10.0.0.200",))
    assert accused(ask(facts)) == {"portsec-mac-mismatch"}


def test_a_guest_with_a_larger_mtu_than_dhcp_says() -> None:
    (cause,) = ask(with_guest(healthy(), mtu=1500)).causes
    assert (cause.id, cause.stage) == ("mtu-guest-ignores", "S10")
    assert cause.remedy.steps[0].command == "ip link set dev eth0 mtu 1442"


@pytest.mark.parametrize("mtu", [0, 1400, 1442])
def test_a_smaller_mtu_or_one_not_asked_for_is_no_fault(mtu: int) -> None:
    assert accused(ask(with_guest(healthy(), mtu=mtu))) == set()
