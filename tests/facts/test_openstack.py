"""What the records of an OpenStack tell by themselves."""

from __future__ import annotations

import pytest

from tests.openstack import BINDING, ID, PORT, port, server
from viftrail.facts.openstack import Inventory, OpenStack, ServerFault


def test_a_section_that_is_empty_was_asked_for() -> None:
    assert not OpenStack().asked
    assert OpenStack(services=()).asked
    assert not OpenStack(listed=True, unanswered=("nova",)).asked, "nobody answered"


def test_a_server_by_id_and_by_name_and_several_of_one_name() -> None:
    twin = server(id="another")
    cloud = OpenStack(servers=(server(), twin))
    assert cloud.server(ID) == (server(),)
    assert cloud.server("vm") == (server(), twin)
    assert cloud.server("v") == ()
    assert OpenStack().server("vm") == ()


def test_ports_of_a_server() -> None:
    other = port(id="another", device_id="else")
    cloud = OpenStack(ports=(port(), other))
    assert [row.id for row in cloud.ports_of(ID)] == [PORT]


def test_ports_that_a_fault_names_each_once() -> None:
    fault = ServerFault(message=BINDING, details=f"PortBindingFailed: {BINDING}\nport 7 is in use")
    assert server(BINDING, fault=fault).ports_named == (PORT,)
    assert server().ports_named == ()


@pytest.mark.parametrize(
    ("total", "reserved", "ratio", "capacity"),
    [(10, 0, 1.0, 10), (10, 2, 1.5, 12), (3, 0, 1.5, 4), (2, 4, 1.0, -2), (0, 0, 16.0, 0)],
)
def test_capacity_is_rounded_down(total: int, reserved: int, ratio: float, capacity: int) -> None:
    own = Inventory(total=total, reserved=reserved, allocation_ratio=ratio)
    assert own.capacity == capacity


@pytest.mark.parametrize(
    ("details", "hybrid"),
    [({}, False), ({"ovs_hybrid_plug": False}, False), ({"ovs_hybrid_plug": True}, True)],
)
def test_a_hybrid_plug(details: dict[str, object], hybrid: bool) -> None:
    assert port(vif_details=details).hybrid is hybrid
