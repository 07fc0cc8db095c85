"""S1: what Placement keeps for servers that are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Kind, failure_of
from viftrail.chain.once import once
from viftrail.chain.placement import compute_of, computes, once_a_request, refusals
from viftrail.chain.quoting import q
from viftrail.chain.scheduling import short_of, wanted
from viftrail.chain.subject import Subject
from viftrail.facts.openstack import Provider, Server
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

MOVES = ("MIGRATING", "RESIZE", "VERIFY_RESIZE", "REVERT_RESIZE", "SOFT_DELETED")
"""States in which a server holds more than its flavor on its host, or holds without being listed."""


def orphans(cloud: Cloud, provider: Provider) -> dict[str, dict[str, int]]:
    """What consumers hold of a provider that Nova knows no server of.

    Only where that is known: who looked (``lost_consumers``), or a list of servers that goes
    beyond one project's.
    """
    held = provider.allocations or {}
    lost, servers = _lost(cloud), _servers(cloud)
    if lost is not None:
        return {consumer: held[consumer] for consumer in sorted(held) if consumer in lost}
    return {key: held[key] for key in sorted(held) if servers and key not in servers}


@once
def _lost(cloud: Cloud) -> frozenset[str] | None:
    lost = cloud.openstack.lost_consumers
    return None if lost is None else frozenset(lost)


@once
def _servers(cloud: Cloud) -> frozenset[str]:
    """The ids of all of Nova's servers; empty where not all of them were seen."""
    servers = cloud.openstack.servers or ()
    seen_all = cloud.openstack.listed and any(server.host for server in servers)
    return frozenset(server.id for server in servers) if seen_all else frozenset()


@once
def _shares(cloud: Cloud) -> Mapping[str, Counter[str]]:
    """What the servers of each host were promised, by their flavors; empty where that is no sum.

    One that moves counts on two hosts, and a flavor that was not told counts nothing.
    """
    found: dict[str, Counter[str]] = {}
    for server in (cloud.openstack.servers or ()) if _servers(cloud) else ():
        if server.task_state or server.status in MOVES:
            return {}
        for host in {server.host, server.hypervisor_hostname} - {""}:
            if not server.flavor.ram:
                return {}
            found.setdefault(host, Counter()).update(wanted(server))
    return found


def unclaimed(cloud: Cloud, provider: Provider) -> dict[str, int]:
    """What is used of a provider beyond what its servers were promised.

    Where the allocations themselves were read there is nothing to reckon.
    """
    shares = _shares(cloud)
    if provider.allocations is not None or provider.usages is None or not shares:
        return {}
    service = compute_of(cloud, provider)
    own = shares.get(provider.name) or shares.get(service.host if service else "") or Counter()
    beyond = {name: used - own[name] for name, used in provider.usages.items()}
    return {name: amount for name, amount in sorted(beyond.items()) if amount > 0}


def freed(cloud: Cloud, provider: Provider) -> Provider:
    """The provider without what is held by nobody."""
    usages = dict(provider.usages or {})
    for share in (*orphans(cloud, provider).values(), unclaimed(cloud, provider)):
        for resource, amount in share.items():
            usages[resource] = usages.get(resource, 0) - amount
    return msgspec.structs.replace(provider, usages=usages)


@once_a_request
def freed_would_do(cloud: Cloud, server: Server) -> tuple[Provider, ...]:
    """The providers that want of nothing but what orphans hold."""
    needs = wanted(server)
    found = refusals(cloud, server)
    return tuple(
        provider
        for provider in computes(cloud)
        if found[provider.uuid]
        and all(each.kind in needs for each in found[provider.uuid])
        and provider.usages is not None
        and (orphans(cloud, provider) or unclaimed(cloud, provider))
        and not short_of(freed(cloud, provider), needs)
    )


