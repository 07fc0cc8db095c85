"""Why each resource provider was, or would be, refused for a server.

Placement gives no reasons. They are found as an operator would find them: every condition of
the request is held against every provider, and what decides is the one without which some
provider would do (placement/objects/research_context.py, nova/scheduler/request_filter.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from viftrail.chain.cloud import Cloud
from viftrail.chain.once import once
from viftrail.chain.scheduling import room, short_of, wanted
from viftrail.facts.openstack import ComputeService, Image, Provider, Server

R = TypeVar("R")

DISABLED = "COMPUTE_STATUS_DISABLED"
"""The trait that Nova puts on the provider of a compute that was disabled, and forbids."""

DEFAULT_ZONE = "nova"
"""The zone of hosts that are in no aggregate with a zone (nova: default_availability_zone)."""

SHOWN = 5
"""Hosts that are told of by name: a cloud may have thousands that are full."""

TRAIT = "trait"
ZONE = "zone"
OFF = "disabled"


@dataclass(frozen=True)
class Refusal:
    """One condition that one provider does not meet; ``kind`` is a resource class, or above."""

    provider: Provider
    kind: str
    text: str


@dataclass(frozen=True)
class Request:
    """What of a server decides which providers will do."""

    resources: tuple[tuple[str, int], ...]
    required: frozenset[str]
    forbidden: frozenset[str]
    zone: str


def compute_of(cloud: Cloud, provider: Provider) -> ComputeService | None:
    """The nova-compute whose provider this is, by way of the hypervisor of the same name."""
    return _services(cloud).get(_nodes(cloud).get(provider.name) or provider.name)


@once
def _nodes(cloud: Cloud) -> Mapping[str, str]:
    """The host of each hypervisor's service, by what Placement calls it."""
    return {row.hostname: row.host for row in cloud.openstack.hypervisors or ()}


@once
def _services(cloud: Cloud) -> Mapping[str, ComputeService]:
    """Every nova-compute, by its host; of two the first counts."""
    rows = reversed(cloud.openstack.services or ())
    return {row.host: row for row in rows if row.binary == "nova-compute"}


@once
def computes(cloud: Cloud) -> tuple[Provider, ...]:
    """The providers that a server can be put on: shared disks, NICs and the like are none."""
    return tuple(
        provider
        for provider in sorted(cloud.openstack.providers or (), key=lambda row: row.name)
        if provider.inventories is None
        or {"VCPU", "PCPU", "MEMORY_MB"} & provider.inventories.keys()
        or not provider.inventories
    )


@once
def _images(cloud: Cloud) -> Mapping[str, Image]:
    return {row.id: row for row in cloud.openstack.images or ()}


def traits_of(cloud: Cloud, server: Server) -> tuple[frozenset[str], frozenset[str]]:
    """The traits that its flavor and image require, and those that they forbid."""
    image = _images(cloud).get(server.image)
    asked: Mapping[str, str] = {**(image.properties if image else {}), **server.flavor.extra_specs}
    named = {
        key.removeprefix("trait:"): value
        for key, value in asked.items()
        if key.startswith("trait:")
    }
    return (
        frozenset(name for name, value in named.items() if value == "required"),
        frozenset(name for name, value in named.items() if value == "forbidden"),
    )


def request_of(cloud: Cloud, server: Server) -> Request:
    """What Placement was asked for this server."""
    return Request(
        tuple(wanted(server).items()), *traits_of(cloud, server), server.availability_zone
    )


def once_a_request(function: Callable[[Cloud, Server], R]) -> Callable[[Cloud, Server], R]:
    """Reckon once what is the same for all servers that ask for the same."""

    @once
    def answers(_: Cloud) -> dict[Request, R]:
        return {}

    @wraps(function)
    def shared(cloud: Cloud, server: Server) -> R:
        known, request = answers(cloud), request_of(cloud, server)
        if request not in known:
            known[request] = function(cloud, server)
        return known[request]

    return shared


@once_a_request
def refusals(cloud: Cloud, server: Server) -> dict[str, tuple[Refusal, ...]]:
    """By provider: every condition of this server that it does not meet."""
    request = request_of(cloud, server)
    return {
        provider.uuid: tuple(_refusals(cloud, request, provider)) for provider in computes(cloud)
    }


def _refusals(cloud: Cloud, request: Request, provider: Provider) -> Iterator[Refusal]:
    for resource, text in short_of(provider, dict(request.resources)).items():
        yield Refusal(provider, resource, text)
    required, forbidden = request.required, request.forbidden
    if provider.traits is not None:
        lacking = sorted(required - set(provider.traits))
        unwanted = sorted(forbidden & set(provider.traits))
        if lacking:
            yield Refusal(provider, TRAIT, f"{provider.name} lacks {', '.join(lacking)}")
        if unwanted:
            yield Refusal(provider, TRAIT, f"{provider.name} has {', '.join(unwanted)}")
    service = compute_of(cloud, provider)
    if DISABLED in (provider.traits or ()):
        stale = service is not None and service.status == "enabled"
        text = f"{provider.name} has the trait {DISABLED}"
        yield Refusal(provider, OFF, text + (", though it is enabled" if stale else ""))
    elif service is not None and service.status == "disabled":
        yield Refusal(provider, OFF, f"nova-compute of {service.host} is disabled")
    zone = request.zone
    inside = zone not in ("", DEFAULT_ZONE) and service is not None and service.zone == zone
    if inside and provider.aggregates == ():
        text = f"{provider.name} is in {zone} for Nova, and in no aggregate for Placement"
        yield Refusal(provider, ZONE, text)
    if zone and service is not None and service.zone and service.zone != zone:
        yield Refusal(
            provider, ZONE, f"{service.host} is in zone {service.zone}, {zone} was asked for"
        )


@once
def known(cloud: Cloud) -> bool:
    """Every provider's inventory and usage was read, so that a refusal can be reckoned."""
    rows = computes(cloud)
    return bool(rows) and all(
        row.inventories is not None and row.usages is not None for row in rows
    )


@once_a_request
def decisive(cloud: Cloud, server: Server) -> dict[str, tuple[Refusal, ...]]:
    """The kinds of refusal that alone keep some provider from taking the server.

    Where every provider is refused for several reasons, those of the nearest one count. What has
    most left of a resource comes first. Empty when some provider would take it now, or not every
    provider was read.
    """
    found = refusals(cloud, server)
    if not found or not known(cloud) or not all(found.values()):
        return {}
    fewest = min(len({each.kind for each in several}) for several in found.values())
    kinds: dict[str, list[Refusal]] = {}
    for several in found.values():
        if len({each.kind for each in several}) == fewest:
            for each in several:
                kinds.setdefault(each.kind, []).append(each)
    return {
        kind: tuple(sorted(several, key=lambda each: -(room(each.provider, each.kind) or 0)))
        for kind, several in kinds.items()
    }


def in_words(refused: Sequence[Refusal]) -> str:
    """Why the first few are refused, and how many more are."""
    more = len(refused) - SHOWN
    words = [each.text for each in refused[:SHOWN]]
    return "; ".join([*words, f"{more} more hosts are refused as well"] if more > 0 else words)


@once_a_request
def would_fit(cloud: Cloud, server: Server) -> tuple[Provider, ...]:
    """The providers that meet every condition of the server now."""
    if not known(cloud):
        return ()
    found = refusals(cloud, server)
    return tuple(row for row in computes(cloud) if not found[row.uuid])
