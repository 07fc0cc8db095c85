"""OpenStack's own JSON into the records of `viftrail.facts.openstack`; no I/O.

What a record is, is told from its keys, never from where it came from: the same code
takes an answer of an API, one record of it, what ``openstack … -f json`` printed, and a table
that was cut out of a terminal. The command line writes headings where the APIs write keys
(``MAC Address`` for ``mac_address``, ``binding_host_id`` for ``binding:host_id``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from viftrail.facts.openstack import (
    Action,
    ActionEvent,
    Agent,
    Aggregate,
    Candidates,
    ComputeService,
    FixedIp,
    Flavor,
    Hypervisor,
    Image,
    Inventory,
    NeutronFloatingIp,
    NeutronNetwork,
    NeutronPort,
    NeutronRouter,
    NeutronSubnet,
    OpenStack,
    Provider,
    Server,
    ServerFault,
)

Raw = Mapping[str, Any]
RecordT = TypeVar("RecordT", bound=msgspec.Struct)

_NAME_AND_ID = re.compile(r"(.*) \(([0-9a-f-]{36})\)")
_TRUE = ("true", "up", ":-)", "1", "yes")
_PAIR = re.compile(r"(\w+)='([^']*)'")


def plain(raw: Raw) -> dict[str, Any]:
    """The record with keys of the APIs' own kind, whatever printed it."""
    return {_key(key): value for key, value in raw.items()}


def _key(key: str) -> str:
    if ":" in key and key[:1].isupper():
        return key  # an extension of Nova's, such as OS-EXT-STS:vm_state
    return key.strip().lower().replace(" ", "_").replace("binding:", "binding_")


def _text(value: object) -> str:
    return "" if value in (None, "None", "N/A") else str(value)


def _number(value: object) -> int:
    found = _maybe_number(value)
    return 0 if found is None else found


def _maybe_number(value: object) -> int | None:
    try:
        return int(float(str(value))) if value not in (None, "") else None
    except (ValueError, OverflowError):
        return None


def _yes(value: object, default: bool) -> bool:
    if isinstance(value, bool):
        return value
    return default if value in (None, "") else str(value).lower() in _TRUE


