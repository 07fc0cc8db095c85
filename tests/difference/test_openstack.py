"""What OpenStack says, as things."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.cloud import healthy
from tests.samples import opened
from viftrail.difference import openstack
from viftrail.difference.compare import compare
from viftrail.difference.picture import Picture
from viftrail.facts.facts import Facts


def drawn(facts: Facts) -> Picture:
    picture = Picture()
    openstack.draw(picture, facts, {})
    return picture


def told(before: Facts, after: Facts) -> set[tuple[str, str, str]]:
    return {(c.stage, c.kind, c.trait or c.presence) for c in compare(drawn(before), drawn(after))}


def test_a_service_that_is_down_and_a_server_in_error() -> None:
    facts = opened("s0-healthy-two-servers-fip").everything()
    servers, services = facts.openstack.servers, facts.openstack.services
    assert servers
    assert services
    broken = msgspec.structs.replace(
        facts.openstack,
        servers=(msgspec.structs.replace(servers[0], status="ERROR", updated="x"), *servers[1:]),
        services=tuple(msgspec.structs.replace(each, state="down") for each in services),
    )
    assert told(facts, replace(facts, openstack=broken)) == {
        ("S2", "server", "status"),
        ("S1", "service", "state"),
    }


def test_what_was_not_read_is_not_gone() -> None:
    facts = opened("s0-healthy-two-servers-fip").everything()
    silent = msgspec.structs.replace(facts.openstack, services=None, servers=None, agents=None)
    assert told(facts, replace(facts, openstack=silent)) == set()


def test_without_openstack_the_owner_tells() -> None:
    owner = healthy().owner
    moved = msgspec.structs.replace(owner.ports[0], host="compute9")
    fewer = msgspec.structs.replace(owner, ports=(moved, *owner.ports[2:]), floating_ips=())
    assert told(healthy(), replace(healthy(), owner=fewer)) == {
        ("S3", "wanted port", "host"),
        ("S3", "wanted port", "gone"),
        ("S13", "wanted floating IP", "gone"),
    }
