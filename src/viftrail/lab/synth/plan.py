"""A large cloud on paper: hosts, networks and VMs, from a size and a seed. Pure.

Everything about one tenant is drawn from a generator of its own, so tenants are
made one after the other and none has to be kept; and no fault that is planted
changes what another tenant looks like.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from viftrail.errors import UsageError
from viftrail.lab.design import (
    PHYSNET,
    TENANT_MTU,
    UNDERLAY_MTU,
    FloatingIp,
    Network,
    Router,
    RouterPort,
    Vm,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PORTS: Final = 300_000

#: RFC 2544's range for tests: floating IPs of a large cloud, of no site.
PROVIDERS: Final = ipaddress.IPv4Network("198.18.0.0/15")
#: RFC 6598's range for carriers: the tunnel endpoints.
TUNNELS: Final = ipaddress.IPv4Network("100.64.0.0/16")
#: The physical network of VLANs that VMs are on directly.
VM_PHYSNET: Final = "physnet2"

_PROVIDER_PREFIX: Final = 20
BLOCK: Final = 64
"""Addresses of a provider network that one tenant may use, its gateway's included."""

_TENANTS_PER_PROVIDER: Final = (1 << (32 - _PROVIDER_PREFIX)) // BLOCK - 1
_NETWORK_SIZES: Final = (60, 140)
_FIRST_ADDRESS: Final = 11
_PORTS_PER_HOST: Final = 100
_HOSTS_PER_GATEWAY: Final = 20
_GATEWAYS_PER_ROUTER: Final = 3
_VLAN_EVERY: Final = 8
"""One tenant in so many has a VLAN of the data centre instead of a router."""


class Ids:
    """Identifiers drawn one after the other."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def uuid(self) -> str:
        """A random UUID (RFC 4122 version 4)."""
        bits = self.random.getrandbits(128) & ~(0xF << 76) & ~(3 << 62) | 4 << 76 | 2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def mac(number: int) -> str:
    """The MAC address of that number: unlike its neighbours, and nobody else's."""
    mixed = number * 0x9E3779 & 0xFFFFFF  # odd, so that no two numbers meet
    return f"fa:16:3e:{mixed >> 16:02x}:{mixed >> 8 & 255:02x}:{mixed & 255:02x}"


@dataclass(frozen=True)
class Host:
    """A machine with ovn-controller; a gateway if it may host gateway ports."""

    name: str
    system_id: str
    uuid: str
    tunnel_ip: str
    gateway: bool = False


@dataclass(frozen=True)
class Guest:
    """A VM, the uuid of its port's row, and its security groups."""

    vm: Vm
    row: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """One network of a tenant with its VMs; what the lab's rows are made of."""

    project_id: str
    network: Network
    provider: Network
    router: Router
    security_group: str
    server_mac: str
    guests: tuple[Guest, ...] = ()

    def mac(self, kind: str, name: str) -> str:  # noqa: ARG002
        """The MAC address that the network's DHCP answers come from."""
        return self.server_mac


@dataclass(frozen=True)
class Tenancy:
    """One tenant: a few networks on a router, or one VLAN of the data centre."""

    index: int
    sites: tuple[Site, ...]
    web_group: str
    gateways: tuple[Host, ...]
    routed: bool

    @property
    def router(self) -> Router:
        """The one router, if it is routed at all."""
        return self.sites[0].router

    @property
    def guests(self) -> Iterator[Guest]:
        """All its VMs."""
        for site in self.sites:
            yield from site.guests


@dataclass(frozen=True)
class _Shape:
    sizes: tuple[int, ...]
    first: int
    """Number of the first of its networks in the cloud."""

    routed: bool
    rank: int
    """Which routed tenant it is."""


