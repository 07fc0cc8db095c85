"""What was asked of OpenStack, of one target."""

from __future__ import annotations

from tests.openstack import BINDING, ID, PORT, port, server
from viftrail.facts.names import Names
from viftrail.facts.openstack import Action, ActionEvent, OpenStack, ServerFault
from viftrail.history.asked import asked

NAMES = Names(ports=(PORT,), server_id=ID)


def told(**sections: object) -> list[tuple[str, str]]:
    openstack = OpenStack(**sections)  # type: ignore[arg-type]
    return [(event.where, event.what) for event in asked(openstack, NAMES)]


def test_an_action_with_its_steps() -> None:
    step = ActionEvent(
        event="compute_stop_instance",
        host="cmp1",
        start="2026-11-21T00:00:01",
        finish="2026-11-21T00:00:02",
        result="Error",
        details="no agent",
    )
    action = Action(
        action="stop",
        server_id=ID,
        request_id="req-1",
        start="2026-11-21T00:00:00",
        updated="2026-11-21T00:00:03",
        message="Error",
        events=(step,),
    )
    assert told(actions=(action,)) == [
        ("Nova API", "stop asked for (req-1)"),
        ("Nova API, cmp1", "compute_stop_instance begins"),
        ("Nova API, cmp1", "compute_stop_instance ends: error: no agent"),
        ("Nova API", "stop: Error"),
    ]


def test_a_step_that_goes_on_has_no_end() -> None:
    step = ActionEvent(event="compute_stop_instance", start="2026-11-21T00:00:01")
    action = Action(action="stop", server_id=ID, events=(step,))
    assert told(actions=(action,)) == [("Nova API", "compute_stop_instance begins")]


def test_the_fault_and_the_port_when_they_came_about() -> None:
    fault = ServerFault(message=BINDING, created="2026-11-21T00:00:09Z")
    found = told(
        servers=(server(BINDING, fault=fault),), ports=(port(created="2026-11-21T00:00:05Z"),)
    )
    assert found == [("Nova API", f"fault: {BINDING}"), ("Neutron API", f"port {PORT} made")]


def test_what_is_others_or_without_a_time_is_left_out() -> None:
    other = Action(action="create", server_id="else", start="2026-11-21T00:00:00")
    undated = Action(action="create", server_id=ID, start="soon")
    assert told(actions=(other, undated), ports=(port(id="p", created="2026-11-21"), port())) == []