def _object(value: object) -> dict[str, Any]:
    """A JSON object, or what the command line made of one: the text of a Python dict."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    """The JSON objects of a list."""
    if not isinstance(value, list | tuple):
        return []
    return [_object(each) for each in value if isinstance(each, dict)]


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[,\s]+", value) if part and part != "None")
    return tuple(_text(each) for each in value) if isinstance(value, list | tuple) else ()


def _strings(value: object) -> dict[str, str]:
    return {key: _text(each) for key, each in _object(value).items()}


def _id_of(value: object) -> str:
    """The id in ``{"id": …}``, in ``name (id)``, or as it stands."""
    if isinstance(value, dict):
        return _text(value.get("id"))
    named = _NAME_AND_ID.fullmatch(_text(value))
    return named.group(2) if named else _text(value)


# --- Nova ------------------------------------------------------------------------------------


def flavor(raw: Raw) -> Flavor:
    """Embedded in a server (micro-version 2.47 and newer), or a flavor by itself."""
    return Flavor(
        name=_text(raw.get("original_name") or raw.get("name")),
        vcpus=_number(raw.get("vcpus")),
        ram=_number(raw.get("ram")),
        disk=_number(raw.get("disk")),
        ephemeral=_number(raw.get("ephemeral", raw.get("OS-FLV-EXT-DATA:ephemeral"))),
        swap=_number(raw.get("swap") or 0),
        extra_specs=_strings(raw.get("extra_specs") or raw.get("properties")),
    )


def server(raw: Raw, flavors: Mapping[str, Flavor] | None = None) -> Server:
    """``flavors`` by id and by name, for servers that name theirs only."""
    raw = plain(raw)
    wanted = raw.get("flavor")
    embedded = _object(wanted)
    if "ram" in embedded or "vcpus" in embedded:
        asked = flavor(embedded)
    else:
        known = flavors or {}
        label = _text(embedded.get("id") if embedded else wanted)
        named = _NAME_AND_ID.fullmatch(label)
        name, ident = named.groups() if named else (label, label)
        asked = known.get(ident) or known.get(name) or Flavor(name=name)
    fault = _object(raw.get("fault"))
    return Server(
        id=_text(raw.get("id")),
        name=_text(raw.get("name")),
        status=_text(raw.get("status")),
        vm_state=_text(raw.get("OS-EXT-STS:vm_state")),
        task_state=_text(raw.get("OS-EXT-STS:task_state", raw.get("task_state"))),
        host=_text(raw.get("OS-EXT-SRV-ATTR:host", raw.get("host"))),
        hypervisor_hostname=_text(raw.get("OS-EXT-SRV-ATTR:hypervisor_hostname")),
        domain=_text(raw.get("OS-EXT-SRV-ATTR:instance_name")),
        availability_zone=_text(
            raw.get("OS-EXT-AZ:availability_zone", raw.get("availability_zone"))
        ),
        project_id=_text(raw.get("tenant_id") or raw.get("project_id")),
        image=_id_of(raw.get("image") or raw.get("image_id")),
        key_name=_text(raw.get("key_name")),
        config_drive=_yes(raw.get("config_drive"), default=False),
        created=_text(raw.get("created")),
        updated=_text(raw.get("updated")),
        launched=_text(raw.get("OS-SRV-USG:launched_at")),
        flavor=asked,
        fault=ServerFault(
            # Kept as it is: whether a reason follows "No valid host was found. " tells a lot.
            message=str(fault.get("message") or ""),
            created=_text(fault.get("created")),
            details=_text(fault.get("details")),
        )
        if fault
        else None,
    )


def action(raw: Raw) -> Action:
    """One of os-instance-actions, with its events where they were asked for."""
    raw = plain(raw)
    return Action(
        action=_text(raw.get("action")),
        request_id=_text(raw.get("request_id")),
        server_id=_text(raw.get("instance_uuid") or raw.get("server_id")),
        start=_text(raw.get("start_time")),
        updated=_text(raw.get("updated_at")),
        message=_text(raw.get("message")),
        events=tuple(
            ActionEvent(
                event=_text(each.get("event")),
                start=_text(each.get("start_time")),
                finish=_text(each.get("finish_time")),
                result=_text(each.get("result")),
                host=_text(each.get("host")),
                details=str(each.get("details") or ""),
                traceback=_text(each.get("traceback")),
            )
            for each in _objects(raw.get("events"))
        ),
    )


def service(raw: Raw) -> ComputeService:
    """One of os-services."""
    raw = plain(raw)
    return ComputeService(
        binary=_text(raw.get("binary")),
        host=_text(raw.get("host")),
        zone=_text(raw.get("zone")),
        status=_text(raw.get("status")),
        state=_text(raw.get("state")),
        updated=_text(raw.get("updated_at")),
        disabled_reason=_text(raw.get("disabled_reason")),
        forced_down=_yes(raw.get("forced_down"), default=False),
    )


def hypervisor(raw: Raw) -> Hypervisor:
    """One of os-hypervisors."""
    raw = plain(raw)
    return Hypervisor(
        hostname=_text(raw.get("hypervisor_hostname")),
        host=_text(_object(raw.get("service")).get("host") or raw.get("service_host")),
        state=_text(raw.get("state")),
        status=_text(raw.get("status")),
        address=_text(raw.get("host_ip")),
        free_disk_gb=_maybe_number(raw.get("free_disk_gb")),
        free_ram_mb=_maybe_number(raw.get("free_ram_mb")),
    )


def aggregate(raw: Raw) -> Aggregate:
    """One of os-aggregates."""
    raw = plain(raw)
    metadata = _strings(raw.get("metadata") or raw.get("properties"))
    zone = _text(raw.get("availability_zone")) or metadata.get("availability_zone", "")
    return Aggregate(
        name=_text(raw.get("name")),
        availability_zone=zone,
        hosts=_texts(raw.get("hosts")),
        metadata=metadata,
    )


def image(raw: Raw) -> Image:
    """An image; the Image API writes its properties beside its fields."""
    properties = {**raw, **_object(raw.get("properties"))}
    return Image(
        id=_text(raw.get("id")),
        name=_text(raw.get("name")),
        properties={
            key: _text(value)
            for key, value in properties.items()
            if key.startswith(("trait:", "hw_", "os_", "img_")) and not isinstance(value, dict)
        },
    )


# --- Placement -------------------------------------------------------------------------------


def inventory(raw: Raw) -> Inventory:
    """What a provider has of one resource class."""
    usual = Inventory()
    ratio = raw.get("allocation_ratio")
    return Inventory(
        total=_number(raw.get("total")),
        reserved=_number(raw.get("reserved")),
        allocation_ratio=float(ratio) if ratio not in (None, "") else usual.allocation_ratio,
        min_unit=_maybe_number(raw.get("min_unit")) or usual.min_unit,
        max_unit=_maybe_number(raw.get("max_unit")) or usual.max_unit,
        step_size=_maybe_number(raw.get("step_size")) or usual.step_size,
    )


def candidates(raw: Raw, resources: Mapping[str, int] | None = None) -> Candidates | None:
    """An answer of GET /allocation_candidates; None where nothing tells what was asked for."""
    requests = _objects(raw.get("allocation_requests"))
    asked = dict(resources or {})
    providers: set[str] = set()
    for number, request in enumerate(requests):
        for uuid, share in _object(request.get("allocations")).items():
            providers.add(uuid)
            if number == 0 and not resources:
                for name, amount in _object(_object(share).get("resources")).items():
                    asked[name] = asked.get(name, 0) + _number(amount)
    return Candidates(resources=asked, providers=len(providers)) if asked else None


def allocations(raw: Raw) -> dict[str, dict[str, int]]:
    """Resources by consumer (of a provider), or by provider (of a consumer)."""
    return {
        key: {name: _number(amount) for name, amount in _object(each.get("resources")).items()}
        for key, share in raw.items()
        if (each := _object(share))
    }


# --- Neutron ---------------------------------------------------------------------------------


def agent(raw: Raw) -> Agent:
    """One of Neutron's agents."""
    raw = plain(raw)
    settings = _object(raw.get("configurations") or raw.get("configuration"))
    return Agent(
        id=_text(raw.get("id")),
        binary=_text(raw.get("binary")),
        kind=_text(raw.get("agent_type")),
        host=_text(raw.get("host")),
        alive=_yes(raw.get("alive"), default=False),
        admin_state_up=_yes(raw.get("admin_state_up", raw.get("state")), default=True),
        heartbeat=_text(raw.get("heartbeat_timestamp") or raw.get("last_heartbeat_at")),
        bridge_mappings=_text(settings.get("bridge-mappings")),
    )