class Plan:
    """The cloud; the same arguments make the same one."""

    def __init__(self, ports: int, seed: int = 0, *, ha_groups: bool = False) -> None:
        """A cloud of so many VM ports.

        ``ha_groups`` says how gateways are scheduled: by HA_Chassis_Group, as
        Neutron 29 does, or by Gateway_Chassis, as older ones do.

        Raises:
            UsageError: that is none, or more than the address ranges hold.
        """
        if not 1 <= ports <= MAX_PORTS:
            raise UsageError(
                f"A cloud of {ports} ports cannot be made.", f"Choose 1 to {MAX_PORTS}."
            )
        self.ports = ports
        self.seed = seed
        self.ha_groups = ha_groups
        self._shapes = tuple(_shapes(ports, self.ids("shapes").random))
        routed = sum(shape.routed for shape in self._shapes)
        self.providers = tuple(
            self._provider(number) for number in range(-(-max(routed, 1) // _TENANTS_PER_PROVIDER))
        )
        self.computes = tuple(self._hosts("compute", max(2, -(-ports // _PORTS_PER_HOST)), 0))
        count = max(2, len(self.computes) // _HOSTS_PER_GATEWAY)
        self.gateways = tuple(self._hosts("network", count, len(self.computes), gateway=True))

    def ids(self, purpose: str) -> Ids:
        """Identifiers for one purpose, apart from those of any other."""
        return Ids(f"{self.seed}/{self.ports}/{purpose}")

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All chassis."""
        return self.computes + self.gateways

    def __len__(self) -> int:
        """The number of tenants."""
        return len(self._shapes)

    def is_routed(self, index: int) -> bool:
        """Whether that tenant has a router."""
        return self._shapes[index].routed

    def tenancy(self, index: int) -> Tenancy:
        """A tenant with all that it has."""
        shape, ids = self._shapes[index], self.ids(f"tenant/{index}")
        choices = min(_GATEWAYS_PER_ROUTER, len(self.gateways))
        gateways = tuple(
            self.gateways[(index + offset) % len(self.gateways)] for offset in range(choices)
        )
        default, web = ids.uuid(), ids.uuid()
        project = ids.uuid().replace("-", "")
        provider = self.providers[shape.rank % len(self.providers)]
        block = BLOCK * (shape.rank // len(self.providers) + 1)
        spare = iter(range(block + 1, block + BLOCK))
        prefix = provider.cidr.prefixlen
        outside = RouterPort(
            ids.uuid(), mac(_outside(shape, 0)), f"{provider.cidr[block]}/{prefix}"
        )
        router_id = ids.uuid()
        sites = []
        for number, size in enumerate(shape.sizes, shape.first):
            network = self._network(number, ids, routed=shape.routed)
            inside = RouterPort(ids.uuid(), mac(number << 8 | 1), f"{network.gateway}/24")
            guests = []
            for place in range(size):
                guest = self._guest(network, number, place, ids, (default, web))
                if shape.routed and place % 10 == 0:
                    guest = _with_floating_ip(guest, provider, next(spare), ids, shape)
                guests.append(guest)
            sites.append(
                Site(
                    project_id=project,
                    network=network,
                    provider=provider,
                    router=Router(router_id, f"router{index + 1}", inside, outside),
                    security_group=default,
                    server_mac=mac(number << 8 | 3),
                    guests=tuple(guests),
                )
            )
        return Tenancy(index, tuple(sites), web, gateways, shape.routed)

    def _hosts(
        self, prefix: str, count: int, first: int, *, gateway: bool = False
    ) -> Iterator[Host]:
        ids = self.ids(prefix)
        for number in range(count):
            tunnel = str(TUNNELS[256 + first + number])
            yield Host(f"{prefix}{number + 1}", ids.uuid(), ids.uuid(), tunnel, gateway)

    def _provider(self, number: int) -> Network:
        ids = self.ids(f"provider/{number}")
        base = int(PROVIDERS.network_address) + (number << (32 - _PROVIDER_PREFIX))
        cidr = ipaddress.IPv4Network((base, _PROVIDER_PREFIX))
        return Network(
            id=ids.uuid(),
            name=f"public{number + 1}",
            subnet_id=ids.uuid(),
            cidr=cidr,
            gateway=str(cidr[1]),
            mtu=UNDERLAY_MTU,
            type="vlan",
            metadata_port=ids.uuid(),
            metadata_mac=mac(0xFFFF00 | number),
            metadata_ip=None,
            segment_id=ids.uuid(),
            physnet=PHYSNET,
            tag=100 + number,
        )

    @staticmethod
    def _network(number: int, ids: Ids, *, routed: bool) -> Network:
        cidr = ipaddress.IPv4Network((10 << 24 | number << 8, 24))
        return Network(
            id=ids.uuid(),
            name=f"{'net' if routed else 'vlan'}{number + 1}",
            subnet_id=ids.uuid(),
            cidr=cidr,
            gateway=str(cidr[1]),
            mtu=TENANT_MTU if routed else UNDERLAY_MTU,
            type="geneve" if routed else "vlan",
            metadata_port=ids.uuid(),
            metadata_mac=mac(number << 8 | 2),
            metadata_ip=str(cidr[2]),
            segment_id=None if routed else ids.uuid(),
            physnet=None if routed else VM_PHYSNET,
            tag=None if routed else 200 + number % 3800,
        )

    def _guest(
        self, network: Network, number: int, place: int, ids: Ids, groups: tuple[str, str]
    ) -> Guest:
        octet = _FIRST_ADDRESS + place
        host = self.computes[ids.random.randrange(len(self.computes))]
        vm = Vm(
            name=f"{network.name}-vm{place + 1}",
            id=ids.uuid(),
            host=host.name,
            port_id=ids.uuid(),
            mac=mac(number << 8 | octet),
            ip=f"10.{number >> 8}.{number & 255}.{octet}",
        )
        return Guest(vm, ids.uuid(), groups if place % 3 == 0 else groups[:1])


def _with_floating_ip(
    guest: Guest, provider: Network, address: int, ids: Ids, shape: _Shape
) -> Guest:
    floating_ip = FloatingIp(
        id=ids.uuid(),
        port_id=ids.uuid(),
        address=str(provider.cidr[address]),
        mac=mac(_outside(shape, address % BLOCK)),
    )
    fields = {name: getattr(guest.vm, name) for name in ("name", "id", "host", "port_id")}
    vm = Vm(**fields, mac=guest.vm.mac, ip=guest.vm.ip, floating_ip=floating_ip)
    return Guest(vm, guest.row, guest.groups)


def _outside(shape: _Shape, slot: int) -> int:
    """The number of a MAC address of a tenant on its provider network."""
    return 0x800000 + shape.rank * BLOCK + slot


def _shapes(ports: int, draw: random.Random) -> Iterator[_Shape]:
    """How many networks each tenant has, and how many VMs each network."""
    sizes = []
    while ports > 0:
        sizes.append(min(ports, draw.randint(*_NETWORK_SIZES)))
        ports -= sizes[-1]
    index = rank = first = 0
    while first < len(sizes):
        routed = index % _VLAN_EVERY != _VLAN_EVERY // 2
        count = draw.randint(1, 3) if routed else 1
        mine = tuple(sizes[first : first + count])
        yield _Shape(mine, first, routed, rank)
        index, rank, first = index + 1, rank + routed, first + len(mine)
