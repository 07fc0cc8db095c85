"""S1: Placement and the scheduler gave the server a host."""

from __future__ import annotations

from viftrail.chain.checks import NO_CREDENTIALS, NO_SERVER, Checks, not_examined
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import BEFORE_HOST, failure_of, tried_on
from viftrail.chain.trail import Trail
from viftrail.facts.number import number
from viftrail.facts.openstack import Inventory, Provider, Server
from viftrail.verdict import Evidence, Finding, Stage


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """The server has a host, or was given to one; else why not, in Nova's words."""
    if not cloud.openstack.asked:
        return not_examined(Stage.SCHEDULING, NO_CREDENTIALS)
    server = trail.server
    if server is None:
        return not_examined(Stage.SCHEDULING, NO_SERVER)
    checks = Checks(Stage.SCHEDULING)
    failure = failure_of(cloud.openstack, server, cloud.facts.logs)
    host = tried_on(cloud.openstack, server)
    if failure and failure.kind in BEFORE_HOST:
        checks.check(
            False,
            fault_evidence(server, failure.message),
            bad=f"{failure.kind.value}: {failure.message}",
        )
    elif host or server.launched or server.vm_state == "active":
        checks.check(
            True,
            Evidence(
                where="Nova",
                what="host of the server",
                seen=host or "hidden, as only admins see it",
                expected="a host",
                command=f"openstack server show {server.id} -c OS-EXT-SRV-ATTR:host",
            ),
            good=f"given to {host}" if host else "it was scheduled; where to needs admin",
            bad="",
        )
    elif failure or server.status == "ERROR":
        checks.unknown("whether it was given to a host is not in what was read")
    else:
        checks.unknown(f"it is being scheduled ({server.task_state or server.status})")
    return checks.finding()


def fault_evidence(server: Server, message: str) -> Evidence:
    """Nova's own words for why the server is in ERROR."""
    return Evidence(
        where="Nova",
        what="fault of the server",
        seen=message,
        expected="none",
        command=f"openstack server show {server.id} -c status -c fault",
    )


# --- what Placement reckons (placement/objects/allocation_candidate.py) --------------------------


def wanted(server: Server) -> dict[str, int]:
    """What Nova asks Placement for, by resource class (nova: scheduler/utils.py).

    A server that boots from a volume needs no disk for its root, and ``resources:`` in the flavor
    overrides what its fields say.
    """
    flavor = server.flavor
    root = flavor.disk if server.image else 0
    found = {
        "VCPU": flavor.vcpus,
        "MEMORY_MB": flavor.ram,
        "DISK_GB": root + flavor.ephemeral + -(-flavor.swap // 1024),
    }
    if flavor.extra_specs.get("hw:cpu_policy") == "dedicated":
        found["PCPU"] = found.pop("VCPU")
    for key, value in flavor.extra_specs.items():
        amount = number(value)
        if key.startswith("resources:") and amount is not None:
            found[key.removeprefix("resources:")] = amount
    return {name: each for name, each in found.items() if each}


def room(provider: Provider, resource: str) -> int | None:
    """How much of a resource is left by Placement's reckoning; None where it is not known."""
    own = (provider.inventories or {}).get(resource)
    if own is None or provider.usages is None:
        return None
    return own.capacity - provider.usages.get(resource, 0)


def short_of(provider: Provider, needs: dict[str, int]) -> dict[str, str]:
    """The resources that this provider cannot give, each with the reckoning in words."""
    found: dict[str, str] = {}
    for resource, amount in needs.items():
        own = (provider.inventories or {}).get(resource)
        left = room(provider, resource)
        if own is None:
            if provider.inventories is not None:
                found[resource] = f"{provider.name} offers no {resource}"
        elif amount > own.max_unit or (left is not None and left < amount):
            used = (provider.usages or {}).get(resource, 0)
            most = f", and no server may have more than {own.max_unit}"
            found[resource] = f"{provider.name} has {reckoning(own, used)}" + (
                most if amount > own.max_unit else ""
            )
    return found


def reckoning(own: Inventory, used: int) -> str:
    """``(total - reserved) x ratio - used``, with its numbers."""
    left = own.capacity - used
    return f"({own.total} - {own.reserved}) x {own.allocation_ratio:g} - {used} = {left} left"
