"""metadata-not-provisioned, metadata-port-without-ip."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import accused, ask, conf, edit, healthy, neutron_only, vm, without
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import DHCPOptions, LogicalSwitchPort


def renumbered(address: str) -> Facts:
    """The metadata port of the tenant network with other addresses."""

    def change(row: LogicalSwitchPort) -> LogicalSwitchPort:
        if row.type != "localport":
            return row
        mac = row.addresses[0].split()[0]
        return msgspec.structs.replace(row, addresses=(f"{mac} {address}".strip(),))

    return edit(healthy(), LogicalSwitchPort, change)


def test_a_port_without_the_address_that_dhcp_tells_guests() -> None:
    (group,) = audit(renumbered("10.0.0.200")).groups
    assert (group.id, group.victims) == ("metadata-port-without-ip", 3)
    address, *agents = group.example.remedy.steps
    assert address.command.endswith(" 10.0.0.2'")
    assert {step.where for step in agents} == {"compute1", "compute2"}
    assert {step.command for step in agents} == {"systemctl restart neutron-ovn-metadata-agent"}


def test_a_port_with_one_address_more_is_healthy() -> None:
    assert audit(renumbered("10.0.0.2 10.1.0.2")).groups == ()


def silent(row: DHCPOptions) -> DHCPOptions:
    kept = {k: v for k, v in row.options.items() if k != "classless_static_route"}
    return msgspec.structs.replace(row, options=kept)


def unopened(ofport: object) -> Facts:
    """compute1's Interface of the metadata port has no device."""
    facts = healthy()
    ports = {row.name for row in facts.nb[LogicalSwitchPort] if row.type == "localport"}
    name = next(
        plug["name"]
        for plug in facts.hosts["compute1"].vswitch["Interface"]
        if any(port in str(plug["external_ids"]) for port in ports)
    )
    return conf(facts, "compute1", "Interface", {"name": name}, ofport=ofport)


def test_guests_that_are_not_sent_anywhere_miss_nothing() -> None:
    for facts in (renumbered("10.0.0.200"), unopened(-1)):
        assert accused(ask(edit(facts, DHCPOptions, silent))) == set()


@pytest.mark.parametrize("ofport", [-1, ["set", []]])
def test_a_device_that_was_not_opened_serves_nobody_of_its_host(ofport: object) -> None:
    (cause,) = ask(unopened(ofport)).causes
    assert (cause.id, cause.confidence.value) == ("metadata-not-provisioned", "proven")
    assert "br-int" in cause.evidence[0].seen
    assert accused(ask(unopened(ofport), "vm2")) == {"metadata-not-provisioned"}
    assert accused(ask(unopened(ofport), "vm3")) == set()


def test_neutron_is_asked_where_it_owns_the_port() -> None:
    facts = neutron_only(renumbered(""))
    (cause,) = ask(facts, vm(healthy())).causes
    assert cause.remedy.steps[0].command.startswith("openstack port set --fixed-ip subnet=")


def test_a_host_that_was_not_looked_at_is_not_accused() -> None:
    assert "metadata-not-provisioned" not in accused(ask(without(healthy(), "compute1")))


def test_a_network_whose_port_has_no_address_has_no_service_to_miss() -> None:
    causes = {cause.id for cause in audit(renumbered("")).causes}
    assert causes == {"metadata-port-without-ip"}
