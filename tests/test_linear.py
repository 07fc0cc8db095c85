"""No fault walks the whole cloud for each of its ports: counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.cloud import add
from tests.facts.ovsdb.ovsdb_servers import short_directory
from tests.openstack import BLANK, provider, server, service
from viftrail.chain.cloud import Cloud
from viftrail.chain.trail import floating_ips_of
from viftrail.facts.facts import Facts
from viftrail.facts.intent import owner_of
from viftrail.facts.northbound import PortGroup
from viftrail.facts.openstack import (
    FixedIp,
    NeutronFloatingIp,
    NeutronNetwork,
    NeutronPort,
    NeutronSubnet,
    OpenStack,
)
from viftrail.facts.owner import Owner
from viftrail.facts.slice import DROP_GROUP
from viftrail.facts.southbound import Chassis
from viftrail.facts.stored import from_files
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.lab.synth.build import Order, synthesize

if TYPE_CHECKING:
    from _typeshed import TraceFunction

SMALL, LARGE = 400, 1600
ROOM = 1.5
"""How much more a port may cost in the large cloud; a walk for each port costs four times as much."""
SETUP = 5_000
"""Steps that do not depend on the size."""
FAILED = 8
"""One in so many servers got no host."""

pytestmark = pytest.mark.skipif(
    not Path("/usr/share/ovn/ovn-nb.ovsschema").exists(),
    reason="needs OVN's schemas: the Debian package ovn-common",
)


@cache
def facts_of(ports: int) -> Facts:
    """A cloud of this size, its OpenStack, and what Neutron wants by it."""
    with short_directory() as directory:
        folder = directory / "cloud"
        synthesize(Order(ports=ports, northd=False, seed=1), folder)
        facts = from_files(folder / "ovnnb_db.db", folder / "ovnsb_db.db").everything()
        owner = msgspec.json.decode((folder / "owner.json").read_bytes(), type=Owner)
    hosts = tuple(row.hostname for row in facts.sb[Chassis])
    openstack = _openstack(owner, hosts)
    return replace(facts, openstack=openstack, owner=owner_of(openstack))


def _openstack(owner: Owner, hosts: tuple[str, ...]) -> OpenStack:
    networks = sorted({port.switch.removeprefix("neutron-") for port in owner.ports})
    return OpenStack(
        listed=True,
        servers=tuple(
            server("" if number % FAILED else BLANK, id=port.server_id, name=port.server)
            for number, port in enumerate(owner.ports)
        ),
        services=tuple(service(host) for host in hosts),
        providers=tuple(provider(host, {"VCPU": 32}, allocations={}) for host in hosts),
        networks=tuple(NeutronNetwork(id=each, name=each) for each in networks),
        subnets=tuple(
            NeutronSubnet(id=f"s-{each}", network_id=each, cidr="10.0.0.0/8") for each in networks
        ),
        ports=tuple(
            NeutronPort(
                id=port.id,
                network_id=port.switch.removeprefix("neutron-"),
                mac_address=port.mac,
                device_id=port.server_id,
                device_owner="compute:nova",
                host_id=port.host,
                vif_type="ovs",
                status="ACTIVE",
                revision_number=1,
                security_groups=tuple(
                    group.removeprefix("pg_").replace("_", "-") for group in port.port_groups
                ),
                fixed_ips=tuple(
                    FixedIp(ip_address=ip, subnet_id=port.switch.replace("neutron-", "s-", 1))
                    for ip in port.addresses
                ),
            )
            for port in owner.ports
        ),
        floating_ips=tuple(
            NeutronFloatingIp(
                id=fip.ip,
                floating_ip_address=fip.ip,
                port_id=fip.port_id,
                fixed_ip_address=fip.fixed_ip,
            )
            for fip in owner.floating_ips
        ),
    )


def steps(work: Callable[[], object]) -> int:
    """How often Python entered a function or a line, or went through a loop once more."""
    count = 0

    def seen(_frame: FrameType, _event: str, _arg: object) -> TraceFunction:
        nonlocal count
        count += 1
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def cost(facts: Facts, fault: Fault) -> int:
    """Of a whole audit for this fault alone, with all that it has reckoned for it."""
    copy = replace(facts, openstack=msgspec.structs.replace(facts.openstack))
    return steps(lambda: list(fault.find(Cloud(copy))))


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault.id)
def test_looking_for_a_fault_costs_as_much_a_port_in_a_large_cloud(fault: Fault) -> None:
    small, large = (cost(facts_of(ports), fault) for ports in (SMALL, LARGE))
    assert large <= SETUP + small * ROOM * LARGE / SMALL, (small, large)


def test_what_neutron_wants_costs_as_much_a_port_in_a_large_cloud() -> None:
    def wanted(ports: int) -> int:
        openstack = msgspec.structs.replace(facts_of(ports).openstack)
        return steps(lambda: owner_of(openstack))

    small, large = wanted(SMALL), wanted(LARGE)
    assert large <= SETUP + small * ROOM * LARGE / SMALL, (small, large)


def test_a_port_is_found_and_has_its_groups_without_a_walk() -> None:
    facts = facts_of(SMALL)
    port_id = facts.owner.ports[-1].id
    cloud = Cloud(add(facts, *(PortGroup(uuid=str(n), name=f"pg_{n}") for n in range(SMALL))))
    port = cloud.ports[port_id]
    names = [group.name for group in cloud.groups_of(port)]
    wanted = facts.owner.port(port_id)
    assert wanted is not None
    assert set(names) == {DROP_GROUP, *wanted.port_groups}

    def look() -> None:
        cloud.owner.port(port_id)
        cloud.neutron_port(port_id)
        cloud.server_of(port)
        cloud.groups_of(port)
        floating_ips_of(cloud, port)

    look()
    assert steps(look) < SMALL / 4, "the second time all of it is indexed"
