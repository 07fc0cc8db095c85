"""What is missing, and the least that grants it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from viftrail.facts import grant
from viftrail.facts.checkup import Checkup, Cloud, Database, Member, Seen
from viftrail.facts.grant import Need, group_of, needs
from viftrail.facts.host import Failure
from viftrail.facts.places import Places, Remote, Runtime

REACHED = Database(name="OVN_Northbound", address="tcp:a:1", endpoint="tcp:a:1")
CLOUD = Cloud(name="c", computes=3)
DENIED = Failure("Open_vSwitch database at /run/openvswitch/db.sock", "Permission denied")


@pytest.fixture(autouse=True)
def _an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """No root, whoever runs the tests."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def missing(
    *databases: Database,
    here: Seen | None = None,
    hosts: tuple[Seen, ...] = (),
    openstack: Cloud | None = CLOUD,
    lab: str = "",
) -> tuple[Need, ...]:
    return needs(
        Checkup(
            tool="v",
            time="t",
            lab=lab,
            databases=databases,
            here=here,
            hosts=hosts,
            openstack=openstack,
        )
    )


def test_where_all_is_there_nothing_is_missing() -> None:
    assert missing(REACHED, here=Seen(name="h"), hosts=(Seen(name="c1"),)) == ()


def test_an_unknown_database_is_grave_and_says_how_to_name_it() -> None:
    (need,) = missing(Database(name="OVN_Southbound"))
    assert need.grave
    assert "--sb tcp:HOST:6642" in need.do


def test_a_database_that_only_a_hidden_file_names() -> None:
    ml2 = "/etc/neutron/plugins/ml2/ml2_conf.ini"
    here = Seen(name="h", places=Places(unread=(ml2, "/etc/kolla")))
    (need,) = missing(Database(name="OVN_Northbound"), here=here)
    assert f"{ml2} and 1 more may not be read by this user" in need.why
    assert "sudo" in need.do
    assert "--nb tcp:HOST:6641" in need.do


def test_what_root_saw_here_is_hidden_from_a_user_who_finds_nothing() -> None:
    remote = Remote(database="nb", address="tcp:a:6641", source="ml2_conf.ini [ovn]")
    here = Seen(name="h", euid=0, places=Places(remotes=(remote,)))
    (need,) = missing(Database(name="OVN_Northbound"), here=here)
    assert "ml2_conf.ini [ovn] may not be read by this user" in need.why


def test_beside_a_named_database_the_other_is_not_looked_for() -> None:
    south = Database(name="OVN_Southbound", address="tcp:a:1", endpoint="x", source="OVN_SB_DB")
    remote = Remote(database="nb", address="tcp:a:6641", source="ml2_conf.ini [ovn]")
    here = Seen(name="h", places=Places(remotes=(remote,), unread=("/etc/kolla",)))
    (need,) = missing(Database(name="OVN_Northbound"), south, here=here)
    assert need.why == "Beside OVN_SB_DB it is not looked for: it may be of another cloud."
    assert "Name it too: --nb tcp:HOST:6641" in need.do


def test_a_database_that_lost_its_cluster() -> None:
    stale = Database(name="OVN_Northbound", address="tcp:a:1", endpoint="tcp:a:1", stale=True)
    (need,) = missing(stale)
    assert "`ovn-appctl -t /run/ovn/ovnnb_db.ctl cluster/status OVN_Northbound`" in need.do


def test_a_socket_is_granted_by_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "nb.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        Path(path).chmod(0o770)
        monkeypatch.setattr("os.access", lambda *_: False)
        monkeypatch.setattr("grp.getgrgid", lambda _: type("G", (), {"gr_name": "ovs"}))
        refused = Database(name="OVN_Northbound", address=f"unix:{path}", why="no", do="other")
        (need,) = missing(refused)
        assert "usermod -aG ovs" in need.do
        assert grant.DOCUMENT in need.do
        monkeypatch.setattr("grp.getgrgid", lambda _: type("G", (), {"gr_name": "root"}))
        assert missing(refused)[0].do == "other", "nobody shall join root's group"
        monkeypatch.setattr("grp.getgrgid", lambda _: type("G", (), {"gr_name": "ovs"}))
        Path(path).chmod(0o750)
        assert missing(refused)[0].do == "other", "to connect is to write"


def test_a_socket_that_is_not_there_or_is_ours_needs_no_group(tmp_path: Path) -> None:
    assert group_of(str(tmp_path / "none")) == ""
    assert group_of(str(tmp_path)) == ""


