"""S0 and S1: why Nova finds no host. The sufferer is a server that is asked for meanwhile."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from viftrail.lab.machine import wait_until
from viftrail.lab.openstack.settings import SERVICE_DOWN_TIME, ZONE
from viftrail.lab.provoke.asking import asking, compute_services, nova, only_ask
from viftrail.lab.provoke.registry import Request

if TYPE_CHECKING:
    from viftrail.lab.openstack.cloud import OpenStackCloud
    from viftrail.lab.provoke.registry import Undo, Victim

_GROUP = "apart"
_POLICY = "2.64"
"""The micro-version of Nova in which a group has one policy."""
_GENERATIONS = "1.28"
"""The micro-version of Placement with consumer generations."""


for _fault, _note, _flavor in (
    ("sched-ram-capacity", "more memory than any host", "huge"),
    ("sched-disk-capacity", "a larger disk than any host", "vast"),
    ("sched-vcpu-capacity", "more processors than any host has real ones", "wide"),
    ("sched-traits-image-properties", "a flavor with a trait that no host has", "golden"),
):
    # The flavor is the fault, or what the hosts have is: that is for the operator to say.
    asking(_fault, f"a server is asked for with {_note}", Request(flavor=_flavor), by_hand=True)(
        only_ask
    )


@asking(
    "sched-orphan-allocations",
    "servers that are long gone still hold all the memory of both hosts",
    Request(),
)
def leave_allocations(victim: Victim) -> Undo:
    """What is left when a database was repaired by hand."""
    cloud = victim.openstack
    consumers = []
    for provider in _providers(cloud):
        free = _free_memory(cloud, provider)
        consumer = str(uuid.uuid4())
        body = {
            "allocations": {provider: {"resources": {"MEMORY_MB": free}}},
            "project_id": str(uuid.uuid4()),
            "user_id": str(uuid.uuid4()),
            "consumer_generation": None,
        }
        _placement(cloud, "PUT", f"/allocations/{consumer}", body)
        consumers.append(consumer)

    def undo() -> None:
        for consumer in consumers:
            held = _placement(cloud, "GET", f"/allocations/{consumer}")
            if held.get("allocations"):
                _placement(cloud, "DELETE", f"/allocations/{consumer}")
        cloud.withdraw(Request.name)

    return undo


@asking(
    "sched-az-aggregate",
    "an availability zone whose host Placement does not know to be in it",
    Request(zone=ZONE),
)
def lose_aggregate(victim: Victim) -> Undo:
    """As when Placement did not answer while the host was added to the aggregate."""
    cloud = victim.openstack
    host = cloud.design.compute_names[-1]
    provider = next(each for each in _providers(cloud) if _name(cloud, each) == host)
    path = f"/resource_providers/{provider}/aggregates"
    before = _placement(cloud, "GET", path)["aggregates"]

    def write(aggregates: list[str]) -> None:
        generation = _placement(cloud, "GET", path)["resource_provider_generation"]
        body = {"aggregates": aggregates, "resource_provider_generation": generation}
        _placement(cloud, "PUT", path, body)

    write([])

    def undo() -> None:
        cloud.withdraw(Request.name)
        write(before)

    return undo


@asking(
    "sched-compute-disabled",
    "somebody disabled both computes for maintenance, and forgot it",
    Request(),
)
def disable_computes(victim: Victim) -> Undo:
    """Placement then has the trait COMPUTE_STATUS_DISABLED."""
    cloud = victim.openstack
    services = compute_services(cloud)

    def order(status: str, **more: str) -> None:
        for each in services:
            nova(cloud, "PUT", f"/os-services/{each['id']}", {"status": status, **more})

    order("disabled", disabled_reason="maintenance")

    def undo() -> None:
        order("enabled")
        cloud.withdraw(Request.name)

    return undo


@asking(
    "sched-compute-down",
    "nova-compute is dead on both computes",
    Request(),
)
def stop_computes(victim: Victim) -> Undo:
    """Nova believes it once it has heard nothing for a while."""
    cloud = victim.openstack
    for hypervisor in cloud.hypervisors.values():
        hypervisor.nova.kill()
    _await_down(cloud)

    def undo() -> None:
        for hypervisor in cloud.hypervisors.values():
            hypervisor.nova.spawn()
        cloud.withdraw(Request.name)

    return undo


@asking(
    "sched-compute-id-lost",
    "both computes have lost the file with their id, and nova-compute was started anew",
    Request(),
)
def lose_identity(victim: Victim) -> Undo:
    """As after a reinstallation: it refuses to start, and Nova hears of it no more."""
    cloud = victim.openstack
    for hypervisor in cloud.hypervisors.values():
        hypervisor.nova.kill()
        identity = hypervisor.state / "compute_id"
        identity.rename(identity.with_suffix(".lost"))
        hypervisor.nova.spawn()
    _await_down(cloud)

    def undo() -> None:
        for hypervisor in cloud.hypervisors.values():
            # It has refused, and has not ended.
            hypervisor.nova.kill()
            identity = hypervisor.state / "compute_id"
            if not identity.exists():
                identity.with_suffix(".lost").rename(identity)
            hypervisor.nova.spawn()
        cloud.withdraw(Request.name)

    return undo


def _await_down(cloud: OpenStackCloud) -> None:
    """Waits until Nova has heard of no nova-compute for long enough."""

    def down() -> bool:
        return all(each["state"] == "down" for each in compute_services(cloud))

    wait_until(down, 2.0 * SERVICE_DOWN_TIME + 10.0, 1.0)


@asking(
    "sched-forced-host",
    "a server is asked for on a host that does not exist",
    Request(zone="nova:compute9"),
    by_hand=True,
)
def force_host(victim: Victim) -> Undo:
    """Most often a full name where Nova knows the short one."""
    return only_ask(victim)


@asking(
    "sched-host-not-mapped",
    "both computes are in no cell",
    Request(),
)
def forget_cell(victim: Victim) -> Undo:
    """As with hosts that were added, and nobody ran discover_hosts."""
    cloud = victim.openstack
    cloud.sql("nova_api", "delete from host_mappings")
    # discover_hosts looks only at compute nodes that no mapping was made for.
    cloud.sql("nova_cell1", "update compute_nodes set mapped = 0")
    cloud.order_service("controller", "restart", "nova-scheduler")

    def undo() -> None:
        cloud.services.discover_hosts()
        cloud.withdraw(Request.name)

    return undo


@asking(
    "sched-placement-unreachable",
    "the Placement API is not running",
    Request(),
)
def stop_placement(victim: Victim) -> Undo:
    """The scheduler takes that for no candidates."""
    cloud = victim.openstack
    cloud.services.placement.kill()

    def undo() -> None:
        cloud.services.placement.start()
        cloud.withdraw(Request.name)

    return undo


@asking(
    "sched-server-group",
    "a server is asked for whose group shares no host, and every host has one of it",
    Request(group=_GROUP),
    by_hand=True,
)
def spread_too_far(victim: Victim) -> Undo:
    """Anti-affinity, with as many members as there are hosts."""
    cloud = victim.openstack
    body = {"server_group": {"name": _GROUP, "policy": "anti-affinity"}}
    made = nova(cloud, "POST", "/os-server-groups", body, _POLICY)["server_group"]["id"]
    members = [
        Request(name=f"member{at}", host=host, group=_GROUP)
        for at, host in enumerate(cloud.design.compute_names, 1)
    ]
    for member in members:
        cloud.ask_for(member)

    def undo() -> None:
        for name in (Request.name, *(member.name for member in members)):
            cloud.withdraw(name)
        nova(cloud, "DELETE", f"/os-server-groups/{made}")

    return undo


def _placement(cloud: OpenStackCloud, method: str, path: str, body: object = None) -> Any:
    return cloud.order(
        "call", service="placement", method=method, path=path, body=body, microversion=_GENERATIONS
    )


def _providers(cloud: OpenStackCloud) -> list[str]:
    found = _placement(cloud, "GET", "/resource_providers")["resource_providers"]
    return [each["uuid"] for each in found]


def _name(cloud: OpenStackCloud, provider: str) -> str:
    return str(_placement(cloud, "GET", f"/resource_providers/{provider}")["name"])


def _free_memory(cloud: OpenStackCloud, provider: str) -> int:
    path = f"/resource_providers/{provider}"
    has = _placement(cloud, "GET", f"{path}/inventories")["inventories"]["MEMORY_MB"]
    used = _placement(cloud, "GET", f"{path}/usages")["usages"]["MEMORY_MB"]
    return int((has["total"] - has["reserved"]) * has["allocation_ratio"]) - int(used)
