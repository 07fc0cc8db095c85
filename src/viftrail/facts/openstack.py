"""What Nova, Placement and Neutron say of a cloud: typed, and no more than is diagnosed.

The fields are those of the APIs' own JSON, under names without punctuation. Whoever reads them
(live, or from files) fills an `OpenStack`; nothing here does any I/O.

A section that is None was not read, because nobody asked or because the credentials do not
allow it (then a `Gap` says so). An empty tuple was read, and is empty.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import msgspec

NOTHING: Mapping[str, int] = MappingProxyType({})
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OFF = ("stopped", "shutoff", "suspended", "shelved", "shelved_offloaded")
"""Of a server's vm_state, or its status in small letters (nova: compute/vm_states.py)."""

_PORT = re.compile(rf"\bport ({UUID})")


class Flavor(msgspec.Struct, frozen=True, kw_only=True):
    """What a server asks for. ``ram`` and ``swap`` are MiB; ``disk`` and ``ephemeral`` GiB."""

    name: str = ""
    vcpus: int = 0
    ram: int = 0
    disk: int = 0
    ephemeral: int = 0
    swap: int = 0
    extra_specs: dict[str, str] = {}


class ServerFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why Nova put the server into ERROR; ``message`` tells where (FAULTS: B7)."""

    message: str = ""
    created: str = ""
    details: str = ""
    """The traceback; admins only."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server (Compute API, servers)."""

    id: str
    name: str = ""
    status: str = ""
    vm_state: str = ""
    task_state: str = ""
    host: str = ""
    """``OS-EXT-SRV-ATTR:host``, as nova-compute's ``[DEFAULT]host`` has it; admins only."""
    hypervisor_hostname: str = ""
    domain: str = ""
    """``OS-EXT-SRV-ATTR:instance_name``, as libvirt calls it."""
    availability_zone: str = ""
    project_id: str = ""
    image: str = ""
    """Image id; empty where it boots from a volume."""
    key_name: str = ""
    config_drive: bool = False
    created: str = ""
    updated: str = ""
    launched: str = ""
    flavor: Flavor = Flavor()
    fault: ServerFault | None = None

    @property
    def off(self) -> bool:
        """Meant not to run, so that it has no process and no device on its host."""
        return (self.vm_state or self.status.lower()) in OFF

    @property
    def ports_named(self) -> tuple[str, ...]:
        """The ports that its fault is about, though they may be gone, or be its own no more."""
        text = f"{self.fault.message} {self.fault.details}" if self.fault else ""
        return tuple(dict.fromkeys(_PORT.findall(text)))


class ActionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an action (``compute__do_build_and_run_instance``)."""

    event: str
    start: str = ""
    finish: str = ""
    result: str = ""
    host: str = ""
    details: str = ""
    traceback: str = ""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked of a server (Compute API, os-instance-actions)."""

    action: str
    request_id: str = ""
    server_id: str = ""
    start: str = ""
    updated: str = ""
    message: str = ""
    events: tuple[ActionEvent, ...] = ()


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image (Image API), for what it asks of a host: ``trait:…`` and ``hw_…`` properties."""

    id: str
    name: str = ""
    properties: dict[str, str] = {}


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """A host aggregate (os-aggregates); one with an availability zone makes its hosts that zone."""

    name: str
    availability_zone: str = ""
    hosts: tuple[str, ...] = ()
    metadata: dict[str, str] = {}


COMPUTE = "nova-compute"
"""What Nova calls the service of a host that has servers."""


class ComputeService(msgspec.Struct, frozen=True, kw_only=True):
    """A service of Nova (os-services). ``status`` is what was ordered, ``state`` what is heard."""

    binary: str
    host: str
    zone: str = ""
    status: str = ""
    state: str = ""
    updated: str = ""
    disabled_reason: str = ""
    forced_down: bool = False


class Hypervisor(msgspec.Struct, frozen=True, kw_only=True):
    """A compute node (os-hypervisors). ``hostname`` is what Placement's provider is called."""

    hostname: str
    host: str = ""
    """Of its service: ``[DEFAULT]host``."""
    state: str = ""
    status: str = ""
    address: str = ""
    """``host_ip``: how it is reached, as in a log of the servers that it connects to."""
    free_disk_gb: int | None = None
    free_ram_mb: int | None = None
    """Both left the API with micro-version 2.88."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider has of a resource class; its capacity is (total - reserved) * ratio."""

    total: int = 0
    reserved: int = 0
    allocation_ratio: float = 1.0
    min_unit: int = 1
    max_unit: int = 2147483647
    step_size: int = 1

    @property
    def capacity(self) -> int:
        """As Placement rounds it (placement/objects/research_context.py)."""
        return int((self.total - self.reserved) * self.allocation_ratio)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A resource provider of Placement: a compute node, most often."""

    uuid: str
    name: str = ""
    inventories: dict[str, Inventory] | None = None
    usages: dict[str, int] | None = None
    traits: tuple[str, ...] | None = None
    aggregates: tuple[str, ...] | None = None
    allocations: dict[str, dict[str, int]] | None = None
    """What each consumer holds, by its id: a server's, or a migration's."""


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """How many providers Placement offers for an amount of resources."""

    resources: dict[str, int]
    providers: int
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as Neutron lists it; ML2/OVN computes ``alive`` from Chassis_Private.nb_cfg."""

    id: str
    binary: str = ""
    kind: str = ""
    host: str = ""
    alive: bool = False
    admin_state_up: bool = True
    heartbeat: str = ""
    bridge_mappings: str = ""


