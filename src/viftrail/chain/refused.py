"""Ports that Neutron refused to bind, and what could be held against their host.

ML2/OVN asks three things of a host, in this order (neutron: mech_driver.py bind_port): a Chassis
whose hostname is the host's name letter by letter, a living agent, and a bridge mapping for
the network's physical network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from viftrail.chain import subject
from viftrail.chain.binding import FAILED
from viftrail.chain.cloud import Cloud
from viftrail.chain.controller import newest_step
from viftrail.chain.failure import Kind, failure_of, tried_on
from viftrail.chain.physnet import mappings
from viftrail.chain.saying import told
from viftrail.chain.scheduling import fault_evidence
from viftrail.chain.subject import Subject
from viftrail.facts.intent import is_guests
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import Agent, NeutronNetwork, NeutronPort, Server
from viftrail.facts.southbound import Chassis, ChassisPrivate
from viftrail.verdict import Evidence


@dataclass(frozen=True)
class Refused:
    """One port, the host it was to be bound to, and whom that is about."""

    port_id: str
    host: str
    about: Subject
    proof: Evidence
    row: NeutronPort | None = None
    """As Neutron has it; None where it was deleted with the failed build."""
    server: Server | None = None


def refused(cloud: Cloud) -> Iterator[Refused]:
    """Ports that stand as ``binding_failed``, and those that a build failed for."""
    openstack = cloud.openstack
    for row in openstack.ports or ():
        if row.vif_type == FAILED and row.host_id and is_guests(row):
            yield Refused(row.id, row.host_id, subject.port(row.id), stands(row), row)
    for server in openstack.servers or ():
        failure = failure_of(openstack, server, cloud.facts.logs)
        host = tried_on(openstack, server)
        if failure and failure.kind is Kind.BINDING and host:
            yield Refused(
                failure.port_id,
                host,
                subject.server(server.id),
                fault_evidence(server, failure.message),
                cloud.neutron_port(failure.port_id),
                server,
            )


NO_CHASSIS = "refusing-to-bind-no-chassis"
DEAD_AGENT = "refusing-to-bind-dead-agent"
NO_MAPPING = "refusing-to-bind-no-mapping"


def reason_of(cloud: Cloud, refusal: Refused) -> Signal | None:
    """What neutron-server gave as its reason, where its log was read."""
    return told(cloud, NO_CHASSIS, DEAD_AGENT, NO_MAPPING, port=refusal.port_id)


def given(cloud: Cloud, refusal: Refused, reason: str) -> bool | None:
    """Whether this was the reason that neutron-server gave; None where nobody knows."""
    found = reason_of(cloud, refusal)
    return None if found is None else found.pattern == reason


def stands(row: NeutronPort) -> Evidence:
    """How the port's binding stands in Neutron."""
    return Evidence(
        where="Neutron",
        what=f"port {row.id} binding_vif_type, binding_host_id",
        seen=f"{row.vif_type}, {row.host_id or 'no host'}",
        expected="ovs, and the server's host",
        command=f"openstack port show {row.id} -c binding_vif_type -c binding_host_id",
    )


def unregistered(cloud: Cloud, host: str) -> bool:
    """No Chassis has exactly this hostname, which is what Neutron looks for."""
    return cloud.sb[Chassis].absent("hostname", host)


def behind(cloud: Cloud, host: str) -> int:
    """How many steps its ovn-controller is behind Southbound; 0 where that is not known."""
    newest = newest_step(cloud) or 0
    chassis = cloud.chassis_like(host)
    own = cloud.sb[ChassisPrivate].one("name", chassis.name) if chassis else None
    return max(0, newest - own.nb_cfg) if own else 0


def agent_of(cloud: Cloud, host: str) -> Agent | None:
    """The agent of Neutron that stands for the host's ovn-controller."""
    return next(
        (
            row
            for row in cloud.openstack.agents or ()
            if row.host == host and row.binary == "ovn-controller"
        ),
        None,
    )


def network_of(cloud: Cloud, refusal: Refused) -> NeutronNetwork | None:
    """The network that the port is, or was, in."""
    wanted = refusal.row.network_id if refusal.row else ""
    return next((row for row in cloud.openstack.networks or () if row.id == wanted), None)


def unmapped(cloud: Cloud, host: str) -> tuple[str, ...]:
    """The physical networks that some other chassis maps, a network is on, and this host does not."""
    own = cloud.chassis_like(host)
    if own is None:
        return ()
    mine = mappings(own.bridge_mappings)
    others = {
        physnet
        for row in cloud.sb[Chassis]
        if row.uuid != own.uuid
        for physnet in mappings(row.bridge_mappings)
    }
    used = {row.physical_network for row in cloud.openstack.networks or () if row.physical_network}
    return tuple(sorted((others & used) - set(mine)))
