"""S0: the central services of Nova."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openstack import SERVICES, cloud_of, server, service
from viftrail.chain.infrastructure import examine
from viftrail.chain.trail import trail_of_server
from viftrail.verdict import Finding


def stage(**sections: Any) -> Finding:
    asked = server(host="cmp1")
    cloud = cloud_of(asked, **sections)
    return examine(cloud, trail_of_server(cloud, asked, "vm"))


def test_one_living_of_each_kind_is_enough() -> None:
    spare = service("ctl2", "nova-scheduler", state="down")
    found = stage(services=(*SERVICES, spare))
    assert found.state.value == "ok"
    assert found.summary == "nova-scheduler is up; nova-conductor is up"


@pytest.mark.parametrize("binary", ["nova-scheduler", "nova-conductor"])
def test_none_that_lives_is_broken(binary: str) -> None:
    others = tuple(row for row in SERVICES if row.binary != binary)
    found = stage(services=(*others, service("ctl", binary, state="down")))
    assert (found.state.value, found.summary) == ("broken", f"no {binary} is up")
    assert found.evidence[0].seen == "ctl: down"
    assert found.evidence[0].command.endswith(f"--service {binary}")


def test_a_compute_that_is_down_is_not_the_centre() -> None:
    services = tuple(row for row in SERVICES if row.binary != "nova-compute")
    found = stage(services=(*services, service("cmp2", state="down")))
    assert found.state.value == "ok"


def test_what_was_not_listed_is_not_missing() -> None:
    assert "needs admin" in stage(services=None).summary
    found = stage(services=(service("cmp1"),))
    assert (found.state.value, found.evidence) == ("unknown", ())
