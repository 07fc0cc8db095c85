"""What the doctor prints: one screen, and JSON with the same in it."""

from __future__ import annotations

import json

import click
import msgspec

from viftrail.facts.checkup import Checkup, Cloud, Database, Listed, Seen
from viftrail.facts.grant import needs
from viftrail.facts.places import Container, Places
from viftrail.report.checkup import WIDTH, as_json, as_text

PLACES = Places(
    deployers=("kolla-ansible",),
    ovs_run=("/run/openvswitch",),
    ovn_run=("/run/ovn",),
    databases={"OVN_Northbound": ("/var/lib/docker/volumes/ovn_nb_db/_data/ovnnb.db",)},
    logs=("/var/log/kolla",),
    containers=(Container(runtime="/usr/bin/docker", id="1", name="ovn_controller"),),
)
HERE = Seen(
    name="controller1",
    versions={"ovn-controller": "23.03.1"},
    daemons={"ovn-controller": "runs", "ovs-vswitchd": "stopped"},
    places=PLACES,
)
NORTH = Database(
    name="OVN_Northbound",
    address="ssl:10.0.0.1:6641,ssl:10.0.0.2:6641",
    source="/etc/kolla/neutron-server/ml2_conf.ini [ovn] ovn_nb_connection",
    endpoint="ssl:10.0.0.2:6641",
    model="clustered",
    leader=True,
    schema="7.0.0",
    milliseconds=1.5,
)
SOUTH = msgspec.structs.replace(
    NORTH,
    name="OVN_Southbound",
    address="tcp:10.0.0.1:6642",
    source="guessed from conf.db external_ids:ovn-remote",
    guessed=True,
    endpoint="",
    why="It is silent.",
    do="Look there.",
)
WHOLE = Checkup(
    tool="viftrail 1",
    time="t",
    here=HERE,
    databases=(NORTH, SOUTH),
    chassis=("c1", "c2", "c3"),
    hosts=(Seen(name="c1", versions={"ovn-controller": "23.03.1"}), Seen(name="c9", why="No.")),
    openstack=Cloud(name="admin", computes=4),
)


def text(checkup: Checkup = WHOLE) -> str:
    return click.unstyle(as_text(checkup, needs(checkup)))


def test_it_fits_one_screen() -> None:
    lines = text().splitlines()
    assert len(lines) < 40
    assert all(len(line) <= WIDTH for line in lines), lines


def test_colours_take_no_room() -> None:
    assert click.unstyle(as_text(WHOLE, needs(WHOLE))) == text()
    assert "\x1b[" in as_text(WHOLE, needs(WHOLE))


def test_what_was_found_and_whence() -> None:
    told = text()
    assert "deployed by    kolla-ansible" in told
    assert "ovn-controller 23.03.1; /run/ovn" in told
    assert "ovs-vswitchd stopped; /run/openvswitch" in told
    assert "ovn_controller (docker)" in told
    assert "Northbound     ok leader, 1.5 ms, schema 7.0.0\n" in told
    source = "/etc/kolla/neutron-server/ml2_conf.ini [ovn] ovn_nb_connection"
    assert f"at ssl:10.0.0.2:6641, from {source}" in " ".join(told.split())
    assert "guessed: conf.db external_ids:ovn-remote" in told
    assert "2 not visited (--host NAME or --all-hosts does)" in told


def test_what_is_missing_and_what_to_do() -> None:
    told = text()
    assert "! Southbound: It is silent.\n    > Look there." in told
    assert told.endswith("Not ready: what is marked with ! comes first.\n")


def crowd(count: int) -> Checkup:
    """Hosts of which a third does not answer, each with its own name and address in the reason."""
    hosts = []
    for number in range(count):
        name, version = f"c{number}.example", {"ovn-controller": f"23.03.{number % 2}"}
        why = f"Host {name} could not be probed: ssh: {name} (10.0.0.{number}): No route to host."
        hosts.append(
            Seen(name=name, why=why, do=f"Try `ssh {name}` by hand.")
            if number % 3 == 0
            else Seen(name=name, versions=version)
        )
    south = msgspec.structs.replace(NORTH, name="OVN_Southbound")
    return msgspec.structs.replace(
        WHOLE,
        databases=(NORTH, south),
        chassis=tuple(host.name for host in hosts),
        hosts=tuple(hosts),
    )


def test_hundreds_of_hosts_are_one_screen() -> None:
    told = text(crowd(300))
    assert len(told.splitlines()) < 40, told
    whole = " ".join(told.split())
    assert "100 hosts not seen c0.example, c3.example, c6.example, c9.example and 96 more" in whole
    assert "100 hosts ok as root: ovn-controller 23.03.1; c1.example, " in whole
    assert (
        "- 100 hosts (c0.example, c3.example, c6.example, c9.example and 96 more): Host NAME could "
        "not be probed: ssh: NAME (ADDRESS): No route to host. > Try `ssh NAME` by hand." in whole
    )
    assert "Ready: viftrail why" in told


def test_few_hosts_have_a_line_each() -> None:
    told = text(crowd(4))
    assert "c1.example     ok as root: ovn-controller 23.03.1" in told
    assert "c0.example     not seen" in told
    assert told.index("c0.example  ") < told.index("c1.example  ") < told.index("c3.example  ")


def test_an_inventory_and_what_its_limit_leaves_out() -> None:
    listed = Listed(name="hosts.yml", hosts=12, chassis=2)
    left = "1 chassis are not among the hosts that --limit rack7 leaves: c3."
    told = text(msgspec.structs.replace(WHOLE, inventory=listed, left_out=left))
    assert "inventory      ok hosts.yml: 12 hosts, with 2 of 3 chassis" in told
    assert left in " ".join(told.split())
    unread = Listed(name="hosts.yml", why="It is no YAML.", do="Look at it.")
    told = text(msgspec.structs.replace(WHOLE, inventory=unread))
    assert "inventory      not read hosts.yml" in told
    assert "! the inventory: It is no YAML." in told


def test_when_all_is_well_it_says_what_to_run() -> None:
    south = msgspec.structs.replace(NORTH, name="OVN_Southbound")
    well = msgspec.structs.replace(WHOLE, databases=(NORTH, south), hosts=())
    assert "Missing" not in text(well)
    assert text(well).endswith("Ready: viftrail why SERVER, viftrail audit.\n")


def test_a_host_without_ovn_says_so() -> None:
    bare = msgspec.structs.replace(WHOLE, here=Seen(name="laptop"))
    assert "OVN            none" in text(bare)


def test_json_has_it_all() -> None:
    whole = json.loads(as_json(WHOLE, needs(WHOLE)))
    assert whole["databases"][0]["reached"] is True
    assert whole["databases"][1]["why"] == "It is silent."
    assert whole["here"]["places"]["deployers"] == ["kolla-ansible"]
    assert whole["missing"][0]["feature"] == "Southbound"
