"""Nova's own words for how far a server got."""

from __future__ import annotations

import pytest

from tests.openstack import BINDING, BLANK, FILTERED, ID, PLUG, PORT, server, tried
from viftrail.chain.failure import Kind, failure_of, tried_on, under_way
from viftrail.facts.openstack import Action, ActionEvent, OpenStack

TEXTS = {
    BLANK: Kind.NO_CANDIDATE,
    "No valid host was found.": Kind.NO_CANDIDATE,
    FILTERED: Kind.FILTERED,
    "No valid host was found. No such host - host: cmp9 node: None ": Kind.NO_SUCH_HOST,
    "Host 'cmp2' is not mapped to any cell": Kind.NOT_MAPPED,
    f"Exceeded maximum number of retries. Exhausted all hosts available for {ID}.": Kind.RETRIES,
    PLUG: Kind.PLUG,
    "Virtual Interface creation failed": Kind.PLUG,
    BINDING: Kind.BINDING,
    f"Build of instance {ID} aborted: Failed to allocate the network(s) with error No more IP "
    "addresses available on network x., not rescheduling.": Kind.ADDRESSES,
    f"Build of instance {ID} aborted: Volume v did not finish being created even after we waited 3 "
    "seconds or 61 attempts. And its status is error.": Kind.VOLUME,
    "something new": Kind.OTHER,
}


@pytest.mark.parametrize("text", TEXTS)
def test_each_text_tells_how_far_it_got(text: str) -> None:
    found = failure_of(OpenStack(), server(text))
    assert found is not None
    assert found.kind is TEXTS[text]


def test_the_port_and_the_host_that_are_named() -> None:
    refused = failure_of(OpenStack(), server(BINDING))
    forced = failure_of(
        OpenStack(), server("No valid host was found. No such host - host: a.b node: ")
    )
    assert refused is not None
    assert forced is not None
    assert (refused.port_id, forced.host) == (PORT, "a.b")


def test_a_server_that_runs_did_not_fail() -> None:
    assert failure_of(OpenStack(), server()) is None
    assert failure_of(OpenStack(), server(BLANK, vm_state="active", status="ACTIVE")) is None


def test_without_a_fault_the_event_tells() -> None:
    event = ActionEvent(
        event="conductor_schedule_and_build_instances", result="Error", details=BLANK
    )
    openstack = OpenStack(actions=(Action(action="create", server_id=ID, events=(event,)),))
    found = failure_of(openstack, server(BLANK, fault=None))
    assert found is not None
    assert found.kind is Kind.NO_CANDIDATE


def test_where_it_was_tried() -> None:
    assert tried_on(OpenStack(actions=(tried("cmp2"),)), server(PLUG)) == "cmp2"
    assert tried_on(OpenStack(), server(host="cmp1")) == "cmp1"
    assert tried_on(OpenStack(), server(BLANK)) == ""


def test_only_the_newest_action_can_be_under_way() -> None:
    begun = ActionEvent(event="compute_stop_instance", start="2026-01-02T00:00:00")
    stop = Action(action="stop", server_id=ID, events=(begun,))
    done = Action(
        action="start", server_id=ID, events=(ActionEvent(event="x", start="a", finish="b"),)
    )
    busy = server(task_state="powering-off")
    found = under_way(OpenStack(actions=(stop, done)), busy)
    assert found is not None
    assert found[0].action == "stop"
    assert under_way(OpenStack(actions=(done, stop)), busy) is None
    assert under_way(OpenStack(actions=(stop,)), server()) is None
