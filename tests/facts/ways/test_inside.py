"""What containers say completes a host: asked only where the host could not, and one host after."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from tests.cloud import healthy
from viftrail.facts.facts import Gap
from viftrail.facts.host import Failure, Host, Process
from viftrail.facts.places import Container, Places
from viftrail.facts.ways.carrier import Local, Ssh
from viftrail.facts.ways.inside import Inside, complete, merged, unseen


def container(name: str, *daemons: str) -> Container:
    return Container(runtime="/usr/bin/docker", id=f"{name}-id", name=name, daemons=daemons)


CONTROLLER = container("ovn_controller", "ovn-controller")
SWITCH = container("openvswitch_vswitchd", "ovs-vswitchd")
CONF_DB = container("openvswitch_db", "ovsdb-server")
ALL = (CONTROLLER, SWITCH, CONF_DB)
INSIDE = healthy().hosts["compute1"]
DENIED = "[Errno 13] Permission denied"


def outside(*containers: Container) -> Host:
    """The same host by a user who may ask nothing of it."""
    return msgspec.structs.replace(
        INSIDE,
        processes={name: Process(pid=900, state="S", container=True) for name in INSIDE.processes},
        unixctl={},
        vswitch={},
        flows=None,
        counters=Host(format=1, hostname="", time=0).counters,
        servers={},
        tls=None,
        places=Places(containers=containers),
        errors=(
            Failure("Open_vSwitch database at /run/openvswitch/db.sock", DENIED),
            Failure("ovs-appctl -t ovn-controller version", DENIED),
            Failure("nft -j list ruleset", "Operation not permitted"),
        ),
    )


def test_the_way_leads_through_the_host() -> None:
    way = Inside(Ssh("compute1", become=True), CONTROLLER, "compute1")
    assert (way.way, way.host) == ("docker", "compute1/ovn_controller")
    expected = "sudo -n /usr/bin/docker exec -i -u 0 ovn_controller python3 -IB - --window 0.3"
    assert way.command(["python3", "-IB", "-", "--window", "0.3"])[-1] == expected
    assert Inside(Local(), CONTROLLER).command(["python3", "-"])[0] == "/usr/bin/docker"


def test_a_host_whose_own_view_suffices_is_left_alone() -> None:
    host = msgspec.structs.replace(INSIDE, places=Places(containers=ALL))
    assert unseen(host) == {}

    def enter(_: Container) -> Host | Gap:
        pytest.fail("nobody had to be asked")

    assert complete(host, enter) is host


def test_only_what_was_not_answered_is_asked_inside() -> None:
    host = msgspec.structs.replace(
        INSIDE, unixctl={"ovs-vswitchd": {"version": "3"}}, places=Places(containers=ALL)
    )
    assert unseen(host) == {CONTROLLER: ("ovn-controller",)}


def test_a_stopped_daemon_is_not_waited_for_inside_either() -> None:
    host = outside(CONTROLLER)
    stopped = {"ovn-controller": Process(pid=900, state="T", container=True)}
    assert unseen(msgspec.structs.replace(host, processes=stopped)) == {}


def test_a_host_without_the_programs_has_them_in_the_container() -> None:
    """As with kolla-ansible: the sockets are shared, ovs-ofctl is in the container alone."""
    missing = Failure("flows of bridge br-int", "[Errno 2] No such file or directory: 'ovs-ofctl'")
    host = msgspec.structs.replace(
        INSIDE, flows=None, errors=(missing,), places=Places(containers=ALL)
    )
    assert unseen(host) == {SWITCH: ("ovs-vswitchd",)}
    whole = complete(host, lambda _: INSIDE)
    assert whole.flows == INSIDE.flows
    assert whole.errors == ()


def test_all_containers_make_one_host() -> None:
    entered: list[str] = []

    def enter(each: Container) -> Host:
        entered.append(each.name)
        return INSIDE

    host = complete(outside(*ALL), enter)
    assert sorted(entered) == sorted(each.name for each in ALL)
    assert host.vswitch == INSIDE.vswitch
    assert host.unixctl == INSIDE.unixctl
    assert host.flows == INSIDE.flows
    assert host.counters == INSIDE.counters
    assert host.processes["ovn-controller"].container
    assert [failure.what for failure in host.errors] == ["nft -j list ruleset"]


def test_a_daemon_that_hangs_inside_is_told_as_on_any_host() -> None:
    hung = Failure("ovs-appctl -t ovn-controller version", "no answer within 2 s")
    inside = msgspec.structs.replace(INSIDE, unixctl={}, errors=(hung,))
    host = merged(outside(CONTROLLER), inside, ["ovn-controller"])
    assert hung in host.errors
    assert host.hangs
    assert not any(DENIED in failure.why and "appctl" in failure.what for failure in host.errors)


def test_what_was_not_even_asked_inside_stays_a_complaint_of_the_host() -> None:
    """As where ovs-vswitchd there answers nothing: its flows are not asked for."""
    missing = Failure("flows of bridge br-int", "[Errno 2] No such file or directory: 'ovs-ofctl'")
    host = msgspec.structs.replace(outside(SWITCH), errors=(missing,))
    inside = msgspec.structs.replace(INSIDE, flows=None, unixctl={}, errors=())
    assert missing in merged(host, inside, ["ovs-vswitchd"]).errors


def test_a_container_that_cannot_be_entered_is_said() -> None:
    gap = Gap("container", "Host x has no python3: not found.", "Install python3 there.")
    host = complete(outside(CONTROLLER), lambda _: gap)
    assert host.failures("container ovn_controller")[0].why == gap.why
    assert host.failures("ovs-appctl -t ovn-controller")


def test_what_the_host_knows_itself_is_kept() -> None:
    other = msgspec.structs.replace(
        INSIDE, links=(), memory=Host(format=1, hostname="", time=0).memory
    )
    host = complete(outside(*ALL), lambda _: other)
    assert host.links == INSIDE.links
    assert host.memory == INSIDE.memory


def taken(daemons: Sequence[str]) -> set[str]:
    return set(merged(outside(), INSIDE, daemons).unixctl)


def test_a_container_speaks_for_its_own_daemons_only() -> None:
    assert taken(["ovn-controller"]) == {"ovn-controller"}
    assert taken([]) == set()