def port(raw: Raw) -> NeutronPort:
    """A port; what belongs to its binding is there for admins only."""
    raw = plain(raw)
    pairs = raw.get("allowed_address_pairs")
    return NeutronPort(
        id=_text(raw.get("id")),
        name=_text(raw.get("name")),
        network_id=_text(raw.get("network_id")),
        project_id=_text(raw.get("project_id") or raw.get("tenant_id")),
        mac_address=_text(raw.get("mac_address")),
        admin_state_up=_yes(raw.get("admin_state_up"), default=True),
        status=_text(raw.get("status")),
        device_id=_text(raw.get("device_id")),
        device_owner=_text(raw.get("device_owner")),
        fixed_ips=tuple(_fixed_ips(raw.get("fixed_ips", raw.get("fixed_ip_addresses")))),
        security_groups=_texts(raw.get("security_groups") or raw.get("security_group_ids")),
        port_security_enabled=_yes(raw.get("port_security_enabled"), default=True),
        allowed_addresses=tuple(_text(each.get("ip_address")) for each in _objects(pairs)),
        host_id=_text(raw.get("binding_host_id")),
        vif_type=_text(raw.get("binding_vif_type")),
        vnic_type=_text(raw.get("binding_vnic_type")),
        vif_details=_object(raw.get("binding_vif_details")),
        revision_number=_maybe_number(raw.get("revision_number")),
        description=_text(raw["description"]) if "description" in raw else None,
        created=_text(raw.get("created_at")),
        updated=_text(raw.get("updated_at")),
    )


def _fixed_ips(value: object) -> Iterable[FixedIp]:
    if isinstance(value, str):  # ip_address='10.0.0.5', subnet_id='…', one a line
        pairs = _PAIR.findall(value)
        addresses = [text for key, text in pairs if key == "ip_address"]
        subnets = [text for key, text in pairs if key == "subnet_id"]
        for number, address in enumerate(addresses):
            yield FixedIp(
                ip_address=address, subnet_id=subnets[number] if number < len(subnets) else ""
            )
        return
    for each in _objects(value):
        yield FixedIp(
            ip_address=_text(each.get("ip_address")), subnet_id=_text(each.get("subnet_id"))
        )