def test_a_key_of_somebody_else_is_not_to_be_borrowed() -> None:
    refused = Database(
        name="OVN_Southbound",
        address="ssl:a:6642",
        tls="ml2_conf.ini",
        why="The TLS file /etc/neutron/key may not be read by this user.",
    )
    assert "ovs-pki req+sign" in missing(refused)[0].do


def test_this_host_names_what_a_user_may_not_ask() -> None:
    here = Seen(name="h", euid=1000, refused=(DENIED, DENIED))
    (need,) = missing(REACHED, here=here)
    assert not need.grave
    assert "uid 1000 may not ask `Open_vSwitch database" in need.why
    assert "and 1 more" in need.why
    assert "sudo" in need.do


def test_root_is_not_told_to_use_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    nft = Failure("nft list ruleset", "Operation not permitted")
    places = Places(runtimes=(Runtime("/usr/bin/docker", "permission denied"),))
    lxc = Seen(name="h", euid=0, refused=(nft,), places=places)
    needs = missing(REACHED, here=lxc, hosts=(Seen(name="c1", euid=0, refused=(nft,)),))
    assert len(needs) == 3
    assert "Not even root may ask `nft list ruleset`." in [need.why for need in needs]
    assert all("look from its host" in need.do for need in needs)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    why = "unix:/run/ovn/ovnnb_db.sock may not be used by this user."
    (need,) = missing(Database(name="OVN_Northbound", address="unix:/x", why=why, do="Be root."))
    assert "look from its host" in need.do


def test_a_host_that_is_down_is_not_grave() -> None:
    (need,) = missing(REACHED, hosts=(Seen(name="c1", why="No route to host.", do="Look."),))
    assert not need.grave
    assert need.host == "c1"


@pytest.mark.parametrize(
    ("why", "count"),
    [
        ("permission denied while trying to connect to the Docker daemon socket", 1),
        ("no answer within 2 s", 1),
        ("Cannot connect to the Docker daemon. Is the docker daemon running?", 0),
        ("", 0),
    ],
)
def test_a_runtime_that_hides_containers(why: str, count: int) -> None:
    places = Places(runtimes=(Runtime("/usr/bin/docker", why),))
    assert len(missing(REACHED, here=Seen(name="h", places=places))) == count


def test_another_host_is_granted_as_the_way_to_it_says() -> None:
    why = "The user with id 1000 may not look at Open vSwitch and OVN on c1 (x)."
    ansible = "Have Ansible become root there: in the inventory, or with --become."
    (need,) = missing(REACHED, hosts=(Seen(name="c1", why=why, do=ansible),))
    assert need.do == ansible, "a line for python3 is of no use to Ansible's shell"
    (need,) = missing(REACHED, hosts=(Seen(name="c1", why="It is dead.", do="Look there."),))
    assert need.do == "Look there."


def test_openstack_is_no_must() -> None:
    (need,) = missing(REACHED, openstack=None)
    assert not need.grave
    assert "OS_CLOUD" in need.do
    assert missing(REACHED, openstack=None, lab="lab") == ()


def test_what_credentials_may_not_read_is_granted_by_policy() -> None:
    unread = (("Nova: compute services", "These credentials may not read it.", "Be admin."),)
    (need,) = missing(REACHED, openstack=Cloud(name="c", unread=unread))
    assert not need.grave
    assert "policy" in need.do


def test_the_gravest_comes_first() -> None:
    here = Seen(name="h", euid=1000, refused=(DENIED,))
    found = missing(Database(name="OVN_Southbound"), here=here, openstack=None)
    assert [need.grave for need in found] == [True, False, False]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"role": "follower", "index": 5000}, ""),
        ({"role": "follower", "index": 3000}, "tcp:b:6641 is 2000 entries behind"),
        ({"role": "follower", "index": 5000, "cluster": "two"}, "is of another cluster (two)"),
        ({"role": "lost", "index": 5000}, "has lost its cluster"),
        ({"role": "leader", "index": 5000}, "tcp:a:6641 and tcp:b:6641 take themselves"),
        ({"role": "", "why": "tcp:b:6641 refused."}, "tcp:b:6641 refused."),
    ],
)
def test_members_that_are_not_of_one_mind(other: dict[str, Any], words: str) -> None:
    first = Member(address="tcp:a:6641", role="leader", cluster="one", index=5000)
    second = Member(**{"address": "tcp:b:6641", "cluster": "one", **other})
    needed = missing(msgspec.structs.replace(REACHED, members=(first, second)))
    assert [need.grave for need in needed] == ([False] if words else [])
    assert all(words in need.why for need in needed)
