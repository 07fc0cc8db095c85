"""What OpenStack says, and what the owner of the ports wants, as things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from viftrail.difference.databases import port_label
from viftrail.difference.picture import Entry, Picture, Thing, Trait, words
from viftrail.facts.facts import Facts
from viftrail.facts.openstack import Inventory
from viftrail.verdict import Stage

_NOISE = frozenset({
    "id", "uuid", "name", "created", "updated", "launched", "heartbeat", "revision_number",
    "details", "description", "revision", "usages", "allocations", "free_disk_gb", "free_ram_mb",
})  # fmt: skip
_STAGES = {"host": Stage.SCHEDULING, "fault": Stage.SCHEDULING, "hypervisor_hostname": Stage.BUILD}
_LISTED = ("services", "hypervisors", "agents")
"""Read whole where they are read at all; of the rest only what a target has to do with."""

_SECTIONS: Mapping[str, tuple[str, Stage]] = {
    "servers": ("server", Stage.BUILD),
    "services": ("service", Stage.SCHEDULING),
    "hypervisors": ("hypervisor", Stage.SCHEDULING),
    "aggregates": ("aggregate", Stage.SCHEDULING),
    "providers": ("resource provider", Stage.SCHEDULING),
    "agents": ("agent", Stage.PORT),
    "ports": ("Neutron port", Stage.PORT),
    "networks": ("Neutron network", Stage.PORT),
    "subnets": ("Neutron subnet", Stage.PORT),
    "routers": ("Neutron router", Stage.ROUTER),
    "floating_ips": ("Neutron floating IP", Stage.FLOATING_IP),
}


def draw(picture: Picture, facts: Facts, servers: Mapping[str, str]) -> None:
    """Add what Nova, Placement and Neutron say, or else what the owner wants."""
    openstack = facts.openstack
    for section, (kind, stage) in _SECTIONS.items():
        rows = getattr(openstack, section)
        if rows is None:
            continue
        if openstack.listed or section in _LISTED:
            picture.knows[kind] = _always
        for row in rows:
            ident, label = _named(kind, row, servers)
            picture.add(Thing(kind, ident), Entry(label, stage, row, partial(_fields, stage)))
    if openstack.ports is not None:
        return
    if facts.owner.ports or facts.owner.kind != "ovn":  # somebody said what is wanted
        picture.knows["wanted port"] = picture.knows["wanted floating IP"] = _always
    for port in facts.owner.ports:
        label = f"{port_label(port.id, servers)} as it is wanted"
        _add(picture, "wanted port", port.id, label, Stage.PORT, port)
    for fip in facts.owner.floating_ips:
        label = f"floating IP {fip.ip} as it is wanted"
        _add(picture, "wanted floating IP", fip.ip, label, Stage.FLOATING_IP, fip)


def _add(picture: Picture, kind: str, name: str, label: str, stage: Stage, row: object) -> None:
    picture.add(Thing(kind, name), Entry(label, stage, row, partial(_fields, stage)))


def _always(_: Thing) -> bool:
    return True


def _named(kind: str, row: Any, servers: Mapping[str, str]) -> tuple[str, str]:
    """What tells it from others of its kind, and what people call it."""
    binary, host = getattr(row, "binary", ""), getattr(row, "host", "")
    if binary:
        return f"{binary} {host}", f"{kind} {binary} of {host}"
    ident = getattr(row, "id", "") or getattr(row, "uuid", "") or getattr(row, "hostname", "")
    ident = ident or row.name
    if kind == "Neutron port":
        return ident, f"{port_label(ident, servers)} in Neutron"
    address = getattr(row, "floating_ip_address", "")
    return ident, f"{kind} {address or getattr(row, 'name', '') or ident}"


def _fields(stage: Stage, row: Any) -> Iterator[Trait]:
    for name in row.__struct_fields__:
        if name not in _NOISE:
            own = _STAGES.get(name, stage) if stage is Stage.BUILD else stage
            yield from _told(own, name, getattr(row, name))


def _told(stage: Stage, label: str, value: Any) -> Iterable[Trait]:
    if isinstance(value, Inventory):
        text = f"{value.total} * {value.allocation_ratio:g}, {value.reserved} of it reserved"
        return (Trait(stage, label, text),)
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        parts = ((f"{label} {key}", each) for key, each in value.items() if key not in _NOISE)
        return [trait for name, each in parts for trait in _told(stage, name, each)]
    if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        plain = (" ".join(map(str, msgspec.structs.astuple(each))) for each in value)
        return (Trait(stage, label, words(tuple(plain))),)
    return (Trait(stage, label, words(value)),)