def network(raw: Raw) -> NeutronNetwork:
    """A network; its provider's part is there for admins only."""
    raw = plain(raw)
    return NeutronNetwork(
        id=_text(raw.get("id")),
        name=_text(raw.get("name")),
        status=_text(raw.get("status")),
        admin_state_up=_yes(raw.get("admin_state_up"), default=True),
        mtu=_number(raw.get("mtu")),
        external=_yes(raw.get("router:external"), default=False),
        network_type=_text(raw.get("provider:network_type")),
        physical_network=_text(raw.get("provider:physical_network")),
        segmentation_id=_maybe_number(_text(raw.get("provider:segmentation_id"))),
        port_security_enabled=_yes(raw.get("port_security_enabled"), default=True),
        revision_number=_maybe_number(raw.get("revision_number")),
    )


def subnet(raw: Raw) -> NeutronSubnet:
    """A subnet."""
    raw = plain(raw)
    cidr = _text(raw.get("cidr") or raw.get("subnet"))
    return NeutronSubnet(
        id=_text(raw.get("id")),
        network_id=_text(raw.get("network_id") or raw.get("network")),
        name=_text(raw.get("name")),
        cidr=cidr,
        ip_version=_maybe_number(raw.get("ip_version")) or (6 if ":" in cidr else 4),
        enable_dhcp=_yes(raw.get("enable_dhcp"), default=True),
        gateway_ip=_text(raw.get("gateway_ip")),
        revision_number=_maybe_number(raw.get("revision_number")),
    )


def router(raw: Raw) -> NeutronRouter:
    """A router."""
    raw = plain(raw)
    gateway = _object(raw.get("external_gateway_info"))
    return NeutronRouter(
        id=_text(raw.get("id")),
        name=_text(raw.get("name")),
        status=_text(raw.get("status")),
        admin_state_up=_yes(raw.get("admin_state_up"), default=True),
        external_network_id=_text(gateway.get("network_id")),
        enable_snat=_yes(gateway["enable_snat"], default=True)
        if "enable_snat" in gateway
        else None,
        revision_number=_maybe_number(raw.get("revision_number")),
    )


def floating_ip(raw: Raw) -> NeutronFloatingIp:
    """A floating IP."""
    raw = plain(raw)
    return NeutronFloatingIp(
        id=_text(raw.get("id")),
        floating_ip_address=_text(raw.get("floating_ip_address")),
        fixed_ip_address=_text(raw.get("fixed_ip_address")),
        port_id=_text(raw.get("port_id") or raw.get("port")),
        router_id=_text(raw.get("router_id")),
        status=_text(raw.get("status")),
        revision_number=_maybe_number(raw.get("revision_number")),
    )


# --- what is what ----------------------------------------------------------------------------

_ENVELOPES = {
    "servers": "servers",
    "instanceActions": "actions",
    "hypervisors": "hypervisors",
    "resource_providers": "providers",
    "agents": "agents",
    "ports": "ports",
    "networks": "networks",
    "subnets": "subnets",
    "routers": "routers",
    "floatingips": "floating_ips",
    "security_groups": "security_groups",
}
"""Lists of the APIs that mean one thing even when they are empty."""

_SIGNS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (kind, frozenset(keys.split()))
    for kind, keys in (
        ("agents", "agent_type host"),
        ("services", "binary host state"),
        ("hypervisors", "hypervisor_hostname"),
        ("actions", "action request_id"),
        ("ports", "mac_address fixed_ips"),
        ("ports", "mac_address fixed_ip_addresses"),
        ("floating_ips", "floating_ip_address"),
        ("routers", "external_gateway_info"),
        ("subnets", "cidr network_id"),
        ("subnets", "subnet network id"),
        ("networks", "provider:network_type"),
        ("networks", "router:external subnets"),
        ("networks", "subnets mtu"),
        ("unneeded", "security_group_id direction"),
        ("security_groups", "security_group_rules"),
        ("security_groups", "rules stateful"),
        ("providers", "uuid generation"),
        ("cell_hosts", "cell_uuid hostname"),
        ("inventories", "resource_class allocation_ratio"),
        ("usages", "resource_class usage"),
        ("aggregates", "availability_zone hosts"),
        ("aggregates", "availability_zone id metadata"),
        ("flavors", "vcpus ram disk"),
        ("images", "disk_format container_format"),
        ("servers", "id status flavor"),
        ("servers", "id status networks"),
        ("unneeded", "segmentation_id network_id"),
        ("unneeded", "domain_id is_domain"),
        ("unneeded", "interface service_id url"),
        ("unneeded", "type enabled links"),
        ("unneeded", "port_state net_id"),
    )
)
"""What kind of record it is that has all of these keys; the first that fits."""

