"""infra-clock-skew: only a stamp of the future proves that a clock is off."""

from __future__ import annotations

import msgspec

from tests.cloud import edit, healthy
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.southbound import Chassis, ChassisPrivate


def stamped(seconds: float) -> Facts:
    """compute1's row, that far after the last look at any host."""
    facts = healthy()
    chassis = facts.sb[Chassis].one("hostname", "compute1")
    assert chassis
    now = max(host.time for host in facts.hosts.values())
    return edit(
        facts,
        ChassisPrivate,
        lambda row: (
            msgspec.structs.replace(row, nb_cfg_timestamp=int((now + seconds) * 1000))
            if row.name == chassis.name
            else row
        ),
    )


def test_a_stamp_that_has_not_come_elsewhere() -> None:
    (group,) = audit(stamped(300)).groups
    assert (group.id, group.subjects) == ("infra-clock-skew", ("host compute1",))


def test_an_old_stamp_is_a_chassis_with_nothing_to_do() -> None:
    assert audit(stamped(-86400)).groups == ()
    assert audit(stamped(5)).groups == ()
