"""What a checkup takes from probes and databases, and when it has failed."""

from __future__ import annotations

import msgspec
import pytest

from tests.cloud import healthy
from viftrail.errors import Unreachable
from viftrail.facts.access import Way
from viftrail.facts.checkup import (
    Checkup,
    Cloud,
    Database,
    Seen,
    cloud,
    failed,
    nothing,
    reach,
    seen,
    versions,
)
from viftrail.facts.facts import Gap
from viftrail.facts.host import Failure, Process
from viftrail.facts.openstack import OpenStack
from viftrail.facts.ovsdb.client import Client

REACHED = Database(name="OVN_Northbound", address="tcp:a:1", endpoint="tcp:a:1")
SILENT = Database(name="OVN_Southbound", address="tcp:b:1", why="no", do="do")
STALE = msgspec.structs.replace(REACHED, stale=True)
UNKNOWN = Database(name="OVN_Southbound")
NO_ADMIN = (("Nova: compute services", "These credentials may not read it.", "Ask."),)


def checkup(
    *databases: Database, hosts: tuple[Seen, ...] = (), openstack: Cloud | None = None
) -> Checkup:
    return Checkup(tool="v", time="t", databases=databases, hosts=hosts, openstack=openstack)


@pytest.mark.parametrize(
    ("found", "is_failed"),
    [
        (checkup(REACHED, REACHED), False),
        (checkup(REACHED, UNKNOWN), True),
        (checkup(REACHED, STALE), True),
        (checkup(REACHED, SILENT), True),
        (checkup(REACHED, hosts=(Seen(name="h", why="no"),)), True),
        (checkup(REACHED, openstack=Cloud(name="c")), True),
        (checkup(REACHED, openstack=Cloud(name="c", computes=0)), False),
        (checkup(REACHED, openstack=Cloud(name="c", unread=NO_ADMIN)), False),
    ],
)
def test_failed_is_a_database_not_to_be_relied_on_or_what_is_silent(
    found: Checkup, is_failed: bool
) -> None:
    assert failed(found) is is_failed


def test_nothing_is_when_nobody_names_a_database() -> None:
    assert nothing([UNKNOWN, UNKNOWN])
    assert not nothing([UNKNOWN, SILENT])


def test_a_database_that_does_not_answer_says_why() -> None:
    def connect() -> Client:
        raise Unreachable("It is silent.", "Look there.")

    database, hosts = reach("sb", Way("tcp:a:1", "/etc/x", guessed=True), connect)
    assert (database.name, database.reached, hosts) == ("OVN_Southbound", False, ())
    assert (database.why, database.do) == ("It is silent.", "Look there.")
    assert (database.source, database.guessed) == ("/etc/x", True)


def test_why_some_addresses_were_not_tried_is_said_with_the_rest() -> None:
    def connect() -> Client:
        raise Unreachable("unix:/s is silent.", "Look there.")

    database, _ = reach("nb", Way("unix:/s", untried="ssl:a:1 is not tried: no files."), connect)
    assert database.why == "unix:/s is silent. ssl:a:1 is not tried: no files."


def test_nobody_is_asked_without_an_address() -> None:
    def connect() -> Client:
        pytest.fail("there is no address")

    assert reach("nb", Way(), connect) == (Database(name="OVN_Northbound"), ())


def test_a_host_in_brief() -> None:
    host = msgspec.structs.replace(
        healthy().hosts["compute1"],
        processes={
            "ovn-controller": Process(pid=1, state="S"),
            "ovs-vswitchd": Process(pid=2, state="T"),
            "ovsdb-server": Process(pid=3),
        },
        errors=(Failure("a", "[Errno 13] Permission denied"), Failure("b", "no answer within 2 s")),
    )
    brief = seen("compute1", host)
    assert brief.daemons == {
        "ovn-controller": "runs",
        "ovs-vswitchd": "stopped",
        "ovsdb-server": "gone",
    }
    assert brief.versions["ovn-controller"].count(".") == 2
    assert [failure.what for failure in brief.refused] == ["a"]
    assert [failure.what for failure in brief.silent] == ["b"]


def test_a_host_that_was_not_seen_says_why() -> None:
    assert seen("h", Gap("host h", "No.", "Do.")) == Seen(name="h", why="No.", do="Do.")


def test_versions_are_the_daemons_own_words() -> None:
    text = "ovn-controller 23.03.1\nOpen vSwitch Library 3.1.0\nOpenFlow versions 0x6:0x6"
    assert versions({"ovn-controller": {"version": text}, "x": {"version": "?"}, "y": {}}) == {
        "ovn-controller": "23.03.1"
    }


def test_credentials_that_may_not_list_services_are_told_from_silence() -> None:
    gap = Gap("Nova: compute services", "These credentials may not read it.", "Ask.")
    told = cloud("c", (OpenStack(), [gap]))
    assert told.computes is None
    assert told.unread == ((gap.place, gap.why, gap.how),)
    assert cloud("c", (OpenStack(services=()), [])).computes == 0
