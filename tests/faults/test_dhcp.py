"""dhcp-options-incomplete."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, add, ask, change_port, edit, healthy
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import DHCPOptions, LogicalSwitchPort
from viftrail.faults.dhcp import MANDATORY


def lacking(*keys: str) -> Facts:
    return edit(
        healthy(),
        DHCPOptions,
        lambda row: msgspec.structs.replace(
            row, options={key: value for key, value in row.options.items() if key not in keys}
        ),
    )


@pytest.mark.parametrize("key", MANDATORY)
def test_each_mandatory_key_is_needed_by_all_ports_of_the_subnet(key: str) -> None:
    (group,) = audit(lacking(key)).groups
    assert (group.id, group.victims, len(group.subjects)) == ("dhcp-options-incomplete", 3, 1)
    assert group.subjects[0].startswith("network neutron-")
    assert f"options:{key}=" in group.example.remedy.steps[0].command


@pytest.mark.parametrize("key", ["router", "dns_server", "mtu", "domain_name"])
def test_other_keys_may_be_missing(key: str) -> None:
    assert audit(lacking(key)).causes == ()


def test_what_nobody_can_know_is_not_written() -> None:
    (cause,) = audit(lacking("server_mac", "router")).causes
    assert cause.remedy.steps == ()
    assert cause.remedy.note


def test_a_row_that_no_port_uses_harms_nobody() -> None:
    unused = edit(
        lacking(*MANDATORY),
        LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, dhcpv4_options=None),
    )
    assert "dhcp-options-incomplete" not in {cause.id for cause in audit(unused).causes}


def test_only_those_who_use_the_row_are_victims() -> None:
    facts = change_port(lacking("server_id"), "vm1", dhcpv4_options=None)
    (group,) = [g for g in audit(facts).groups if g.id == "dhcp-options-incomplete"]
    assert group.victims == 2
    assert "dhcp-options-incomplete" not in accused(ask(facts, "vm1"))
    assert "dhcp-options-incomplete" in accused(ask(facts, "vm2"))


def foreign(cidr: str) -> Facts:
    """vm1 refers to the options of another subnet."""
    row = next(iter(healthy().nb[DHCPOptions]))
    other = msgspec.structs.replace(row, uuid="another", cidr=cidr)
    return change_port(add(healthy(), other), "vm1", dhcpv4_options="another")


def test_options_of_another_subnet_serve_nobody_of_this_one() -> None:
    verdict = ask(foreign("192.168.77.0/24"))
    assert verdict.verdict.cause == "dhcp-options-foreign"
    assert verdict.remedy.steps[0].undo.endswith(" another")
    assert accused(ask(foreign("192.168.77.0/24"), "vm2")) == set()


def test_options_of_a_wider_subnet_do() -> None:
    assert accused(ask(foreign("10.0.0.0/16"))) == set()


def test_a_cidr_that_is_none_is_another_subnet() -> None:
    assert accused(ask(foreign(""))) == {"dhcp-options-foreign"}