class FixedIp(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a port, and the subnet it is from."""

    ip_address: str
    subnet_id: str = ""


class NeutronPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port (Network API, ports and portbindings)."""

    id: str
    name: str = ""
    network_id: str = ""
    project_id: str = ""
    mac_address: str = ""
    admin_state_up: bool = True
    status: str = ""
    device_id: str = ""
    device_owner: str = ""
    fixed_ips: tuple[FixedIp, ...] = ()
    security_groups: tuple[str, ...] = ()
    port_security_enabled: bool = True
    allowed_addresses: tuple[str, ...] = ()
    host_id: str = ""
    """``binding:host_id``; admins only, as are the next three."""
    vif_type: str = ""
    vnic_type: str = ""
    vif_details: dict[str, object] = {}
    revision_number: int | None = None
    description: str | None = None
    """The tenant's own words; None where nobody said."""
    created: str = ""
    updated: str = ""

    @property
    def hybrid(self) -> bool:
        """It is to be plugged through qbr, qvb and qvo."""
        return bool(self.vif_details.get("ovs_hybrid_plug"))


class NeutronNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A network (Network API, networks and provider attributes)."""

    id: str
    name: str = ""
    status: str = ""
    admin_state_up: bool = True
    mtu: int = 0
    external: bool = False
    network_type: str = ""
    physical_network: str = ""
    segmentation_id: int | None = None
    port_security_enabled: bool = True
    revision_number: int | None = None


class NeutronSubnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet."""

    id: str
    network_id: str = ""
    name: str = ""
    cidr: str = ""
    ip_version: int = 4
    enable_dhcp: bool = True
    gateway_ip: str = ""
    revision_number: int | None = None


class NeutronRouter(msgspec.Struct, frozen=True, kw_only=True):
    """A router."""

    id: str
    name: str = ""
    status: str = ""
    admin_state_up: bool = True
    external_network_id: str = ""
    enable_snat: bool | None = None
    """Of its external gateway; None where it has none, or these credentials are not told."""
    revision_number: int | None = None


class NeutronFloatingIp(msgspec.Struct, frozen=True, kw_only=True):
    """A floating IP."""

    id: str
    floating_ip_address: str
    fixed_ip_address: str = ""
    port_id: str = ""
    router_id: str = ""
    status: str = ""
    revision_number: int | None = None


class OpenStack(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that an OpenStack said of itself. A section that is None was not read."""

    servers: tuple[Server, ...] | None = None
    listed: bool = False
    """``servers`` is a listing, as far as it could be asked for, and not only who was asked about."""
    actions: tuple[Action, ...] | None = None
    """Of the servers that were asked about, newest first."""
    services: tuple[ComputeService, ...] | None = None
    hypervisors: tuple[Hypervisor, ...] | None = None
    aggregates: tuple[Aggregate, ...] | None = None
    images: tuple[Image, ...] | None = None
    cell_hosts: tuple[str, ...] | None = None
    """Hosts that are mapped to a cell (``nova-manage cell_v2 list_hosts``)."""
    providers: tuple[Provider, ...] | None = None
    lost_consumers: tuple[str, ...] | None = None
    """Of those that hold allocations: the ids that Nova was asked for and has no server or
    migration of."""
    unanswered: tuple[str, ...] = ()
    """Services that did not answer at all, or with an error of their own: ``placement``."""
    candidates: tuple[Candidates, ...] | None = None
    """Answers to the same question with one resource left out after the other."""
    agents: tuple[Agent, ...] | None = None
    ports: tuple[NeutronPort, ...] | None = None
    networks: tuple[NeutronNetwork, ...] | None = None
    subnets: tuple[NeutronSubnet, ...] | None = None
    routers: tuple[NeutronRouter, ...] | None = None
    floating_ips: tuple[NeutronFloatingIp, ...] | None = None
    security_groups: tuple[str, ...] | None = None
    """Their ids."""

    @property
    def asked(self) -> bool:
        """Whether any of it was read."""
        flags = ("listed", "unanswered")
        sections = (name for name in self.__struct_fields__ if name not in flags)
        return any(getattr(self, name) is not None for name in sections)

    def server(self, text: str) -> tuple[Server, ...]:
        """The servers with this id or name."""
        return tuple(self._servers.get(text, ()))

    def server_with(self, ident: str) -> Server | None:
        """The server with this id."""
        return next((each for each in self.server(ident) if each.id == ident), None)

    def port_with(self, ident: str) -> NeutronPort | None:
        """The port with this id."""
        return self._ports.get(ident)

    def network_with(self, ident: str) -> NeutronNetwork | None:
        """The network with this id."""
        return self._networks.get(ident)

    def subnet_with(self, ident: str) -> NeutronSubnet | None:
        """The subnet with this id."""
        return self._subnets.get(ident)

    def ports_of(self, server_id: str) -> tuple[NeutronPort, ...]:
        """The ports of a server."""
        return tuple(self._ports_of.get(server_id, ()))

    # What is looked up once a port must not be a walk: a cloud has 200,000 of them.

    @cached_property
    def _servers(self) -> Mapping[str, list[Server]]:
        found: defaultdict[str, list[Server]] = defaultdict(list)
        for each in self.servers or ():
            for text in {each.id, each.name}:
                found[text].append(each)
        return dict(found)

    @cached_property
    def _ports(self) -> Mapping[str, NeutronPort]:
        return {port.id: port for port in reversed(self.ports or ())}

    @cached_property
    def _networks(self) -> Mapping[str, NeutronNetwork]:
        return {each.id: each for each in reversed(self.networks or ())}

    @cached_property
    def _subnets(self) -> Mapping[str, NeutronSubnet]:
        return {each.id: each for each in self.subnets or ()}

    @cached_property
    def _ports_of(self) -> Mapping[str, list[NeutronPort]]:
        found: defaultdict[str, list[NeutronPort]] = defaultdict(list)
        for port in self.ports or ():
            found[port.device_id].append(port)
        return dict(found)
