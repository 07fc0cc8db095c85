"""The service manager that the keeper plays."""

from __future__ import annotations

import pytest

from viftrail.errors import UsageError
from viftrail.lab.daemon import ServiceManager, Unit


def manager(started: list[str]) -> ServiceManager:
    unit = Unit("nova-compute", "OpenStack Compute", action=lambda: started.append("plugged"))
    return ServiceManager("compute1", {"nova-compute": unit})


def test_an_action_unit_acts_at_each_start() -> None:
    started: list[str] = []
    services = manager(started)
    assert services.order("restart", "nova-compute.service") == (0, "")
    assert services.order("start", "nova-compute") == (0, "")
    assert started == ["plugged", "plugged"]
    assert services.order("is-active", "nova-compute") == (0, "active")
    assert "OpenStack Compute" in services.order("status", "nova-compute")[1]


@pytest.mark.parametrize(("verb", "unit"), [("start", "sshd"), ("mask", "nova-compute")])
def test_what_it_does_not_know_it_refuses(verb: str, unit: str) -> None:
    with pytest.raises(UsageError):
        manager([]).order(verb, unit)