def _orphaned(cloud: Cloud) -> Iterator[Case]:
    blocked: dict[str, set[str]] = {}
    for server in cloud.openstack.servers or ():
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        if failure and failure.kind is Kind.NO_CANDIDATE:
            for provider in freed_would_do(cloud, server):
                blocked.setdefault(provider.uuid, set()).add(server.id)
    for provider in computes(cloud):
        lost = orphans(cloud, provider)
        victims = [subject.server(ident) for ident in sorted(blocked.get(provider.uuid, ()))]
        if not lost:
            yield from (_beyond(cloud, provider, about) for about in victims)
            continue
        for about in victims or [subject.host(provider.name)]:
            yield Case(
                subject=about,
                summary=f"{len(lost)} consumers hold resources of {provider.name}, and Nova "
                f"has no server of theirs: {', '.join(lost)}",
                evidence=tuple(
                    Evidence(
                        where=f"Placement, {provider.name}",
                        what=f"allocation of {consumer}",
                        seen=", ".join(f"{name}={amount}" for name, amount in share.items()),
                        expected="a server, or a migration, with that id",
                        command=f"openstack server show {consumer}; "
                        f"openstack resource provider allocation show {consumer}",
                    )
                    for consumer, share in lost.items()
                ),
                steps=tuple(
                    _release(provider, consumer, share) for consumer, share in lost.items()
                ),
                certainty=Certainty.PROVEN
                if cloud.openstack.lost_consumers is not None
                else Certainty.LIKELY,
                victims=frozenset(victims),
                note="A consumer can also be a migration under way: `openstack server migration list` "
                "first. `nova-manage placement audit --verbose` tells the same from Nova's side.",
            )


def _beyond(cloud: Cloud, provider: Provider, about: Subject) -> Case:
    """Whose it is was not recorded; that no server's flavor accounts for it can be reckoned."""
    found = unclaimed(cloud, provider)
    usages = provider.usages or {}
    command = f"openstack resource provider show --allocations {provider.uuid}"
    return Case(
        subject=about,
        summary=f"{', '.join(f'{name}={amount}' for name, amount in found.items())} of "
        f"{provider.name} is held beyond what the flavors of the servers there add up to, and "
        "without that there would be room",
        evidence=tuple(
            Evidence(
                where=f"Placement, {provider.name}",
                what=f"{name} in use, and what the flavors of its servers add up to",
                seen=f"{usages[name]}, {usages[name] - amount}",
                expected="the same",
                command=f"openstack resource provider usage show {provider.uuid}; "
                f"openstack server list --all-projects --host {q(provider.name)} --long",
            )
            for name, amount in found.items()
        ),
        steps=(
            Step(
                command=command,
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=NOTHING_CHANGED,
                verify=command,
            ),
        ),
        certainty=Certainty.LIKELY,
        victims=frozenset((about,)),
        note="Whose allocations these are was not recorded: each consumer that `openstack server show` "
        "does not know, and no migration has, is one to delete with `openstack resource provider "
        "allocation delete`.",
    )


def _release(provider: Provider, consumer: str, share: dict[str, int]) -> Step:
    resources = ",".join(f"{name}={amount}" for name, amount in share.items())
    return Step(
        command=f"openstack resource provider allocation delete {consumer}",
        where=ADMIN_SHELL,
        risk=Risk.DESTROYS,
        undo="openstack resource provider allocation set --allocation "
        f"rp={provider.uuid},{resources} --project PROJECT --user USER {consumer}",
        verify=f"openstack resource provider usage show {provider.uuid}",
        blinks="nothing: allocations are book-keeping",
        tenant="were it a living server's after all, its host could be promised twice",
    )


FAULTS = (
    Fault(
        id="sched-orphan-allocations",
        stage=Stage.SCHEDULING,
        title="Placement keeps resources for servers that are gone",
        what="An allocation was left behind by a delete or migration that failed, or by surgery on a "
        "database. It counts as used, and no server uses it.",
        shows="`No valid host was found. ` though the hosts run few servers.",
        decisive="A consumer of the provider's allocations that `openstack server show` does not know, "
        "and no migration has; without its share the host would do.",
        remedy="Delete that one allocation, when it is proved that nobody has it.",
        risk=Risk.DESTROYS,
        references=("nova: cmd/manage.py placement audit", "nova: compute/resource_tracker.py"),
        unlike={"sched-ram-capacity": "there all that is held belongs to servers"},
        find=_orphaned,
        spares_others=True,
    ),
)
