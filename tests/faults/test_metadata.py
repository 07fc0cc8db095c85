"""metadata-not-provisioned, metadata-port-without-ip."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, healthy, without
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
    (step,) = group.example.remedy.steps
    assert step.command.endswith(" 10.0.0.2'")


def test_a_port_with_one_address_more_is_healthy() -> None:
    assert audit(renumbered("10.0.0.2 10.1.0.2")).groups == ()


def test_guests_that_are_not_sent_anywhere_miss_nothing() -> None:
    def silent(row: DHCPOptions) -> DHCPOptions:
        kept = {k: v for k, v in row.options.items() if k != "classless_static_route"}
        return msgspec.structs.replace(row, options=kept)

    assert accused(ask(edit(renumbered("10.0.0.200"), DHCPOptions, silent))) == set()


def test_a_host_that_was_not_looked_at_is_not_accused() -> None:
    assert "metadata-not-provisioned" not in accused(ask(without(healthy(), "compute1")))


def test_a_network_whose_port_has_no_address_has_no_service_to_miss() -> None:
    causes = {cause.id for cause in audit(renumbered("")).causes}
    assert causes == {"metadata-port-without-ip"}
