"""S2: what became of the build."""

from __future__ import annotations

import pytest

from tests.openstack import BINDING, BLANK, PLUG, cloud_of, server, tried
from viftrail.chain.build import examine, waited_in_vain
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import trail_of_server
from viftrail.facts.openstack import Action, ActionEvent
from viftrail.verdict import Finding

ON = (tried("cmp2"),)


def stage(cloud: Cloud) -> Finding:
    return examine(cloud, trail_of_server(cloud, (cloud.openstack.servers or ())[0], "vm"))


def test_who_waited_for_a_plug_is_known_by_host() -> None:
    waited = waited_in_vain(cloud_of(server(PLUG), actions=ON))
    assert {host: [row.name for row in rows] for host, rows in waited.items()} == {"cmp2": ["vm"]}
    assert not waited_in_vain(cloud_of(server(PLUG))), "on which host is not known"
    assert not waited_in_vain(cloud_of(server(BINDING), actions=ON))


@pytest.mark.parametrize(
    ("message", "state", "says"),
    [
        (PLUG, "broken", "its build on cmp2 failed"),
        (BINDING, "consequence", "follows from S3"),
        (BLANK, "n/a", "never given to a host"),
        ("", "ok", "built on cmp2"),
    ],
)
def test_where_its_build_ended(message: str, state: str, says: str) -> None:
    found = stage(cloud_of(server(message, host="" if message else "cmp2"), actions=ON))
    assert found.state.value == state
    assert says in found.summary


def test_a_failure_without_words_is_not_explained() -> None:
    found = stage(cloud_of(server(status="ERROR", vm_state="error")))
    assert (found.state.value, found.summary) == (
        "unknown",
        "Nova says that it failed, and not why",
    )


def test_a_build_that_goes_on_is_no_failure() -> None:
    found = stage(cloud_of(server(status="BUILD", vm_state="building", task_state="spawning")))
    assert found.state.value == "unknown"
    assert "being built (spawning)" in found.summary


def test_what_its_host_is_doing_to_it_is_told() -> None:
    event = ActionEvent(event="compute_stop_instance", host="cmp1", start="2026")
    stop = Action(action="stop", server_id=server().id, events=(event,))
    found = stage(cloud_of(server(host="cmp1", task_state="powering-off"), actions=(stop,)))
    assert found.state.value == "ok"
    assert "`stop` is under way on cmp1 since 2026" in found.summary
