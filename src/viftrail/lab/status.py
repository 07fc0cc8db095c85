"""What ``lab status -f json`` prints: the owner's view of the cloud.

It is what Nova and Neutron *want*, kept apart from what any OVN database
holds; only ``lease``, ``mac_in_guest`` and ``broken`` are looked up when asked.
"""

from __future__ import annotations

import msgspec


class NodeStatus(msgspec.Struct, frozen=True):
    """A node. Addresses are dotted quads, folders absolute paths."""

    name: str
    role: str
    mgmt_ip: str | None
    tunnel_ip: str | None
    chassis: str | None
    run_dir: str
    log_dir: str
    db_dir: str


class VmStatus(msgspec.Struct, frozen=True):
    """A VM and its only port, as Nova and Neutron would show them.

    ``console`` is the file with all that a QEMU guest has printed.
    """

    name: str
    id: str
    host: str
    port_id: str
    tap: str
    ovs_port: str
    mac: str
    ip: str
    cidr: str
    network: str
    hybrid: bool
    security_groups: tuple[str, ...]
    floating_ip: str | None
    lease: str | None
    mac_in_guest: str | None
    mtu_in_guest: int = 0
    revision: int | None = None
    qemu: bool = False
    console: str | None = None
    ip6: str = ""
    cidr6: str = ""
    address6: str | None = None
    """The global IPv6 address that the guest has."""


class NetworkStatus(msgspec.Struct, frozen=True):
    """A network that VMs are on, with its subnet and DHCP, and its router if it has one."""

    name: str
    id: str
    subnet_id: str
    cidr: str
    gateway: str
    mtu: int
    logical_switch: str
    router: str
    router_id: str
    logical_router: str
    logical_router_port: str
    metadata_port: str
    dhcp: bool
    cidr6: str = ""
    gateway6: str = ""
    mode6: str = ""
    """The address mode of its IPv6 subnet, as Logical_Router_Port.ipv6_ra_configs spells it."""
    vlan: int | None = None
    """The segmentation id of a provider network that VMs are on directly."""


class RouterStatus(msgspec.Struct, frozen=True):
    """The router, and the chassis its gateway port is scheduled to, the first choice first."""

    name: str
    id: str
    logical_router: str
    gateway_port: str
    gateway_ip: str
    gateway_node: str
    gateway_chassis: str
    gateway_nodes: tuple[str, ...] = ()


class FloatingIpStatus(msgspec.Struct, frozen=True):
    """A floating IP and the VM behind it."""

    ip: str
    id: str
    vm: str
    port_id: str
    fixed_ip: str
    logical_router: str


class ProviderStatus(msgspec.Struct, frozen=True):
    """The external network, down to the bridge it leaves through."""

    network: str
    id: str
    logical_switch: str
    physnet: str
    cidr: str
    mtu: int
    localnet_port: str
    bridge: str
    nic: str
    node: str


class ExternalStatus(msgspec.Struct, frozen=True):
    """The host at the far end of the provider network; ``beyond`` takes a default route."""

    name: str
    ip: str
    beyond: str


class Status(msgspec.Struct, frozen=True):
    """All of a lab."""

    name: str
    keeper: int
    nodes: tuple[NodeStatus, ...]
    vms: tuple[VmStatus, ...]
    networks: tuple[NetworkStatus, ...]
    routers: tuple[RouterStatus, ...]
    floating_ips: tuple[FloatingIpStatus, ...]
    provider: ProviderStatus
    external: ExternalStatus
    port_groups: tuple[str, ...]
    broken: tuple[str, ...]
    clouds: str = ""
    """The clouds.yaml of its OpenStack; empty where the lab itself owns the ports."""


class MachineRef(msgspec.Struct, frozen=True):
    """How to get into a node or VM: namespace paths, and the environment to set there.

    A QEMU guest has no namespaces: its ``serial`` line is the way in.
    """

    name: str
    role: str
    net: str
    mnt: str
    uts: str
    environment: dict[str, str]
    run_dir: str | None = None
    log_dir: str | None = None
    db_dir: str | None = None
    serial: str | None = None
