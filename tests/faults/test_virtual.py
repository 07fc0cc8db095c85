"""virtual-port-unclaimed."""

from __future__ import annotations

from tests.cloud import accused, add, ask, healthy, vm
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis, PortBinding

UUID = "00000000-0000-0000-0000-0000000000{:02d}"


def with_vip(*, parents: str, chassis: str | None = None) -> Facts:
    port = LogicalSwitchPort(
        uuid=UUID.format(1),
        name="vip",
        type="virtual",
        options={"virtual-ip": "10.0.0.99", "virtual-parents": parents},
    )
    binding = PortBinding(uuid=UUID.format(2), logical_port="vip", type="virtual", chassis=chassis)
    return add(healthy(), port, binding)


def members() -> str:
    return ",".join(vm(healthy(), name) for name in ("vm1", "vm2"))


def test_an_address_that_no_member_announced() -> None:
    (cause,) = audit(with_vip(parents=members())).causes
    assert (cause.id, cause.subject) == ("virtual-port-unclaimed", "port vip")
    assert (cause.state.value, cause.confidence.value) == ("degraded", "likely")
    assert "vm1, vm2" in cause.evidence[0].expected


def test_its_members_own_addresses_are_not_accused() -> None:
    assert accused(ask(with_vip(parents=members()))) == set()


def test_a_claimed_address_is_well() -> None:
    chassis = next(iter(healthy().sb[Chassis]))
    assert audit(with_vip(parents=members(), chassis=chassis.uuid)).causes == ()


def test_where_no_member_runs_nobody_could_have_claimed_it() -> None:
    assert audit(with_vip(parents="gone")).causes == ()