_ERRORS = (
    "badRequest",
    "forbidden",
    "itemNotFound",
    "unauthorized",
    "computeFault",
    "NeutronError",
)

_UNNEEDED = frozenset(
    ("endpoints", "projects", "segments", "interfaceAttachments", "security_group_rules", "links")
)


def kind_of(record: Raw) -> str:
    """Which section of `OpenStack` a record belongs to; empty when its keys do not say."""
    if "OS-EXT-STS:vm_state" in record:
        return "servers"
    keys = plain(record).keys()
    return next((kind for kind, needed in _SIGNS if needed <= keys), "")


class Answers:
    """Collects what was answered, in any order, and makes one `OpenStack` of it."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        """Answers that were errors, as the API words them."""
        self._read: set[str] = set()
        self._raw: dict[str, list[Raw]] = {}
        self._of_providers: list[tuple[str, Raw, str]] = []
        self._candidates: list[Candidates] = []
        self._cell_hosts: list[str] = []

    def absorb(self, answer: object, hint: str = "") -> bool:
        """Take one JSON document. False when nothing in it was recognised.

        ``hint`` is any text that may name the resource provider that an inventory is of: the
        answers of Placement do not.
        """
        if isinstance(answer, list):
            taken = [self._record(each, hint) for each in answer if isinstance(each, dict)]
            return any(taken)
        return self._document(answer, hint) if isinstance(answer, dict) else False

    def _document(self, answer: Raw, hint: str) -> bool:
        for error in _ERRORS:
            if isinstance(answer.get(error), dict):
                self.refused.append(_text(answer[error].get("message")) or error)
                return True
        if "allocation_requests" in answer:
            found = candidates(answer)
            self._candidates += [found] if found else []
            return True
        for part in ("inventories", "usages", "traits", "allocations"):
            if part in answer and not _is_records(answer[part]):
                self._of_providers.append((part, answer, hint))
                return True
        if "aggregates" in answer and "resource_provider_generation" in answer:
            self._of_providers.append(("aggregates", answer, hint))
            return True
        if self._record(answer, hint):
            return True
        taken = False
        for name, content in answer.items():
            if isinstance(content, list) and name in _ENVELOPES and not content:
                self._read.add(_ENVELOPES[name])
                taken = True
            elif isinstance(content, list):
                seen = [self._record(each, hint) for each in _objects(content)]
                taken |= any(seen) or name in _UNNEEDED
            elif isinstance(content, dict):
                taken |= self._record(content, hint) or name in _UNNEEDED
        return taken

    def _record(self, record: Raw, hint: str) -> bool:
        kind = kind_of(record)
        if not kind:
            return False
        if kind == "unneeded":
            return True
        if kind in ("inventories", "usages"):
            self._of_providers.append((kind, record, hint))
        elif kind == "cell_hosts":
            self._cell_hosts.append(_text(plain(record).get("hostname")))
        else:
            self._raw.setdefault(kind, []).append(record)
        self._read.add(kind)
        return True

    def openstack(self) -> OpenStack:
        """Everything that was absorbed; a section that nobody gave is None."""
        named: dict[str, Flavor] = {}
        for raw in self._raw.get("flavors", ()):
            found = flavor(raw)
            named.update({_text(raw.get("id")): found, found.name: found})
        return OpenStack(
            servers=self._section("servers", lambda raw: server(raw, named), _id),
            actions=self._actions(),
            services=self._section("services", service, lambda row: (row.binary, row.host)),
            hypervisors=self._section("hypervisors", hypervisor, lambda row: row.hostname),
            aggregates=self._section("aggregates", aggregate, lambda row: row.name),
            images=self._section("images", image, _id),
            cell_hosts=tuple(dict.fromkeys(self._cell_hosts)) if self._cell_hosts else None,
            providers=self._providers(),
            candidates=tuple(self._candidates) or None,
            agents=self._section("agents", agent, _id),
            ports=self._section("ports", port, _id),
            networks=self._section("networks", network, _id),
            subnets=self._section("subnets", subnet, _id),
            routers=self._section("routers", router, _id),
            floating_ips=self._section("floating_ips", floating_ip, _id),
            security_groups=tuple(
                dict.fromkeys(
                    _text(plain(raw).get("id")) for raw in self._raw.get("security_groups", ())
                )
            )
            if "security_groups" in self._read
            else None,
        )

    def _section(
        self, kind: str, decode: Callable[[Raw], RecordT], key: Callable[[RecordT], object]
    ) -> tuple[RecordT, ...] | None:
        if kind not in self._read:
            return None
        found: dict[object, RecordT] = {}
        for raw in self._raw.get(kind, ()):
            record = decode(raw)
            known = found.get(key(record))
            found[key(record)] = record if known is None else merged(known, record)
        return tuple(found.values())

    def _actions(self) -> tuple[Action, ...] | None:
        found = self._section("actions", action, lambda row: (row.server_id, row.request_id))
        return None if found is None else tuple(sorted(found, key=_start, reverse=True))

    def _providers(self) -> tuple[Provider, ...] | None:
        raws = {_text(plain(raw)["uuid"]): plain(raw) for raw in self._raw.get("providers", ())}
        parts: dict[str, dict[str, Any]] = {uuid: {} for uuid in raws}
        for part, answer, hint in self._of_providers:
            if part == "allocations" and "resource_provider_generation" not in answer:
                continue  # of one consumer, and the usages hold it too
            uuid = _provider_of(answer, hint, raws)
            if uuid:
                parts[uuid][part] = _joined(part, parts[uuid].get(part), answer)
        if "providers" not in self._read:
            return None
        return tuple(
            Provider(uuid=uuid, name=_text(raw.get("name")), **parts[uuid])
            for uuid, raw in raws.items()
        )


def _is_records(value: object) -> bool:
    """A list of objects: the envelope of some API, and not the share of one provider."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _id(record: Any) -> str:
    return str(record.id)


