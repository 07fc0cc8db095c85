"""Steps for daemons that Docker or podman runs."""

from __future__ import annotations

import msgspec

from tests.cloud import ask, healthy, on_host
from tests.recordings import facts_of
from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.facts.facts import Facts
from viftrail.facts.host import Process
from viftrail.faults import step
from viftrail.faults.container import as_contained
from viftrail.faults.fault import Case
from viftrail.fix.shell import objection

HOST = "compute1"


def in_containers(facts: Facts, *names: str) -> Facts:
    """These daemons of a host run in containers."""
    processes = {
        name: msgspec.structs.replace(process, container=name in names)
        for name, process in facts.hosts[HOST].processes.items()
    }
    return on_host(facts, HOST, processes=processes)


def case(command: str, where: str = HOST) -> Case:
    undo = command.replace("restart", "stop").replace("CONT", "STOP")
    steps = step.on_host(where, command, undo=undo, verify="v")
    return Case(subject=subject.host(HOST), summary="s", evidence=(), steps=steps, note="n")


def made(facts: Facts, command: str, where: str = HOST) -> str:
    (found,) = as_contained(Cloud(facts), case(command, where)).steps
    return found.command


def test_the_order_goes_to_the_container() -> None:
    facts = in_containers(healthy(), "ovn-controller", "ovs-vswitchd")
    for order, expected in (
        ("systemctl restart ovn-controller", "docker restart ovn_controller"),
        ("systemctl restart ovs-vswitchd", "docker restart openvswitch_vswitchd"),
        ("systemctl kill --signal=CONT ovn-controller", "docker kill --signal=CONT ovn_controller"),
        ("systemctl status ovn-controller", "docker ps --all --filter name=ovn_controller"),
    ):
        found = as_contained(Cloud(facts), case(order))
        assert found.steps[0].command == expected
        assert "systemctl" not in found.steps[0].undo
        assert found.note.startswith("n The daemons of compute1 ")
        assert "podman" in found.note
        assert objection(expected), "the name is a guess: it is the operator's to run"


def test_units_stay_units_where_there_are_some() -> None:
    order = "systemctl restart ovn-controller"
    plain = case(order)
    assert as_contained(Cloud(healthy()), plain) is plain
    assert made(in_containers(healthy(), "ovs-vswitchd"), order) == order
    contained = in_containers(healthy(), "ovn-controller")
    assert made(contained, order, where="compute2") == order
    assert made(contained, "systemctl restart nova-compute") == "systemctl restart nova-compute"


def test_of_a_daemon_that_is_gone_the_others_tell() -> None:
    facts = in_containers(facts_of("controller-crashed"), "ovs-vswitchd")
    (cause,) = ask(facts).causes
    assert cause.remedy.steps[0].command == "docker start ovn_controller"
    assert cause.remedy.steps[0].undo == "docker stop ovn_controller"
    (cause,) = ask(facts_of("controller-crashed")).causes
    assert cause.remedy.steps[0].command == "systemctl start ovn-controller"


def test_an_older_bundle_tells_nothing_of_containers() -> None:
    assert not msgspec.json.decode(b'{"pid": 1, "state": "S"}', type=Process).container