def _start(row: Action) -> str:
    return row.start


def _joined(part: str, known: Any, answer: Raw) -> Any:
    """One provider's part, as an API answers it at once or the command line line by line."""
    if part == "inventories":
        if "resource_class" in answer:
            return {**(known or {}), str(answer["resource_class"]): inventory(answer)}
        return {name: inventory(each) for name, each in _object(answer[part]).items()}
    if part == "usages":
        if "resource_class" in answer:
            return {**(known or {}), str(answer["resource_class"]): _number(answer.get("usage"))}
        return {name: _number(each) for name, each in _object(answer[part]).items()}
    if part == "allocations":
        return allocations(_object(answer[part]))
    return _texts(answer[part])


def _provider_of(answer: Raw, hint: str, raws: Mapping[str, Raw]) -> str:
    """Whose it is: named by the hint, else the only provider of that generation."""
    words = [
        uuid
        for uuid, raw in raws.items()
        if uuid in hint or re.search(rf"(?<![\w.]){re.escape(_text(raw['name']))}(?![\w])", hint)
    ]
    if len(words) == 1:
        return words[0]
    generation = answer.get("resource_provider_generation")
    same = [
        uuid
        for uuid, raw in raws.items()
        if generation is not None and raw.get("generation") == generation
    ]
    if len(same) == 1:
        return same[0]
    return next(iter(raws)) if len(raws) == 1 else ""


def merged(one: RecordT, other: RecordT) -> RecordT:
    """Two answers about the same thing: the newer counts, and the older fills what it lacks."""
    newer, older = (one, other) if _moment(one) >= _moment(other) else (other, one)
    gaps = {}
    for field in msgspec.structs.fields(type(newer)):
        usual = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            usual = field.default_factory()
        value = getattr(newer, field.name)
        if (value == usual or value in (None, "", ())) and getattr(older, field.name) != usual:
            gaps[field.name] = getattr(older, field.name)
    return msgspec.structs.replace(newer, **gaps)


def _moment(record: msgspec.Struct) -> str:
    return str(getattr(record, "updated", ""))
